#include "storage/state_queries.h"

#include <vector>

#include "proto/base/status_macros.h"
#include "storage/timestamp_cursor.h"

namespace ledgerd::storage {
namespace {

template <typename Row>
void AddFields(const StateMoment& moment, const QueryFilter& filter,
               TimestampCursors& cursors) {
  using Fields = IndexedFields<Row>;
  const auto add = [&](IndexField field, Uint128 value) {
    if (value == 0) return;
    cursors.push_back(moment.List<Row>(field, value, filter.reversed));
  };
  add(Fields::kUserData128, filter.user_data_128);
  add(Fields::kUserData64, filter.user_data_64);
  add(Fields::kUserData32, filter.user_data_32);
  add(Fields::kCode, filter.code);
  add(Fields::kLedger, filter.ledger);
}

void AddAccount(const StateMoment& moment, const AccountFilter& filter,
                TimestampCursors& cursors) {
  if (filter.account_id == AccountId(0)) return;
  TimestampCursors sides;
  const auto add = [&](IndexField side) {
    sides.push_back(moment.List<Transfer>(side, filter.account_id.value(),
                                          filter.rest.reversed));
  };
  if (filter.debits) add(IndexField::kDebitAccount);
  if (filter.credits) add(IndexField::kCreditAccount);
  cursors.push_back(
      std::make_unique<UnionCursor>(std::move(sides), filter.rest.reversed));
}

// What all of `cursors` have, within the filter's times and limit.
absl::StatusOr<std::vector<Timestamp>> Collect(TimestampCursors cursors,
                                               const QueryFilter& filter,
                                               const IsLate& is_late) {
  std::vector<Timestamp> found;
  IntersectionCursor all(std::move(cursors), filter.reversed, is_late);
  Timestamp from =
      filter.reversed ? filter.timestamp_max : filter.timestamp_min;
  while (found.size() < filter.limit) {
    const Timestamp at = all.Seek(from);
    LEDGERD_RETURN_IF_ERROR(all.status());
    if (at == kNoTimestamp || at < filter.timestamp_min ||
        at > filter.timestamp_max) {
      break;
    }
    found.push_back(at);
    from = Timestamp(filter.reversed ? at.value() - 1 : at.value() + 1);
  }
  return found;
}

absl::StatusOr<std::vector<Timestamp>> MatchingTransfers(
    const StateMoment& moment, const AccountFilter& filter,
    const IsLate& is_late) {
  TimestampCursors cursors;
  AddAccount(moment, filter, cursors);
  AddFields<Transfer>(moment, filter.rest, cursors);
  if (cursors.empty()) {
    cursors.push_back(moment.All<Transfer>(filter.rest.reversed));
  }
  return Collect(std::move(cursors), filter.rest, is_late);
}

absl::StatusOr<std::vector<Timestamp>> MatchingAccounts(
    const StateMoment& moment, const QueryFilter& filter,
    const IsLate& is_late) {
  TimestampCursors cursors;
  AddFields<Account>(moment, filter, cursors);
  if (cursors.empty()) cursors.push_back(moment.All<Account>(filter.reversed));
  return Collect(std::move(cursors), filter, is_late);
}

}  // namespace

absl::StatusOr<Found<Account>> AccountQuery::FinishUnless(
    const IsLate& is_late) {
  LEDGERD_ASSIGN_OR_RETURN(const auto timestamps,
                           MatchingAccounts(*moment_, filter_, is_late));
  Found<Account> found;
  LEDGERD_ASSIGN_OR_RETURN(found.rows, moment_->ReadAccounts(timestamps));
  moment_ = nullptr;
  return found;
}

absl::StatusOr<Found<Transfer>> TransferQuery::FinishUnless(
    const IsLate& is_late) {
  LEDGERD_ASSIGN_OR_RETURN(const auto timestamps,
                           MatchingTransfers(*moment_, filter_, is_late));
  Found<Transfer> found;
  LEDGERD_ASSIGN_OR_RETURN(found.rows, moment_->ReadTransfers(timestamps));
  for (const Transfer& transfer : found.rows) {
    LEDGERD_ASSIGN_OR_RETURN(const PendingState state,
                             moment_->ReadPendingState(transfer));
    found.pending_states.push_back(state);
  }
  moment_ = nullptr;
  return found;
}

absl::StatusOr<Found<AccountBalances>> BalanceQuery::FinishUnless(
    const IsLate& is_late) {
  LEDGERD_ASSIGN_OR_RETURN(const auto timestamps,
                           MatchingTransfers(*moment_, filter_, is_late));
  Found<AccountBalances> found;
  LEDGERD_ASSIGN_OR_RETURN(
      found.rows, moment_->ReadBalances(filter_.account_id, timestamps));
  moment_ = nullptr;
  return found;
}

}  // namespace ledgerd::storage
