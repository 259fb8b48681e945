#include "replication/journal_write.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::replication {
namespace {

void Put(const SuperblockWrite& write, storage::Superblock& superblock) {
  superblock.promised_epoch = write.promised;
  superblock.fork = write.fork.value();
  superblock.membership = write.membership;
  superblock.membership_before = write.membership_before;
}

absl::Status PerformInstall(const JournalWrite& write,
                            storage::Journal& journal,
                            storage::StateStore* store) {
  storage::Superblock superblock = journal.superblock();
  // Done, by a try that found no space for what comes after it.
  if (superblock.checkpoint == *write.install) return absl::OkStatus();
  if (store != nullptr) {
    LEDGERD_RETURN_IF_ERROR(store->PrepareInstall(*write.install));
  }
  superblock.checkpoint = *write.install;
  Put(*write.superblock, superblock);
  return journal.Install(superblock);
}

}  // namespace

absl::Status PerformWrite(const JournalWrite& write, storage::Journal& journal,
                          storage::StateStore* store) {
  LEDGERD_CHECK(write.repairs.empty());
  if (write.install.has_value()) {
    LEDGERD_CHECK(write.superblock.has_value());
    LEDGERD_RETURN_IF_ERROR(PerformInstall(write, journal, store));
  }
  if (write.cut.has_value()) {
    LEDGERD_RETURN_IF_ERROR(journal.RollBack(*write.cut));
  }
  if (write.superblock.has_value() && !write.install.has_value()) {
    storage::Superblock superblock = journal.superblock();
    Put(*write.superblock, superblock);
    LEDGERD_RETURN_IF_ERROR(journal.WriteSuperblock(superblock));
  }
  if (write.entries.empty()) return absl::OkStatus();
  return journal.Append(write.entries, write.commit);
}

absl::Status PerformCheckpoint(const EntryId& checkpoint,
                               storage::Journal& journal) {
  storage::Superblock superblock = journal.superblock();
  superblock.checkpoint = checkpoint;
  LEDGERD_RETURN_IF_ERROR(journal.WriteSuperblock(superblock));
  return journal.Release(checkpoint.sequence);
}

absl::Status PerformReplacement(const EntryId& checkpoint,
                                storage::Journal& journal,
                                storage::StateStore& store) {
  LEDGERD_CHECK(journal.superblock().checkpoint.sequence <
                    checkpoint.sequence ||
                journal.superblock().checkpoint == checkpoint);
  LEDGERD_RETURN_IF_ERROR(store.PrepareRepair(checkpoint));
  return PerformCheckpoint(checkpoint, journal);
}

}  // namespace ledgerd::replication
