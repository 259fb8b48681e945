#include "storage/state_store_operations.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

namespace ledgerd::storage {
namespace {

// Collects what was seen.
class Digest {
 public:
  void Add(uint64_t value) {
    value_ = (value_ ^ value) * 0x9e3779b97f4a7c15U;
    value_ ^= value_ >> 29;
  }

  template <typename Row>
  void AddRow(const Row* row) {
    Add(row == nullptr ? 0 : 1);
    if (row == nullptr) return;
    uint64_t words[sizeof(Row) / sizeof(uint64_t)];
    std::memcpy(words, row, sizeof(Row));
    for (const uint64_t word : words) Add(word);
  }

  void Add(const TransferIdState& state) {
    Add(state.timestamp.value());
    Add(static_cast<uint64_t>(state.failed));
  }

  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 1;
};

bool IsPending(const Transfer& transfer) {
  return (transfer.flags & transfer_flags::kPending) != 0;
}

// What a transfer adds to its accounts; `sign` -1 takes it away.
void Move(StateView& view, const Transfer& transfer, bool add, Digest& digest) {
  const Uint128 change =
      add ? transfer.amount.value() : Uint128{0} - transfer.amount.value();
  const Account* debit = view.FindAccount(transfer.debit_account_id);
  const Account* credit = view.FindAccount(transfer.credit_account_id);
  digest.AddRow(debit);
  digest.AddRow(credit);
  Account next_debit = *debit;
  Account next_credit = *credit;
  if (IsPending(transfer)) {
    next_debit.debits_pending =
        Amount(next_debit.debits_pending.value() + change);
    next_credit.credits_pending =
        Amount(next_credit.credits_pending.value() + change);
  } else {
    next_debit.debits_posted =
        Amount(next_debit.debits_posted.value() + change);
    next_credit.credits_posted =
        Amount(next_credit.credits_posted.value() + change);
  }
  view.UpdateAccount(debit, next_debit);
  view.UpdateAccount(credit, next_credit);
}

// Tells what became of both accounts of a transfer, as a ledger does.
void Tell(StateView& view, EventType type, const Transfer& transfer,
          uint64_t at) {
  Event event;
  event.type = type;
  event.timestamp = Timestamp(at);
  event.transfer = transfer.timestamp;
  if (type == EventType::kTwoPhaseExpired) event.pending = transfer.timestamp;
  event.debit = EventSideOf(*view.FindAccount(transfer.debit_account_id));
  event.credit = EventSideOf(*view.FindAccount(transfer.credit_account_id));
  view.AppendEvent(event);
}

void AddAccounts(const Transfer& transfer, Needs& needs) {
  needs.accounts.push_back(transfer.debit_account_id);
  needs.accounts.push_back(transfer.credit_account_id);
}

constexpr uint64_t kDueLimit = 5;

}  // namespace

RandomOperations::Entry RandomOperations::Next(const MemoryState& model) {
  const uint64_t kind = Below(10);
  if (model.accounts().size() < 4 || kind == 0) return CreateAccounts(model);
  if (kind <= 5) return CreateTransfers(model);
  if (kind <= 8) return ResolvePending(model);
  return Expire(model);
}

Timestamp RandomOperations::NextTimestamp(const MemoryState& model) {
  return Timestamp(std::max(model.newest_account_timestamp(),
                            model.newest_transfer_timestamp())
                       .value() +
                   1 + Below(3));
}

TransferId RandomOperations::NewId() {
  if (!options_.random_ids) return TransferId(last_id_ += 1 + Below(2));
  return TransferId(MakeUint128(random_(), random_()));
}

std::vector<AccountId> RandomOperations::SomeAccounts(size_t count) {
  std::vector<AccountId> ids;
  for (size_t i = 0; i < count; ++i) {
    ids.push_back(AccountId(1 + Below(options_.account_count)));
  }
  return ids;
}

std::vector<TransferId> RandomOperations::SomeTransfers(
    const MemoryState& model, size_t count) {
  std::vector<TransferId> ids;
  for (size_t i = 0; i < count; ++i) {
    const auto kind = Below(4);
    if (kind == 0 && !model.failed_ids().empty()) {
      const auto at = Below(model.failed_ids().size());
      ids.push_back(std::next(model.failed_ids().begin(), at)->first);
    } else if (kind == 1 || model.transfers().empty()) {
      ids.push_back(TransferId(MakeUint128(random_() % 3, random_())));
    } else {
      const auto at = Below(model.transfers().size());
      ids.push_back(std::next(model.transfers().begin(), at)->second.id);
    }
  }
  return ids;
}

QueryFilter RandomOperations::SomeFilter(const MemoryState& model) {
  QueryFilter filter;
  if (Below(6) == 0) filter.user_data_128 = UserData();
  if (Below(6) == 0) filter.user_data_64 = UserData();
  if (Below(6) == 0) filter.user_data_32 = UserData();
  if (Below(6) == 0) filter.ledger = 1 + UserData();
  if (Below(6) == 0) filter.code = static_cast<uint16_t>(1 + UserData());
  const uint64_t newest = NextTimestamp(model).value();
  if (Below(4) == 0) filter.timestamp_min = Timestamp(1 + Below(newest));
  if (Below(4) == 0) {
    const uint64_t min = filter.timestamp_min.value();
    filter.timestamp_max = Timestamp(min + Below(newest));
  }
  filter.reversed = Below(2) == 0;
  filter.limit = static_cast<uint32_t>(1 + Below(Below(2) == 0 ? 5 : 500));
  return filter;
}

AccountFilter RandomOperations::SomeAccountFilter(const MemoryState& model) {
  AccountFilter filter;
  filter.account_id = SomeAccounts(1).front();
  filter.debits = Below(3) != 0;
  filter.credits = !filter.debits || Below(2) == 0;
  filter.rest = SomeFilter(model);
  return filter;
}

uint32_t RandomOperations::UserData() {
  return static_cast<uint32_t>(Below(2) == 0 ? 0 : Below(4));
}

RandomOperations::Entry RandomOperations::CreateAccounts(
    const MemoryState& model) {
  Entry entry;
  std::vector<Account> accounts;
  uint64_t at = NextTimestamp(model).value();
  for (const AccountId id : SomeAccounts(1 + Below(6))) {
    entry.needs.accounts.push_back(id);
    Account account;
    account.id = id;
    account.ledger = 1;
    account.code = static_cast<uint16_t>(1 + UserData());
    account.user_data_128 = MakeUint128(UserData(), UserData());
    account.user_data_64 = UserData();
    account.user_data_32 = UserData();
    account.timestamp = Timestamp(at++);
    accounts.push_back(account);
  }
  const bool undo = Below(3) == 0;
  entry.change = [accounts, undo,
                  event_times = NewEventTimes()](StateView& view) {
    Digest digest;
    uint64_t event_at = event_times;
    const EventMark mark = view.MarkEvents();
    const Timestamp newest = view.newest_account_timestamp();
    std::vector<std::pair<AccountId, Timestamp>> made;
    for (const Account& account : accounts) {
      const Account* existing = view.FindAccount(account.id);
      digest.AddRow(existing);
      if (existing != nullptr) continue;
      made.emplace_back(account.id, view.newest_account_timestamp());
      view.InsertAccount(account);
      view.AppendEvent({.type = EventType::kAccountCreated,
                        .timestamp = Timestamp(event_at++),
                        .debit = EventSideOf(account)});
    }
    if (undo) view.UndoEvents(mark);
    for (; undo && !made.empty(); made.pop_back()) {
      view.UndoInsertAccount(made.back().first, made.back().second);
    }
    digest.Add(view.newest_account_timestamp() == newest ? 1 : 0);
    return digest.value();
  };
  return entry;
}

Transfer RandomOperations::NewTransfer(Timestamp timestamp) {
  Transfer transfer;
  transfer.id = NewId();
  transfer.debit_account_id = SomeAccounts(1).front();
  do {
    transfer.credit_account_id = SomeAccounts(1).front();
  } while (transfer.credit_account_id == transfer.debit_account_id);
  transfer.amount = Amount(Below(1000));
  transfer.ledger = 1 + UserData();
  transfer.code = static_cast<uint16_t>(1 + UserData());
  transfer.user_data_128 = UserData();
  transfer.user_data_64 = uint64_t{UserData()} << 32 | UserData();
  transfer.user_data_32 = UserData();
  transfer.timestamp = timestamp;
  if (Below(2) == 0) {
    transfer.flags = transfer_flags::kPending;
    // Nanoseconds pass slowly here, so that expiries are told by whole seconds.
    transfer.timeout_seconds = static_cast<uint32_t>(Below(6));
  }
  return transfer;
}

RandomOperations::Entry RandomOperations::CreateTransfers(
    const MemoryState& model) {
  Entry entry;
  std::vector<Transfer> transfers;
  uint64_t at = NextTimestamp(model).value();
  const uint64_t count = 1 + Below(9);
  for (uint64_t i = 0; i < count; ++i) {
    Transfer transfer = NewTransfer(Timestamp(at++));
    if (Below(4) == 0) transfer.id = SomeTransfers(model, 1).front();
    entry.needs.transfers.push_back(transfer.id);
    entry.needs.timestamps.push_back(transfer.timestamp);
    AddAccounts(transfer, entry.needs);
    transfers.push_back(transfer);
  }
  const Timestamp past(Below(at) + 1);
  entry.needs.timestamps.push_back(past);
  const uint64_t undo = Below(3) == 0 ? Below(count + 1) : 0;
  entry.change = [transfers, past, undo,
                  event_times = NewEventTimes()](StateView& view) {
    Digest digest;
    uint64_t event_at = event_times;
    std::vector<EventMark> marks;
    digest.Add(view.HasAccountAt(past) ? 1 : 0);
    digest.Add(view.HasTransferAt(past) ? 1 : 0);
    std::vector<std::pair<Transfer, Timestamp>> made;
    std::optional<TransferId> failed;
    for (const Transfer& transfer : transfers) {
      const TransferIdState state = view.FindTransferId(transfer.id);
      digest.Add(state);
      if (!state.free()) {
        const Transfer* existing = view.FindTransfer(transfer.id);
        digest.AddRow(existing);
        if (existing == nullptr) continue;
        digest.Add(static_cast<uint64_t>(view.GetPendingState(*existing)));
        continue;
      }
      if (view.FindAccount(transfer.debit_account_id) == nullptr ||
          view.FindAccount(transfer.credit_account_id) == nullptr) {
        failed = transfer.id;
        continue;
      }
      made.emplace_back(transfer, view.newest_transfer_timestamp());
      marks.push_back(view.MarkEvents());
      view.InsertTransfer(transfer);
      Move(view, transfer, true, digest);
      Tell(view,
           IsPending(transfer) ? EventType::kTwoPhasePending
                               : EventType::kSinglePhase,
           transfer, event_at++);
    }
    for (uint64_t i = 0; i < undo && !made.empty(); ++i, made.pop_back()) {
      Move(view, made.back().first, false, digest);
      view.UndoInsertTransfer(made.back().first.id, made.back().second);
      view.UndoEvents(marks.back());
      marks.pop_back();
    }
    if (failed.has_value() && view.FindTransferId(*failed).free()) {
      view.KeepFailedId(*failed, TransferStatus::kDebitAccountNotFound);
    }
    return digest.value();
  };
  return entry;
}

RandomOperations::Entry RandomOperations::ResolvePending(
    const MemoryState& model) {
  Entry entry;
  entry.needs.pending = SomeTransfers(model, 1 + Below(6));
  const std::vector<TransferId> ids = entry.needs.pending;
  const auto next = static_cast<PendingState>(2 + Below(3));
  const bool undo = Below(4) == 0;
  entry.change = [ids, next, undo,
                  event_times = NewEventTimes()](StateView& view) {
    Digest digest;
    uint64_t event_at = event_times;
    const EventMark mark = view.MarkEvents();
    std::vector<TransferId> changed;
    for (const TransferId id : ids) {
      digest.Add(view.FindTransferId(id));
      const Transfer* found = view.FindTransfer(id);
      digest.AddRow(found);
      if (found == nullptr) continue;
      const Transfer transfer = *found;
      const PendingState state = view.GetPendingState(transfer);
      digest.Add(static_cast<uint64_t>(state));
      if (state != PendingState::kPending) continue;
      Move(view, transfer, false, digest);
      view.SetPendingState(transfer, next);
      // Whatever it became: there is no transfer that posts or voids it.
      Tell(view, EventType::kTwoPhaseExpired, transfer, event_at++);
      changed.push_back(id);
    }
    if (undo) view.UndoEvents(mark);
    for (; undo && !changed.empty(); changed.pop_back()) {
      const Transfer transfer = *view.FindTransfer(changed.back());
      view.SetPendingState(transfer, PendingState::kPending);
      Move(view, transfer, true, digest);
    }
    return digest.value();
  };
  return entry;
}

RandomOperations::Entry RandomOperations::Expire(const MemoryState& model) {
  Entry entry;
  // Between the whole seconds, so that all of a timeout are due or none is.
  const Timestamp now(Below(6) * kNanosPerSecond +
                      model.newest_transfer_timestamp().value());
  entry.needs.due_at = now;
  entry.needs.due_limit = kDueLimit;
  entry.change = [now, event_times = NewEventTimes()](StateView& view) {
    Digest digest;
    uint64_t event_at = event_times;
    for (const TransferId id : view.FindDue(now, kDueLimit)) {
      const Transfer transfer = *view.FindTransfer(id);
      digest.AddRow(&transfer);
      digest.Add(static_cast<uint64_t>(view.GetPendingState(transfer)));
      Move(view, transfer, false, digest);
      view.SetPendingState(transfer, PendingState::kExpired);
      Tell(view, EventType::kTwoPhaseExpired, transfer, event_at++);
    }
    return digest.value();
  };
  return entry;
}

}  // namespace ledgerd::storage
