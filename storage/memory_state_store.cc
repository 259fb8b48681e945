#include "storage/memory_state_store.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"
#include "proto/errors.h"

namespace ledgerd::storage {
namespace {

// Bytes that one object is taken to need in a real delta.
constexpr uint64_t kObjectBytes = 200;

struct NothingFetched final : Fetched {};

template <typename Row>
class FinishedLookup final : public Lookup<Row> {
 public:
  explicit FinishedLookup(Found<Row> found) : found_(std::move(found)) {}

  absl::StatusOr<Found<Row>> FinishUnless(const IsLate& /*is_late*/) override {
    return std::move(found_);
  }

 private:
  Found<Row> found_;
};

class FinishedEventRead final : public EventRead {
 public:
  explicit FinishedEventRead(absl::StatusOr<FoundEvents> found)
      : found_(std::move(found)) {}

  absl::StatusOr<FoundEvents> Finish() override { return std::move(found_); }

 private:
  absl::StatusOr<FoundEvents> found_;
};

bool Empty(const Needs& needs) {
  return needs.accounts.empty() && needs.transfers.empty() &&
         needs.pending.empty() && needs.timestamps.empty() &&
         needs.due_at == Timestamp(0);
}

}  // namespace

// ---- faults

void MemoryStateStore::Crash() {
  const MutexLock lock(mutex_);
  state_ = *disk_;
  checkpoint_ = disk_->applied();
  frozen_ = nullptr;
  prepared_ = nullptr;
  receiver_.Forget();
  repair_receiver_.Forget();
  broken_ = absl::OkStatus();
  fetch_errors_.clear();
  write_errors_.clear();
  visible_ = Visible();
  delta_bytes_ = 0;
  ++generation_;
}

void MemoryStateStore::CrashWithAppliedPointApart() {
  const AppliedPoint applied = state_.applied();
  Crash();
  state_.SetAppliedApart(applied);
}

void MemoryStateStore::InstallCheckpoint(
    std::shared_ptr<const MemoryState> checkpoint) {
  {
    const MutexLock lock(mutex_);
    LEDGERD_CHECK(frozen_ == nullptr) << "a checkpoint is under way";
    disk_ = std::move(checkpoint);
  }
  Crash();
}

void MemoryStateStore::FailNextFetch(absl::Status error) {
  const MutexLock lock(mutex_);
  fetch_errors_.push_back(std::move(error));
}

void MemoryStateStore::FailNextWriteCheckpoint(absl::Status error) {
  const MutexLock lock(mutex_);
  write_errors_.push_back(std::move(error));
}

std::shared_ptr<const MemoryState> MemoryStateStore::disk() const {
  const MutexLock lock(mutex_);
  return disk_;
}

// ---- applying

Plan MemoryStateStore::MakePlan(Needs needs) {
  Plan plan;
  plan.generation = generation_;
  plan.complete = !options_.cold || Empty(needs);
  if (!plan.complete) plan.missing = needs;
  plan.needs = std::move(needs);
  return plan;
}

absl::StatusOr<std::unique_ptr<Fetched>> MemoryStateStore::Fetch(
    const Needs& missing) {
  LEDGERD_CHECK(!Empty(missing)) << "a complete plan needs no Fetch";
  const MutexLock lock(mutex_);
  if (!fetch_errors_.empty()) {
    absl::Status error = std::move(fetch_errors_.front());
    fetch_errors_.pop_front();
    return error;
  }
  return std::make_unique<NothingFetched>();
}

bool MemoryStateStore::Install(Plan plan, std::unique_ptr<Fetched> fetched) {
  LEDGERD_CHECK(plan.complete == (fetched == nullptr));
  if (plan.generation != generation_) return false;
  if (options_.cold) MakeVisible(plan.needs);
  return true;
}

void MemoryStateStore::MakeVisible(const Needs& needs) {
  visible_ = Visible();
  visible_.accounts.insert(needs.accounts.begin(), needs.accounts.end());
  visible_.transfers.insert(needs.transfers.begin(), needs.transfers.end());
  visible_.timestamps.insert(needs.timestamps.begin(), needs.timestamps.end());
  for (const TransferId id : needs.pending) MakePendingVisible(id);
  visible_.due_at = needs.due_at;
  visible_.due_limit = needs.due_limit;
  for (const TransferId id : state_.FindDue(needs.due_at, needs.due_limit)) {
    MakePendingVisible(id);
  }
}

void MemoryStateStore::MakePendingVisible(TransferId id) {
  visible_.transfers.insert(id);
  const Transfer* transfer = state_.FindTransfer(id);
  if (transfer == nullptr) return;
  visible_.accounts.insert(transfer->debit_account_id);
  visible_.accounts.insert(transfer->credit_account_id);
}

void MemoryStateStore::FinishEntry(const AppliedPoint& point) {
  state_.Finish(point);
  visible_ = Visible();
}

// ---- checkpoints

void MemoryStateStore::Freeze() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(frozen_ == nullptr) << "a checkpoint is under way";
  auto frozen = std::make_shared<MemoryState>(state_);
  frozen->EndEventRun(options_.events);
  frozen_ = std::move(frozen);
  delta_bytes_ = 0;
}

absl::Status MemoryStateStore::WriteCheckpoint() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(frozen_ != nullptr) << "nothing is frozen";
  if (!broken_.ok()) return broken_;
  if (!write_errors_.empty()) {
    absl::Status error = std::move(write_errors_.front());
    write_errors_.pop_front();
    if (!absl::IsResourceExhausted(error)) broken_ = error;
    return error;
  }
  disk_ = frozen_;
  return absl::OkStatus();
}

void MemoryStateStore::FinishCheckpoint() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(frozen_ != nullptr && disk_ == frozen_)
      << "no checkpoint was written";
  checkpoint_ = frozen_->applied();
  state_.DropEventsOf(*frozen_);
  frozen_ = nullptr;
  if (options_.cold) ++generation_;
}

absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>>
MemoryStateStore::ExportCheckpoint() {
  return options_.checkpoints->Export(disk());
}

absl::Status MemoryStateStore::PrepareFrom(MemoryCheckpointReceiver& receiver,
                                           const EntryId& checkpoint) {
  const MutexLock lock(mutex_);
  if (prepared_ != nullptr && prepared_->applied().entry == checkpoint) {
    return absl::OkStatus();
  }
  prepared_ = receiver.Claim(checkpoint);
  if (prepared_ != nullptr) return absl::OkStatus();
  return absl::NotFoundError("no such checkpoint was received");
}

void MemoryStateStore::FinishInstall() {
  std::shared_ptr<const MemoryState> prepared;
  {
    const MutexLock lock(mutex_);
    prepared = std::exchange(prepared_, nullptr);
    if (prepared != nullptr) frozen_ = nullptr;
  }
  if (prepared != nullptr) InstallCheckpoint(std::move(prepared));
}

absl::Status MemoryStateStore::VerifyCheckpoint() { return disk()->Verify(); }

// ---- queries

std::unique_ptr<Lookup<Account>> MemoryStateStore::LookupAccounts(
    std::vector<AccountId> ids) {
  Found<Account> found;
  for (const AccountId id : ids) {
    const Account* account = state_.FindAccount(id);
    if (account != nullptr) found.rows.push_back(*account);
  }
  return std::make_unique<FinishedLookup<Account>>(std::move(found));
}

std::unique_ptr<Lookup<Transfer>> MemoryStateStore::LookupTransfers(
    std::vector<TransferId> ids) {
  Found<Transfer> found;
  for (const TransferId id : ids) {
    const Transfer* transfer = state_.FindTransfer(id);
    if (transfer == nullptr) continue;
    found.rows.push_back(*transfer);
    found.pending_states.push_back(state_.GetPendingState(*transfer));
  }
  return std::make_unique<FinishedLookup<Transfer>>(std::move(found));
}

std::unique_ptr<Lookup<Account>> MemoryStateStore::QueryAccounts(
    const QueryFilter& filter) {
  Found<Account> found;
  found.rows = state_.FindAccounts(filter);
  return std::make_unique<FinishedLookup<Account>>(std::move(found));
}

std::unique_ptr<Lookup<Transfer>> MemoryStateStore::GetAccountTransfers(
    const AccountFilter& filter) {
  Found<Transfer> found;
  for (const Transfer& transfer : state_.FindTransfers(filter)) {
    found.rows.push_back(transfer);
    found.pending_states.push_back(state_.GetPendingState(transfer));
  }
  return std::make_unique<FinishedLookup<Transfer>>(std::move(found));
}

std::unique_ptr<Lookup<Transfer>> MemoryStateStore::QueryTransfers(
    const QueryFilter& filter) {
  return GetAccountTransfers({.rest = filter});
}

std::unique_ptr<Lookup<AccountBalances>> MemoryStateStore::GetAccountBalances(
    const AccountFilter& filter) {
  Found<AccountBalances> found;
  for (const Transfer& transfer : state_.FindTransfers(filter)) {
    const auto balances =
        state_.history().find({filter.account_id, transfer.timestamp});
    if (balances != state_.history().end()) {
      found.rows.push_back(balances->second);
    }
  }
  return std::make_unique<FinishedLookup<AccountBalances>>(std::move(found));
}

std::unique_ptr<EventRead> MemoryStateStore::ReadEvents(EventPosition from,
                                                        size_t limit) {
  const Sequence oldest = state_.oldest_event();
  if (from.sequence == Sequence(0)) from = {oldest, 0};
  if (from.sequence < oldest) {
    return std::make_unique<FinishedEventRead>(
        MakeError(Reason::kCompacted, "these events are dropped"));
  }
  FoundEvents found;
  found.next =
      std::max(from, EventPosition{state_.applied().entry.sequence.Next(), 0});
  size_t count = 0;
  for (auto entry = state_.events().lower_bound(from.sequence);
       entry != state_.events().end() && count <= limit; ++entry) {
    const auto& [sequence, events] = *entry;
    EntryEvents watched = {.sequence = sequence};
    uint32_t i = sequence == from.sequence ? from.index : 0;
    for (; i < events.size() && ++count <= limit; ++i) {
      watched.events.push_back(Watched(events[i]));
    }
    watched.more = i < events.size();
    if (count > limit) found.next = {sequence, i};
    if (!watched.events.empty()) found.entries.push_back(std::move(watched));
  }
  return std::make_unique<FinishedEventRead>(std::move(found));
}

std::unique_ptr<Lookup<IncidentsRow>> MemoryStateStore::ReadIncidents(
    Sequence after) {
  Found<IncidentsRow> found;
  for (const auto& [sequence, payload] : state_.incidents()) {
    if (sequence > after) found.rows.push_back({sequence, payload});
  }
  return std::make_unique<FinishedLookup<IncidentsRow>>(std::move(found));
}

WatchedEvent MemoryStateStore::Watched(const Event& event) const {
  WatchedEvent watched = {.type = event.type, .timestamp = event.timestamp};
  if (event.transfer != Timestamp(0)) {
    watched.transfer = state_.transfers().at(event.transfer);
  }
  const auto after = [this](const EventSide& side) {
    if (side.account == AccountId(0)) return Account();
    return AfterEvent(state_.accounts().at(side.account), side);
  };
  watched.debit = after(event.debit);
  watched.credit = after(event.credit);
  return watched;
}

// ---- StateView

void MemoryStateStore::CheckVisible(AccountId id) const {
  LEDGERD_CHECK(!options_.cold || visible_.accounts.contains(id))
      << "account " << id << " is not among the entry's needs";
}

void MemoryStateStore::CheckVisible(TransferId id) const {
  LEDGERD_CHECK(!options_.cold || visible_.transfers.contains(id))
      << "transfer " << id << " is not among the entry's needs";
}

void MemoryStateStore::CheckVisible(Timestamp timestamp) const {
  LEDGERD_CHECK(!options_.cold || visible_.timestamps.contains(timestamp))
      << "timestamp " << timestamp << " is not among the entry's needs";
}

const Account* MemoryStateStore::FindAccount(AccountId id) {
  CheckVisible(id);
  return state_.FindAccount(id);
}

void MemoryStateStore::InsertAccount(const Account& account) {
  CheckVisible(account.id);
  state_.InsertAccount(account);
  delta_bytes_ += kObjectBytes;
}

void MemoryStateStore::UpdateAccount(const Account* account,
                                     const Account& next) {
  CheckVisible(account->id);
  state_.UpdateAccount(account, next);
  delta_bytes_ += kObjectBytes;
}

void MemoryStateStore::UndoInsertAccount(AccountId id, Timestamp newest) {
  state_.UndoInsertAccount(id, newest);
}

TransferIdState MemoryStateStore::FindTransferId(TransferId id) {
  CheckVisible(id);
  return state_.FindTransferId(id);
}

const Transfer* MemoryStateStore::FindTransfer(TransferId id) {
  CheckVisible(id);
  return state_.FindTransfer(id);
}

void MemoryStateStore::InsertTransfer(const Transfer& transfer) {
  CheckVisible(transfer.id);
  state_.InsertTransfer(transfer);
  delta_bytes_ += kObjectBytes;
}

void MemoryStateStore::UndoInsertTransfer(TransferId id, Timestamp newest) {
  state_.UndoInsertTransfer(id, newest);
}

void MemoryStateStore::KeepFailedId(TransferId id, TransferStatus status) {
  CheckVisible(id);
  state_.KeepFailedId(id, status);
  delta_bytes_ += kObjectBytes;
}

PendingState MemoryStateStore::GetPendingState(const Transfer& pending) {
  CheckVisible(pending.id);
  return state_.GetPendingState(pending);
}

void MemoryStateStore::SetPendingState(const Transfer& pending,
                                       PendingState state) {
  CheckVisible(pending.id);
  state_.SetPendingState(pending, state);
}

std::vector<TransferId> MemoryStateStore::FindDue(Timestamp now, size_t limit) {
  LEDGERD_CHECK(!options_.cold ||
                (now <= visible_.due_at && limit <= visible_.due_limit))
      << "what is due is not among the entry's needs";
  return state_.FindDue(now, limit);
}

bool MemoryStateStore::HasAccountAt(Timestamp timestamp) {
  CheckVisible(timestamp);
  return state_.HasAccountAt(timestamp);
}

bool MemoryStateStore::HasTransferAt(Timestamp timestamp) {
  CheckVisible(timestamp);
  return state_.HasTransferAt(timestamp);
}

void MemoryStateStore::AppendEvent(const Event& event) {
  state_.AppendEvent(event);
  delta_bytes_ += sizeof(Event);
}

void MemoryStateStore::AppendIncidents(Sequence sequence,
                                       absl::string_view payload) {
  state_.AppendIncidents(sequence, payload);
  delta_bytes_ += payload.size();
}

}  // namespace ledgerd::storage
