#include "tests/integration/final_state.h"

#include <algorithm>
#include <set>

#include "proto/base/status_macros.h"
#include "proto/system_limits.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr uint32_t kSoonSeconds = 10;
constexpr std::chrono::seconds kExpiryLimit(30);

// Calls `visit` with the ids in parts that fit one request.
template <typename Id, typename Visit>
absl::Status InParts(const std::set<Id>& ids, Visit visit) {
  std::vector<Id> part;
  for (const Id id : ids) {
    part.push_back(id);
    if (part.size() < kMaxBatchSize) continue;
    LEDGERD_RETURN_IF_ERROR(visit(part));
    part.clear();
  }
  return part.empty() ? absl::OkStatus() : visit(part);
}

absl::Status AddTransfers(client::LedgerClient& client,
                          const std::vector<TransferId>& ids,
                          FinalState* state) {
  LEDGERD_ASSIGN_OR_RETURN(const auto found, client.LookupTransfers(ids));
  if (found.transfers.size() != found.pending_states.size() ||
      found.transfers.size() + found.missing.size() != ids.size()) {
    return absl::InternalError("a lookup's answer does not add up");
  }
  for (size_t i = 0; i < found.transfers.size(); ++i) {
    state->transfers.push_back({.transfer = found.transfers[i],
                                .pending_state = found.pending_states[i]});
  }
  return absl::OkStatus();
}

absl::Status AddAccounts(client::LedgerClient& client,
                         const std::vector<AccountId>& ids, FinalState* state) {
  LEDGERD_ASSIGN_OR_RETURN(const auto found, client.LookupAccounts(ids));
  state->accounts.insert(state->accounts.end(), found.accounts.begin(),
                         found.accounts.end());
  return absl::OkStatus();
}

struct Ids {
  std::set<TransferId> transfers;
  std::set<AccountId> accounts;
};

Ids AllIds(const std::deque<Exchange>& exchanges) {
  Ids ids;
  for (const Exchange& exchange : exchanges) {
    for (const Transfer& transfer : exchange.transfers) {
      ids.transfers.insert(transfer.id);
    }
    for (const Account& account : exchange.accounts) {
      ids.accounts.insert(account.id);
    }
    ids.transfers.insert(exchange.asked.begin(), exchange.asked.end());
  }
  return ids;
}

absl::StatusOr<FinalState> Read(client::LedgerClient& client, const Ids& all) {
  FinalState state;
  LEDGERD_RETURN_IF_ERROR(
      InParts(all.transfers, [&](const std::vector<TransferId>& ids) {
        return AddTransfers(client, ids, &state);
      }));
  LEDGERD_RETURN_IF_ERROR(
      InParts(all.accounts, [&](const std::vector<AccountId>& ids) {
        return AddAccounts(client, ids, &state);
      }));
  return state;
}

}  // namespace

absl::StatusOr<FinalState> ReadState(client::LedgerClient& client,
                                     const std::vector<TransferId>& transfers,
                                     const std::vector<AccountId>& accounts) {
  return Read(client, {.transfers = {transfers.begin(), transfers.end()},
                       .accounts = {accounts.begin(), accounts.end()}});
}

namespace {

bool ExpiresSoon(const FoundTransfer& found) {
  return found.pending_state == PendingState::kPending &&
         found.transfer.timeout_seconds > 0 &&
         found.transfer.timeout_seconds <= kSoonSeconds;
}

}  // namespace

absl::StatusOr<FinalState> ReadFinalState(
    client::LedgerClient& client, const std::deque<Exchange>& exchanges) {
  const Ids all = AllIds(exchanges);
  absl::StatusOr<FinalState> state = FinalState();
  const bool is_settled = WaitUntil(kExpiryLimit, [&] {
    state = Read(client, all);
    return !state.ok() || std::none_of(state->transfers.begin(),
                                       state->transfers.end(), ExpiresSoon);
  });
  if (is_settled) return state;
  return absl::DeadlineExceededError("a transfer does not expire");
}

}  // namespace ledgerd::integration
