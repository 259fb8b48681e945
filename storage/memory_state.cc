#include "storage/memory_state.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"
#include "storage/history_row.h"
#include "storage/ledger_sums.h"

namespace ledgerd::storage {
namespace {

template <typename Value>
bool Allows(Value wanted, Value value) {
  return wanted == 0 || wanted == value;
}

template <typename Row>
bool Matches(const QueryFilter& filter, const Row& row) {
  return Allows(filter.user_data_128, row.user_data_128) &&
         Allows(filter.user_data_64, row.user_data_64) &&
         Allows(filter.user_data_32, row.user_data_32) &&
         Allows(filter.ledger, row.ledger) && Allows(filter.code, row.code) &&
         filter.timestamp_min <= row.timestamp &&
         row.timestamp <= filter.timestamp_max;
}

bool Matches(const AccountFilter& filter, const Transfer& transfer) {
  const bool side =
      filter.account_id == AccountId(0) ||
      (filter.debits && filter.account_id == transfer.debit_account_id) ||
      (filter.credits && filter.account_id == transfer.credit_account_id);
  return side && Matches(filter.rest, transfer);
}

// As the filter wants it, from all that match.
template <typename Row>
std::vector<Row> Arrange(const QueryFilter& filter, std::vector<Row> rows) {
  if (filter.reversed) std::reverse(rows.begin(), rows.end());
  if (rows.size() > filter.limit) rows.resize(filter.limit);
  return rows;
}

}  // namespace

const Account* MemoryState::FindAccount(AccountId id) const {
  const auto found = accounts_.find(id);
  return found == accounts_.end() ? nullptr : &found->second;
}

void MemoryState::InsertAccount(const Account& account) {
  LEDGERD_CHECK(account.timestamp > newest_account_);
  LEDGERD_CHECK(!HasTransferAt(account.timestamp));
  LEDGERD_CHECK(accounts_.emplace(account.id, account).second);
  account_timestamps_.emplace(account.timestamp, account.id);
  newest_account_ = account.timestamp;
  hash_.Add(HashAccount(account));
}

void MemoryState::UpdateAccount(const Account* account, const Account& next) {
  const auto found = accounts_.find(account->id);
  LEDGERD_CHECK(found != accounts_.end() && &found->second == account);
  Account expected = next;
  expected.debits_pending = account->debits_pending;
  expected.debits_posted = account->debits_posted;
  expected.credits_pending = account->credits_pending;
  expected.credits_posted = account->credits_posted;
  expected.flags ^= (account->flags ^ next.flags) & account_flags::kClosed;
  LEDGERD_CHECK(expected == *account) << "an immutable field changes";
  hash_.Subtract(HashAccount(*account));
  found->second = next;
  hash_.Add(HashAccount(next));
}

void MemoryState::UndoInsertAccount(AccountId id, Timestamp newest) {
  const auto found = accounts_.find(id);
  LEDGERD_CHECK(found != accounts_.end());
  LEDGERD_CHECK(found->second.timestamp == newest_account_);
  hash_.Subtract(HashAccount(found->second));
  account_timestamps_.erase(newest_account_);
  accounts_.erase(found);
  newest_account_ = newest;
  LEDGERD_CHECK(newest == (account_timestamps_.empty()
                               ? Timestamp(0)
                               : account_timestamps_.rbegin()->first));
}

TransferIdState MemoryState::FindTransferId(TransferId id) const {
  if (const auto found = transfer_ids_.find(id); found != transfer_ids_.end()) {
    return {found->second, TransferStatus::kUnspecified};
  }
  const auto failed = failed_ids_.find(id);
  return {Timestamp(0), failed == failed_ids_.end()
                            ? TransferStatus::kUnspecified
                            : failed->second};
}

const Transfer* MemoryState::FindTransfer(TransferId id) const {
  const auto found = transfer_ids_.find(id);
  return found == transfer_ids_.end() ? nullptr : &transfers_.at(found->second);
}

void MemoryState::InsertTransfer(const Transfer& transfer) {
  LEDGERD_CHECK(transfer.timestamp > newest_transfer_);
  LEDGERD_CHECK(!HasAccountAt(transfer.timestamp));
  LEDGERD_CHECK(FindTransferId(transfer.id).free());
  transfer_ids_.emplace(transfer.id, transfer.timestamp);
  transfers_.emplace(transfer.timestamp, transfer);
  newest_transfer_ = transfer.timestamp;
  hash_.Add(HashTransfer(transfer));
  if ((transfer.flags & transfer_flags::kPending) == 0) return;
  pending_states_.emplace(transfer.timestamp, PendingState::kPending);
  hash_.Add(HashPendingState(transfer.timestamp, PendingState::kPending));
  AddExpiry(transfer);
}

void MemoryState::UndoInsertTransfer(TransferId id, Timestamp newest) {
  const Transfer* found = FindTransfer(id);
  LEDGERD_CHECK(found != nullptr && found->timestamp == newest_transfer_);
  const Transfer transfer = *found;
  if ((transfer.flags & transfer_flags::kPending) != 0) {
    LEDGERD_CHECK(GetPendingState(transfer) == PendingState::kPending);
    hash_.Subtract(
        HashPendingState(transfer.timestamp, PendingState::kPending));
    pending_states_.erase(transfer.timestamp);
    RemoveExpiry(transfer);
  }
  hash_.Subtract(HashTransfer(transfer));
  transfers_.erase(transfer.timestamp);
  transfer_ids_.erase(id);
  newest_transfer_ = newest;
  LEDGERD_CHECK(newest == (transfers_.empty() ? Timestamp(0)
                                              : transfers_.rbegin()->first));
}

void MemoryState::KeepFailedId(TransferId id, TransferStatus status) {
  LEDGERD_CHECK(status != TransferStatus::kUnspecified);
  LEDGERD_CHECK(FindTransferId(id).free());
  failed_ids_.emplace(id, status);
  hash_.Add(HashFailedId(id, status));
}

PendingState MemoryState::GetPendingState(const Transfer& pending) const {
  const auto found = pending_states_.find(pending.timestamp);
  return found == pending_states_.end() ? PendingState::kNone : found->second;
}

void MemoryState::SetPendingState(const Transfer& pending, PendingState state) {
  const auto found = pending_states_.find(pending.timestamp);
  LEDGERD_CHECK(found != pending_states_.end());
  LEDGERD_CHECK(state != PendingState::kNone);
  hash_.Subtract(HashPendingState(pending.timestamp, found->second));
  RemoveExpiry(pending);
  found->second = state;
  hash_.Add(HashPendingState(pending.timestamp, state));
  if (state == PendingState::kPending) AddExpiry(pending);
}

std::vector<TransferId> MemoryState::FindDue(Timestamp now,
                                             size_t limit) const {
  std::vector<TransferId> due;
  for (const auto& [expires_at, timestamp] : expiries_) {
    if (expires_at > now || due.size() == limit) break;
    due.push_back(transfers_.at(timestamp).id);
  }
  return due;
}

bool MemoryState::HasAccountAt(Timestamp timestamp) const {
  return account_timestamps_.contains(timestamp);
}

bool MemoryState::HasTransferAt(Timestamp timestamp) const {
  return transfers_.contains(timestamp);
}

void MemoryState::AppendEvent(const Event& event) {
  LEDGERD_CHECK(
      event.timestamp >
      (entry_events_.empty() ? newest_event_ : entry_events_.back().timestamp));
  entry_events_.push_back(event);
}

void MemoryState::UndoEvents(const EventMark& mark) {
  LEDGERD_CHECK(mark.count <= entry_events_.size());
  entry_events_.resize(mark.count);
}

void MemoryState::AppendIncidents(Sequence sequence,
                                  absl::string_view payload) {
  LEDGERD_CHECK(incidents_.emplace(sequence, payload).second);
  hash_.Add(HashIncidents(sequence, payload));
}

void MemoryState::EndEventRun(const EventLimits& limits) {
  EventRun run = {.first = event_runs_.empty() ? Sequence(1)
                                               : event_runs_.back().last.Next(),
                  .last = applied_.entry.sequence,
                  .timestamp = applied_.timestamp};
  if (run.last < run.first) return;
  for (const auto& [sequence, events] : events_) {
    if (sequence >= run.first) run.bytes += events.size() * sizeof(Event);
  }
  event_runs_.push_back(run);
  const size_t drop = CountToDrop(event_runs_, limits, applied_.timestamp);
  event_runs_.erase(event_runs_.begin(),
                    event_runs_.begin() + static_cast<ptrdiff_t>(drop));
  events_.erase(events_.begin(), events_.lower_bound(oldest_event()));
}

void MemoryState::DropEventsOf(const MemoryState& written) {
  event_runs_ = written.event_runs_;
  events_.erase(events_.begin(), events_.lower_bound(oldest_event()));
}

void MemoryState::Finish(const AppliedPoint& point) {
  LEDGERD_CHECK(point.entry.sequence == applied_.entry.sequence.Next());
  for (const Event& event : entry_events_) {
    ForEachHistorySide(event, [&](const EventSide& side) {
      history_.emplace(std::make_pair(side.account, event.transfer),
                       HistoryRowOf(event.transfer, side).balances);
    });
  }
  if (!entry_events_.empty()) {
    newest_event_ = entry_events_.back().timestamp;
    events_.emplace(point.entry.sequence, std::move(entry_events_));
    entry_events_.clear();
  }
  hash_.Subtract(HashAppliedPoint(applied_));
  applied_ = point;
  hash_.Add(HashAppliedPoint(applied_));
}

Timestamp MemoryState::next_expiry() const {
  return expiries_.empty() ? Timestamp(0) : expiries_.begin()->first;
}

std::vector<Account> MemoryState::FindAccounts(
    const QueryFilter& filter) const {
  std::vector<Account> found;
  for (const auto& [at, id] : account_timestamps_) {
    const Account& account = accounts_.at(id);
    if (Matches(filter, account)) found.push_back(account);
  }
  return Arrange(filter, std::move(found));
}

std::vector<Transfer> MemoryState::FindTransfers(
    const AccountFilter& filter) const {
  std::vector<Transfer> found;
  for (const auto& [at, transfer] : transfers_) {
    if (Matches(filter, transfer)) found.push_back(transfer);
  }
  return Arrange(filter.rest, std::move(found));
}

Uint128 MemoryState::Scan() const {
  StateHash hash;
  for (const auto& [id, account] : accounts_) hash.Add(HashAccount(account));
  for (const auto& [at, transfer] : transfers_)
    hash.Add(HashTransfer(transfer));
  for (const auto& [at, state] : pending_states_) {
    hash.Add(HashPendingState(at, state));
  }
  for (const auto& [id, status] : failed_ids_) {
    hash.Add(HashFailedId(id, status));
  }
  for (const auto& [sequence, payload] : incidents_) {
    hash.Add(HashIncidents(sequence, payload));
  }
  hash.Add(HashAppliedPoint(applied_));
  return hash.value();
}

absl::Status MemoryState::Verify() const {
  if (Scan() != hash()) {
    return absl::DataLossError("the state hash is not that of the objects");
  }
  LedgerSums sums;
  for (const auto& [id, account] : accounts_) sums.Add(account);
  return sums.Check();
}

void MemoryState::AddExpiry(const Transfer& pending) {
  if (ExpiresAt(pending) == Timestamp(0)) return;
  expiries_.emplace(ExpiresAt(pending), pending.timestamp);
}

void MemoryState::RemoveExpiry(const Transfer& pending) {
  expiries_.erase({ExpiresAt(pending), pending.timestamp});
}

}  // namespace ledgerd::storage
