// A ledger's data directory without a daemon: opened by the same code, brought
// up to the end of its journal, and read.
//
//   auto ledger = OfflineLedger::Open(directory.Path("data"));
//   ASSERT_TRUE(ledger.ok()) << ledger.status();
//   EXPECT_EQ((*ledger)->state_hash(), expected);
//   EXPECT_TRUE((*ledger)->VerifyAll().ok());
//
// Shape    DataDir, SegmentJournal, RocksDbStateStore and the ledger's rules,
// on
//          one thread: what a start of the daemon does, but for the epoch that
//          it begins. Opening may cut a torn end, as a start does.
// Errors   Those of opening and reading; DATA_LOSS when state and journal do
// not
//          belong together.
#ifndef LEDGERD_TESTS_INTEGRATION_OFFLINE_LEDGER_H_
#define LEDGERD_TESTS_INTEGRATION_OFFLINE_LEDGER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/types.h"
#include "storage/data_dir.h"
#include "storage/replaceable_state_store.h"
#include "storage/rocksdb_state_store.h"
#include "storage/segment_journal.h"
#include "tests/integration/final_state.h"

namespace ledgerd::integration {

class OfflineLedger {
 public:
  static absl::StatusOr<std::unique_ptr<OfflineLedger>> Open(
      const std::string& path);

  // As of the last entry.
  Uint128 state_hash() const { return store_->state_hash(); }

  EntryId last() const { return journal_->last(); }

  // To be read; what is applied to it here is not in the journal.
  storage::StateStore& store() { return *store_; }

  // Where the state was when it was opened, before the replay.
  Sequence opened_at() const { return opened_at_; }

  // What there is of these, in the order of their ids.
  absl::StatusOr<FinalState> Read(const std::vector<TransferId>& transfers,
                                  const std::vector<AccountId>& accounts);

  // Why an id is kept as failed; kUnspecified when it is not.
  absl::StatusOr<TransferStatus> FailedStatus(TransferId id);

  // Writes a checkpoint of everything, recomputes the state hash from the disk,
  // and compares.
  absl::Status VerifyAll();

 private:
  OfflineLedger() = default;

  absl::Status OpenAll(const std::string& path);
  absl::Status Replay();
  absl::Status Apply(const Entry& entry);
  absl::Status Bring(const storage::Needs& needs);

  std::unique_ptr<storage::DataDir> dir_;
  std::unique_ptr<storage::SegmentJournal> journal_;
  std::unique_ptr<storage::ReplaceableStateStore> store_;
  Sequence opened_at_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_OFFLINE_LEDGER_H_
