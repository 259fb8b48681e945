// A StateMoment is the state as of the applied point at which it was taken: any
// thread reads it while the state goes on changing.
//
//   StateMoment moment(disk, frozen, active);          // replica thread
//   auto debits = moment.List<Transfer>(IndexField::kDebitAccount, 7, false);
//   auto transfers = moment.ReadTransfers({debits->Seek(Timestamp(1))});
//
// Shape    The disk below, the delta that is being written, and of the active
//          delta what was in it then: rows and logs that only grow.
// Memory   Keeps both deltas alive.
// Errors   As DiskState.
// Threads  Taken by the replica thread between two entries; then one at a time.
#ifndef LEDGERD_STORAGE_STATE_MOMENT_H_
#define LEDGERD_STORAGE_STATE_MOMENT_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/types.h"
#include "storage/disk_state.h"
#include "storage/event_index.h"
#include "storage/history_row.h"
#include "storage/history_view.h"
#include "storage/index_field.h"
#include "storage/indexed_rows.h"
#include "storage/pending_log.h"
#include "storage/state_delta.h"
#include "storage/timestamp_cursor.h"

namespace ledgerd::storage {

class StateMoment {
 public:
  // `frozen` may be null.
  StateMoment(std::shared_ptr<const DiskState> disk,
              std::shared_ptr<const StateDelta> frozen,
              std::shared_ptr<const StateDelta> active);

  StateMoment(const StateMoment&) = delete;
  StateMoment& operator=(const StateMoment&) = delete;

  // The accounts (transfers) that have `value` in `field`.
  template <typename Row>
  std::unique_ptr<TimestampCursor> List(IndexField field, Uint128 value,
                                        bool reversed) const;

  // All accounts (transfers).
  template <typename Row>
  std::unique_ptr<TimestampCursor> All(bool reversed) const;

  // In the order asked. Requires: they exist, and their timestamps ascend or
  // descend.
  absl::StatusOr<std::vector<Transfer>> ReadTransfers(
      const std::vector<Timestamp>& timestamps) const;

  // As they were at the moment; the same way.
  absl::StatusOr<std::vector<Account>> ReadAccounts(
      const std::vector<Timestamp>& timestamps);

  // In any order; each as it was at some time, so that what never changes is
  // right. Those that do not exist are left out.
  absl::StatusOr<std::vector<Account>> ReadAccountsById(
      const std::vector<AccountId>& ids) const;

  // The balances of `account`, which keeps its history, after the transfers of
  // `timestamps`, in the order asked. Requires: they exist, and ascend or
  // descend. Without those of transfers that a build without history made.
  absl::StatusOr<std::vector<AccountBalances>> ReadBalances(
      AccountId account, const std::vector<Timestamp>& timestamps) const;

  // kNone unless it is a pending one.
  absl::StatusOr<PendingState> ReadPendingState(const Transfer& transfer);

 private:
  template <typename Row>
  struct Rows {
    RowsView<Row> frozen;
    RowsView<Row> active;

    const Row* Find(Timestamp timestamp) const {
      const Row* const found = active.Find(timestamp);
      return found != nullptr ? found : frozen.Find(timestamp);
    }
  };

  template <typename Row>
  const Rows<Row>& rows() const;

  // Of accounts, ascending, in the state below.
  absl::StatusOr<std::vector<Account>> ReadFromDisk(
      std::vector<Timestamp> timestamps) const;
  // What memory knows better than the disk, or than the row as it was created.
  void BringUpToDate(Account& account);

  const std::shared_ptr<const DiskState> disk_;
  const std::shared_ptr<const StateDelta> frozen_;
  const std::shared_ptr<const StateDelta> active_;
  const Rows<Transfer> transfers_;
  const Rows<Account> accounts_;
  PendingLogView pending_;
  EventIndexView events_;
  const HistoryView frozen_history_;
  const HistoryView active_history_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_MOMENT_H_
