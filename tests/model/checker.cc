#include "tests/model/checker.h"

#include <cstddef>
#include <limits>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "tests/model/dump.h"
#include "tests/model/naive_queries.h"

namespace ledgerd::model {
namespace {

using Fault = std::optional<std::string>;

std::string TwoSides(const std::string& ledger, const std::string& naive) {
  return absl::StrCat("\n  ledger: ", ledger, "\n  naive:  ", naive);
}

template <typename Row, typename Result>
Fault CompareAnswers(const std::vector<Row>& events,
                     const std::vector<Result>& ledger,
                     const std::vector<Result>& naive) {
  if (ledger.size() != naive.size()) {
    return absl::StrCat("answers: ledger ", ledger.size(), ", naive ",
                        naive.size());
  }
  for (size_t i = 0; i < naive.size(); ++i) {
    if (ledger[i] == naive[i]) continue;
    return absl::StrCat("answer to [", i, "] ", Dump(events[i]),
                        TwoSides(Dump(ledger[i]), Dump(naive[i])));
  }
  return std::nullopt;
}

template <typename Map>
Fault CompareRows(const Map& ledger, const Map& naive) {
  for (const auto& [id, row] : naive) {
    const auto found = ledger.find(id);
    if (found != ledger.end() && found->second == row) continue;
    return absl::StrCat(
        "row ", Dump(id.value()),
        TwoSides(found == ledger.end() ? "nothing" : Dump(found->second),
                 Dump(row)));
  }
  for (const auto& [id, row] : ledger) {
    if (naive.find(id) == naive.end()) {
      return absl::StrCat("row ", Dump(id.value()),
                          TwoSides(Dump(row), "nothing"));
    }
  }
  return std::nullopt;
}

template <typename Row>
Fault CompareFound(const char* what, const std::vector<Row>& ledger,
                   const std::vector<Row>& naive) {
  if (ledger.size() != naive.size()) {
    return absl::StrCat("a query of ", what, " finds: ledger ", ledger.size(),
                        ", naive ", naive.size());
  }
  for (size_t i = 0; i < naive.size(); ++i) {
    if (ledger[i] == naive[i]) continue;
    return absl::StrCat("a query of ", what, ", [", i, "]",
                        TwoSides(Dump(ledger[i]), Dump(naive[i])));
  }
  return std::nullopt;
}

Fault CompareFound(const char* what, const storage::Found<Transfer>& ledger,
                   const storage::Found<Transfer>& naive) {
  Fault fault = CompareFound(what, ledger.rows, naive.rows);
  if (fault || ledger.pending_states == naive.pending_states) return fault;
  return absl::StrCat("a query of ", what, ": the pending states differ");
}

std::map<TransferId, PendingState> AllPendingStates(const NaiveState& state) {
  std::map<TransferId, PendingState> states;
  for (const auto& [id, transfer] : state.transfers) {
    const auto found = state.pending_states.find(id);
    states[id] = found == state.pending_states.end() ? PendingState::kNone
                                                     : found->second;
  }
  return states;
}

// The balances of the accounts that keep them, by the transfer after which they
// were these.
using Histories =
    std::map<AccountId, std::map<Timestamp, storage::AccountBalances>>;

Histories HistoriesOf(const NaiveState& state) {
  Histories histories;
  const auto add = [&](const Account& account, Timestamp transfer) {
    if ((account.flags & account_flags::kHistory) == 0) return;
    histories[account.id][transfer] = {
        .debits_pending = account.debits_pending,
        .debits_posted = account.debits_posted,
        .credits_pending = account.credits_pending,
        .credits_posted = account.credits_posted,
        .timestamp = transfer};
  };
  for (const auto& [sequence, events] : state.events) {
    for (const storage::WatchedEvent& event : events) {
      // An expiry makes no transfer, nor does an account.
      if (event.transfer.id == TransferId(0) ||
          event.type == storage::EventType::kTwoPhaseExpired) {
        continue;
      }
      add(event.debit, event.transfer.timestamp);
      add(event.credit, event.transfer.timestamp);
    }
  }
  return histories;
}

std::vector<storage::AccountBalances> FindBalances(
    const NaiveState& state, const Histories& histories,
    const storage::AccountFilter& filter) {
  std::vector<storage::AccountBalances> found;
  const auto history = histories.find(filter.account_id);
  if (history == histories.end()) return found;
  for (const Transfer& transfer : FindTransfers(state, filter).rows) {
    found.push_back(history->second.at(transfer.timestamp));
  }
  return found;
}

Fault CompareBalances(const storage::AccountFilter& filter,
                      const std::vector<storage::AccountBalances>& ledger,
                      const std::vector<storage::AccountBalances>& naive) {
  if (ledger == naive) return std::nullopt;
  return absl::StrCat(
      "the history of account ", Dump(filter.account_id.value()), ": ledger ",
      ledger.size(), ", naive ", naive.size(), " rows; of ",
      filter.debits ? "debits " : "", filter.credits ? "credits " : "",
      filter.rest.reversed ? "reversed, limit " : "limit ", filter.rest.limit);
}

}  // namespace

Fault Checker::Check(const Step& step) {
  const Entry entry = Seal(step, naive_.state().applied.entry);
  const NaiveState before = naive_.state();
  const EntryResult naive = naive_.Apply(entry);
  const EntryResult ledger = subject_.Apply(entry);
  entries_.push_back(entry);
  coverage_.Add(before, step, naive, naive_.state());
  if (ledger.sequence != entry.sequence()) return "the answer's sequence";
  Fault fault = CompareAnswers(step.accounts, ledger.accounts, naive.accounts);
  if (!fault) {
    fault = CompareAnswers(step.transfers, ledger.transfers, naive.transfers);
  }
  if (fault || compare_ == Compare::kAnswers) return fault;
  return CheckState(step, ledger);
}

Fault Checker::CheckState(const Step& step, const EntryResult& result) {
  const NaiveState& naive = naive_.state();
  const Rows rows = LookUpAll(step);
  Fault fault = CompareRows(rows.accounts, naive.accounts);
  if (!fault) fault = CompareRows(rows.transfers, naive.transfers);
  if (!fault) fault = CompareRows(rows.pending_states, AllPendingStates(naive));
  if (!fault) fault = CheckQueries();
  if (fault) return fault;
  if (subject_.StateHash() != naive.Hash()) {
    return "the state hash differs, and no row does: kept ids, applied point, "
           "or the hash itself";
  }
  const Timestamp next = naive.NextExpiry();
  if (next != Timestamp(0) &&
      (subject_.NextExpiry() == Timestamp(0) || subject_.NextExpiry() > next)) {
    return absl::StrCat("the next expiry is too late:",
                        TwoSides(absl::StrCat(subject_.NextExpiry().value()),
                                 absl::StrCat(next.value())));
  }
  if (fault = CompareEvents(); fault) return fault;
  return invariants_.Check(step, result, rows);
}

Fault Checker::CheckQueries() {
  const NaiveState& naive = naive_.state();
  const auto accounts = SomeAccountQuery(random_, naive);
  const auto found_accounts = FindAccounts(naive, accounts);
  NoteQuery(Query::kAccounts, {.rest = accounts}, found_accounts.size());
  Fault fault = CompareFound("accounts", subject_.QueryAccounts(accounts),
                             found_accounts);
  if (fault) return fault;
  const auto transfers = SomeTransferQuery(random_, naive);
  auto found = FindTransfers(naive, {.rest = transfers});
  NoteQuery(Query::kTransfers, {.rest = transfers}, found.rows.size());
  fault = CompareFound("transfers", subject_.QueryTransfers(transfers), found);
  if (fault) return fault;
  const auto of_account = SomeAccountFilter(random_, naive);
  found = FindTransfers(naive, of_account);
  NoteQuery(Query::kAccountTransfers, of_account, found.rows.size());
  return CompareFound("an account's transfers",
                      subject_.AccountTransfers(of_account), found);
}

void Checker::NoteQuery(Query query, const storage::AccountFilter& filter,
                        size_t rows) {
  if (rows > 0) coverage_.AddQuery(query, filter);
}

// The newest ones each time, and all of them now and then.
Fault Checker::CompareEvents() {
  constexpr uint64_t kAllEvery = 16;
  const uint64_t last = naive_.state().applied.entry.sequence.value();
  const Sequence from(last % kAllEvery == 0 || last < 3 ? 1 : last - 2);
  const WatchedEvents ledger = subject_.Events(from);
  const WatchedEvents& all = naive_.state().events;
  const WatchedEvents naive(all.lower_bound(from), all.end());
  for (const auto& [sequence, events] : naive) {
    const auto found = ledger.find(sequence);
    const size_t count = found == ledger.end() ? 0 : found->second.size();
    for (size_t i = 0; i < events.size(); ++i) {
      if (i < count && found->second[i] == events[i]) continue;
      return absl::StrCat(
          "event [", i, "] of entry ", sequence.value(),
          TwoSides(i < count ? Dump(found->second[i]) : "nothing",
                   Dump(events[i])));
    }
  }
  if (ledger != naive) {
    return absl::StrCat("an event too many at or after entry ", from.value());
  }
  return from == Sequence(1) ? CompareHistory() : std::nullopt;
}

// GetAccountBalances: "one row per matching transfer, the balances after it;
// only for accounts with HISTORY". Of every account all of them, and some of
// what filters find.
Fault Checker::CompareHistory() {
  constexpr int kFilters = 16;
  const NaiveState& naive = naive_.state();
  const Histories histories = HistoriesOf(naive);
  for (const auto& [id, account] : naive.accounts) {
    storage::AccountFilter all = {.account_id = id};
    all.rest.limit = std::numeric_limits<uint32_t>::max();
    Fault fault = CompareBalances(all, subject_.Balances(all),
                                  FindBalances(naive, histories, all));
    if (fault) return fault;
  }
  for (int i = 0; i < kFilters; ++i) {
    const auto filter = SomeAccountFilter(random_, naive);
    const auto found = FindBalances(naive, histories, filter);
    NoteQuery(Query::kBalances, filter, found.size());
    Fault fault = CompareBalances(filter, subject_.Balances(filter), found);
    if (fault) return fault;
  }
  return std::nullopt;
}

// Everything that should be there, and what the step named, which may not be.
Rows Checker::LookUpAll(const Step& step) {
  std::set<AccountId> accounts;
  std::set<TransferId> transfers;
  for (const auto& [id, row] : naive_.state().accounts) accounts.insert(id);
  for (const auto& [id, row] : naive_.state().transfers) transfers.insert(id);
  for (const Account& event : step.accounts) accounts.insert(event.id);
  for (const Transfer& event : step.transfers) transfers.insert(event.id);
  Rows rows;
  for (const Account& row :
       subject_.Accounts({accounts.begin(), accounts.end()})) {
    rows.accounts[row.id] = row;
  }
  const storage::Found<Transfer> found =
      subject_.Transfers({transfers.begin(), transfers.end()});
  LEDGERD_CHECK(found.rows.size() == found.pending_states.size());
  for (size_t i = 0; i < found.rows.size(); ++i) {
    rows.transfers[found.rows[i].id] = found.rows[i];
    rows.pending_states[found.rows[i].id] = found.pending_states[i];
  }
  return rows;
}

Fault Checker::CheckReplay(Subject& replayed) const {
  for (const Entry& entry : entries_) {
    const auto parsed = Entry::Parse(std::string(entry.bytes()));
    LEDGERD_CHECK_OK(parsed.status());
    replayed.Apply(*parsed);
  }
  if (replayed.StateHash() == naive_.state().Hash()) return std::nullopt;
  return "rule 8: replaying the journal on nothing gives another state hash";
}

}  // namespace ledgerd::model
