// Queries of the RocksDB state store: begun on the replica thread by taking the
// moment, finished on any other.
//
//   return std::make_unique<TransferQuery>(disk, frozen, active, filter);
//
// Shape    An ordered cursor for each field that is given, over the disk's
// index
//          and the deltas' rows; where all of them meet is what matches, and
//          only that is read.
// Source   ledger.md, "Queries".
#ifndef LEDGERD_STORAGE_STATE_QUERIES_H_
#define LEDGERD_STORAGE_STATE_QUERIES_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"

#include "storage/lateness.h"
#include "storage/state_moment.h"
#include "storage/state_query.h"
#include "storage/state_store.h"

namespace ledgerd::storage {

class TransferQuery final : public Lookup<Transfer> {
 public:
  // With account 0: the transfers of all accounts.
  TransferQuery(std::unique_ptr<StateMoment> moment,
                const AccountFilter& filter)
      : moment_(std::move(moment)), filter_(filter) {}

  absl::StatusOr<Found<Transfer>> FinishUnless(const IsLate& is_late) override;

 private:
  std::unique_ptr<StateMoment> moment_;
  const AccountFilter filter_;
};

class AccountQuery final : public Lookup<Account> {
 public:
  AccountQuery(std::unique_ptr<StateMoment> moment, const QueryFilter& filter)
      : moment_(std::move(moment)), filter_(filter) {}

  absl::StatusOr<Found<Account>> FinishUnless(const IsLate& is_late) override;

 private:
  std::unique_ptr<StateMoment> moment_;
  const QueryFilter filter_;
};

class BalanceQuery final : public Lookup<AccountBalances> {
 public:
  BalanceQuery(std::unique_ptr<StateMoment> moment, const AccountFilter& filter)
      : moment_(std::move(moment)), filter_(filter) {}

  absl::StatusOr<Found<AccountBalances>> FinishUnless(
      const IsLate& is_late) override;

 private:
  std::unique_ptr<StateMoment> moment_;
  const AccountFilter filter_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_QUERIES_H_
