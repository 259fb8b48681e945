// Look-ups of the RocksDB state store: what memory knew when they began, and
// the disk's state of the same moment for the rest.
//
//   auto lookup = std::make_unique<AccountLookup>(disk, ids);
//   lookup->Know(account);         // replica thread
//   auto found = lookup->Finish(); // any thread
//
// Threads  Know: before the look-up is handed over. Finish: any, once.
#ifndef LEDGERD_STORAGE_STATE_LOOKUP_H_
#define LEDGERD_STORAGE_STATE_LOOKUP_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/types.h"
#include "storage/disk_state.h"
#include "storage/incident_rows.h"
#include "storage/lateness.h"
#include "storage/state_delta.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

class AccountLookup final : public Lookup<Account> {
 public:
  AccountLookup(std::shared_ptr<const DiskState> disk,
                std::vector<AccountId> ids)
      : disk_(std::move(disk)), ids_(std::move(ids)) {}

  const std::vector<AccountId>& ids() const { return ids_; }

  void Know(const Account& account) { known_.emplace(account.id, account); }

  absl::StatusOr<Found<Account>> FinishUnless(const IsLate& is_late) override;

 private:
  std::shared_ptr<const DiskState> disk_;
  std::vector<AccountId> ids_;
  absl::flat_hash_map<AccountId, Account> known_;
};

class TransferLookup final : public Lookup<Transfer> {
 public:
  TransferLookup(std::shared_ptr<const DiskState> disk,
                 std::vector<TransferId> ids)
      : disk_(std::move(disk)), ids_(std::move(ids)) {}

  const std::vector<TransferId>& ids() const { return ids_; }

  void Know(const Transfer& transfer, PendingState state) {
    known_.emplace(transfer.id, std::make_pair(transfer, state));
  }

  absl::StatusOr<Found<Transfer>> FinishUnless(const IsLate& is_late) override;

 private:
  absl::Status ReadTheRest();

  std::shared_ptr<const DiskState> disk_;
  std::vector<TransferId> ids_;
  absl::flat_hash_map<TransferId, std::pair<Transfer, PendingState>> known_;
};

class IncidentsLookup final : public Lookup<IncidentsRow> {
 public:
  // What is in memory is copied; `frozen` may be null.
  IncidentsLookup(std::shared_ptr<const DiskState> disk,
                  const StateDelta* frozen, const StateDelta& active,
                  Sequence after)
      : disk_(std::move(disk)), after_(after) {
    if (frozen != nullptr) Know(frozen->incidents);
    Know(active.incidents);
  }

  absl::StatusOr<Found<IncidentsRow>> FinishUnless(
      const IsLate& is_late) override;

 private:
  void Know(const IncidentRows& rows) {
    for (const IncidentsRow& row : rows.rows()) {
      if (row.sequence > after_) known_.push_back(row);
    }
  }

  absl::Status ReadFromDisk(const IsLate& is_late,
                            std::vector<IncidentsRow>& rows);

  std::shared_ptr<const DiskState> disk_;
  const Sequence after_;
  std::vector<IncidentsRow> known_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_LOOKUP_H_
