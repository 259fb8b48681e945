#include "tests/model/naive_queries.h"

#include <algorithm>
#include <map>

namespace ledgerd::model {
namespace {

template <typename Row>
bool HasAll(const storage::QueryFilter& filter, const Row& row) {
  if (filter.user_data_128 != 0 && filter.user_data_128 != row.user_data_128) {
    return false;
  }
  if (filter.user_data_64 != 0 && filter.user_data_64 != row.user_data_64) {
    return false;
  }
  if (filter.user_data_32 != 0 && filter.user_data_32 != row.user_data_32) {
    return false;
  }
  if (filter.ledger != 0 && filter.ledger != row.ledger) return false;
  if (filter.code != 0 && filter.code != row.code) return false;
  return filter.timestamp_min <= row.timestamp &&
         row.timestamp <= filter.timestamp_max;
}

// Of all that match, by timestamp, what the filter wants.
template <typename Row>
std::vector<Row> Wanted(const storage::QueryFilter& filter,
                        const std::map<Timestamp, Row>& matching) {
  std::vector<Row> rows;
  for (const auto& [timestamp, row] : matching) rows.push_back(row);
  if (filter.reversed) std::reverse(rows.begin(), rows.end());
  if (rows.size() > filter.limit) rows.resize(filter.limit);
  return rows;
}

// Takes over some of the fields of an object.
template <typename Row>
void Ask(Random& random, const Row& like, storage::QueryFilter& filter) {
  if (random.OneIn(4)) filter.user_data_128 = like.user_data_128;
  if (random.OneIn(4)) filter.user_data_64 = like.user_data_64;
  if (random.OneIn(4)) filter.user_data_32 = like.user_data_32;
  if (random.OneIn(3)) filter.ledger = like.ledger;
  if (random.OneIn(3)) filter.code = like.code;
  if (random.OneIn(4)) filter.timestamp_min = like.timestamp;
  if (random.OneIn(4)) filter.timestamp_max = like.timestamp;
}

storage::QueryFilter SomePage(Random& random) {
  storage::QueryFilter filter;
  filter.reversed = random.OneIn(2);
  filter.limit = random.OneIn(2) ? 8190 : 1 + random.Below(5);
  return filter;
}

// Times that exclude each other are refused before they reach a store.
storage::QueryFilter Possible(storage::QueryFilter filter) {
  filter.timestamp_max = std::max(filter.timestamp_min, filter.timestamp_max);
  return filter;
}

}  // namespace

std::vector<Account> FindAccounts(const NaiveState& state,
                                  const storage::QueryFilter& filter) {
  std::map<Timestamp, Account> matching;
  for (const auto& [id, account] : state.accounts) {
    if (HasAll(filter, account)) matching[account.timestamp] = account;
  }
  return Wanted(filter, matching);
}

storage::Found<Transfer> FindTransfers(const NaiveState& state,
                                       const storage::AccountFilter& filter) {
  std::map<Timestamp, Transfer> matching;
  for (const auto& [id, transfer] : state.transfers) {
    const bool of_account =
        filter.account_id == AccountId(0) ||
        (filter.debits && transfer.debit_account_id == filter.account_id) ||
        (filter.credits && transfer.credit_account_id == filter.account_id);
    if (of_account && HasAll(filter.rest, transfer)) {
      matching[transfer.timestamp] = transfer;
    }
  }
  storage::Found<Transfer> found;
  found.rows = Wanted(filter.rest, matching);
  for (const Transfer& transfer : found.rows) {
    const auto pending = state.pending_states.find(transfer.id);
    found.pending_states.push_back(pending == state.pending_states.end()
                                       ? PendingState::kNone
                                       : pending->second);
  }
  return found;
}

storage::QueryFilter SomeAccountQuery(Random& random, const NaiveState& state) {
  storage::QueryFilter filter = SomePage(random);
  if (!state.accounts.empty()) Ask(random, random.Pick(state.accounts), filter);
  return Possible(filter);
}

storage::QueryFilter SomeTransferQuery(Random& random,
                                       const NaiveState& state) {
  storage::QueryFilter filter = SomePage(random);
  if (!state.transfers.empty()) {
    Ask(random, random.Pick(state.transfers), filter);
  }
  return Possible(filter);
}

storage::AccountFilter SomeAccountFilter(Random& random,
                                         const NaiveState& state) {
  storage::AccountFilter filter;
  filter.account_id = AccountId(1);
  filter.rest = SomePage(random);
  if (!state.transfers.empty()) {
    const Transfer& like = random.Pick(state.transfers);
    filter.account_id =
        random.OneIn(2) ? like.debit_account_id : like.credit_account_id;
    if (random.OneIn(2)) Ask(random, like, filter.rest);
    filter.rest.ledger = 0;
  }
  filter.debits = !random.OneIn(3);
  filter.credits = !filter.debits || !random.OneIn(3);
  filter.rest = Possible(filter.rest);
  return filter;
}

}  // namespace ledgerd::model
