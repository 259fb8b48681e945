#include "replication/journal_write.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::replication {

absl::Status PerformWrite(const JournalWrite& write,
                          storage::Journal& journal) {
  LEDGERD_CHECK(!write.install.has_value() && write.repairs.empty());
  if (write.cut.has_value()) {
    LEDGERD_RETURN_IF_ERROR(journal.RollBack(*write.cut));
  }
  if (write.superblock.has_value()) {
    storage::Superblock superblock = journal.superblock();
    superblock.promised_epoch = write.superblock->promised;
    superblock.fork = write.superblock->fork.value();
    superblock.membership = write.superblock->membership;
    superblock.membership_before = write.superblock->membership_before;
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

}  // namespace ledgerd::replication
