#include "storage/rocksdb_state_store.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/event_writer.h"
#include "storage/ingest_files.h"
#include "storage/state_event_read.h"
#include "storage/state_keys.h"
#include "storage/state_lookup.h"
#include "storage/state_queries.h"
#include "storage/state_upgrade.h"
#include "storage/state_verifier.h"

namespace ledgerd::storage {
namespace {

// An entry puts so many of the old delta's accounts into the cache, and some
// for each account that it changed: all of them long before the next
// checkpoint, but never many at once.
constexpr size_t kCachedAnEntry = 16;
constexpr size_t kCachedAChange = 4;

}  // namespace

absl::StatusOr<std::unique_ptr<RocksDbStateStore>> RocksDbStateStore::Open(
    const std::string& path, const Options& options) {
  auto store = OpenWhole(path, options);
  if (!absl::IsDataLoss(store.status())) return store;
  return absl::DataLossError(absl::StrCat(
      "state damaged: ", store.status().message(),
      ". This replica does not start: restore the whole data directory from a "
      "backup"));
}

absl::StatusOr<std::unique_ptr<RocksDbStateStore>> RocksDbStateStore::OpenWhole(
    const std::string& path, const Options& options) {
  LEDGERD_ASSIGN_OR_RETURN(auto database,
                           StateDatabase::Open(path, options.database));
  LEDGERD_RETURN_IF_ERROR(UpgradeState(database, options.rows, options.say));
  LEDGERD_ASSIGN_OR_RETURN(auto loaded,
                           DiskState::Load(database, options.filter_bytes_max));
  LEDGERD_RETURN_IF_ERROR(
      DiskStateKeeper::RemoveDeadRuns(*database, loaded->runs()));
  LEDGERD_RETURN_IF_ERROR(
      DiskStateKeeper::RemoveEventsBelow(*database, loaded->oldest_event()));
  LEDGERD_ASSIGN_OR_RETURN(const auto first, loaded->ReadExpiries({}, {}, 1));
  std::unique_ptr<RocksDbStateStore> store(new RocksDbStateStore(
      std::move(database), std::move(loaded),
      first.empty() ? kNoExpiry : first.front(), options));
  return store;
}

RocksDbStateStore::RocksDbStateStore(std::shared_ptr<StateDatabase> database,
                                     std::shared_ptr<const DiskState> loaded,
                                     Expiry disk_begin, const Options& options)
    : options_(options),
      database_(std::move(database)),
      keeper_(database_, loaded, options.filter_bytes_max),
      exporter_(options.cluster),
      disk_(std::move(loaded)),
      active_(std::make_shared<StateDelta>()),
      cache_(options.account_cache_bytes),
      expiries_(disk_begin),
      record_(disk_->record()),
      hash_(record_.state_hash),
      highest_id_(disk_->highest_id()),
      merger_(keeper_, *database_, options.merges, options.rows) {
  expiries_.SetDeltas(active_.get(), nullptr);
  record_.format_version = kStateFormatVersion;
}

// ---- the generations in memory

const Account* RocksDbStateStore::FindAccountInMemory(AccountId id) const {
  for (const StateDelta* delta : generations()) {
    if (delta == nullptr) continue;
    if (const Account* found = delta->accounts.Find(id)) return found;
  }
  return nullptr;
}

const Transfer* RocksDbStateStore::FindTransferInMemory(TransferId id) const {
  for (const StateDelta* delta : generations()) {
    if (delta == nullptr) continue;
    if (const Transfer* found = delta->FindTransfer(id)) return found;
  }
  return nullptr;
}

TransferIdState RocksDbStateStore::FindIdInMemory(TransferId id) const {
  for (const StateDelta* delta : generations()) {
    if (delta == nullptr) continue;
    if (const Transfer* found = delta->FindTransfer(id)) {
      return {found->timestamp, TransferStatus::kUnspecified};
    }
    const auto failed = delta->failed_ids.find(id);
    if (failed != delta->failed_ids.end()) {
      return {Timestamp(0), failed->second.status};
    }
  }
  return {};
}

PendingState RocksDbStateStore::FindPendingInMemory(Timestamp transfer) const {
  for (const StateDelta* delta : generations()) {
    if (delta == nullptr) continue;
    const auto found = delta->pending_states.find(transfer);
    if (found != delta->pending_states.end()) return found->second.state;
  }
  return PendingState::kNone;
}

// ---- planning

Plan RocksDbStateStore::MakePlan(Needs needs) {
  disk_ = keeper_.current();
  Plan plan;
  plan.generation = generation_;
  plan.needs = std::move(needs);
  PlanAccounts(plan);
  PlanIds(plan.needs.transfers, plan.missing.transfers);
  PlanIds(plan.needs.pending, plan.missing.pending);
  PlanTimestamps(plan);
  PlanDue(plan);
  const Needs& missing = plan.missing;
  plan.complete = missing.accounts.empty() && missing.transfers.empty() &&
                  missing.pending.empty() && missing.timestamps.empty() &&
                  missing.due_limit == 0;
  return plan;
}

void RocksDbStateStore::PlanAccounts(Plan& plan) {
  for (const AccountId id : plan.needs.accounts) {
    if (FindAccountInMemory(id) != nullptr) continue;
    if (const Account* cached = cache_.Find(id)) {
      active_->accounts.Insert(*cached);
    } else if (disk_->MayHaveAccount(id)) {
      plan.missing.accounts.push_back(id);
    }
  }
}

void RocksDbStateStore::PlanIds(const std::vector<TransferId>& ids,
                                std::vector<TransferId>& missing) const {
  for (const TransferId id : disk_->FilterIds(ids)) {
    if (FindIdInMemory(id).free()) missing.push_back(id);
  }
}

void RocksDbStateStore::PlanTimestamps(Plan& plan) const {
  const CheckpointRecord& disk = disk_->record();
  const Timestamp newest = std::max(disk.newest_account, disk.newest_transfer);
  for (const Timestamp timestamp : plan.needs.timestamps) {
    if (timestamp <= newest) plan.missing.timestamps.push_back(timestamp);
  }
}

void RocksDbStateStore::PlanDue(Plan& plan) {
  const Needs& needs = plan.needs;
  if (expiries_.Covers(needs.due_at, needs.due_limit)) return;
  plan.missing.due_at = needs.due_at;
  plan.missing.due_limit =
      needs.due_limit + expiries_.CountRemoved(needs.due_at);
  const MutexLock lock(mutex_);
  fetch_expiries_from_ = expiries_.disk_begin();
}

absl::StatusOr<std::unique_ptr<Fetched>> RocksDbStateStore::Fetch(
    const Needs& missing) {
  LEDGERD_RETURN_IF_ERROR(database_->error());
  Expiry from;
  {
    const MutexLock lock(mutex_);
    from = fetch_expiries_from_;
  }
  auto fetched = FetchNeeds(*keeper_.current(), missing, from);
  if (!fetched.ok()) return database_->Record(fetched.status());
  return fetched;
}

// ---- installing

bool RocksDbStateStore::Install(Plan plan, std::unique_ptr<Fetched> fetched) {
  LEDGERD_CHECK(plan.complete == (fetched == nullptr));
  if (plan.generation != generation_) return false;
  auto* rows = static_cast<FetchedRows*>(fetched.get());
  if (plan.missing.due_limit > 0 &&
      !expiries_.Load(std::move(rows->expiries))) {
    return false;
  }
  if (!expiries_.Covers(plan.needs.due_at, plan.needs.due_limit)) return false;
  if (rows == nullptr) return true;
  InstallAccounts(*rows);
  InstallTransfers(*rows);
  InstallTimes(*rows);
  return true;
}

// What is in memory already is as new, or newer.
void RocksDbStateStore::InstallAccounts(const FetchedRows& rows) {
  for (const Account& account : rows.accounts) {
    if (FindAccountInMemory(account.id) == nullptr) {
      active_->accounts.Insert(account);
    }
  }
  absent_accounts_.insert(rows.absent_accounts.begin(),
                          rows.absent_accounts.end());
}

void RocksDbStateStore::InstallTransfers(const FetchedRows& rows) {
  for (const Transfer& transfer : rows.transfers) {
    if (FindTransferInMemory(transfer.id) == nullptr) CopyForward(transfer);
  }
  for (const auto& [transfer, state] : rows.pending_states) {
    if (FindPendingInMemory(transfer) == PendingState::kNone) {
      active_->pending_states.emplace(transfer, StateDelta::Pending{state});
    }
  }
  for (const IdRecord& record : rows.failed_ids) {
    active_->failed_ids.emplace(record.id(),
                                StateDelta::Failed{record.state().failed});
  }
}

void RocksDbStateStore::InstallTimes(const FetchedRows& rows) {
  account_times_.insert(rows.account_times.begin(), rows.account_times.end());
  transfer_times_.insert(rows.transfer_times.begin(),
                         rows.transfer_times.end());
}

void RocksDbStateStore::FinishEntry(const AppliedPoint& point) {
  LEDGERD_CHECK(point.entry.sequence == record_.applied.entry.sequence.Next());
  for (const AccountTable::Slot* slot : touched_) {
    if (!slot->removed) hash_.Add(HashAccount(slot->account));
  }
  CacheOld(kCachedAnEntry + kCachedAChange * touched_.size());
  touched_.clear();
  active_->events.FinishEntry(point.entry.sequence, point.timestamp);
  hash_.Subtract(HashAppliedPoint(record_.applied));
  hash_.Add(HashAppliedPoint(point));
  record_.applied = point;
  ++entry_count_;
  absent_accounts_.clear();
  account_times_.clear();
  transfer_times_.clear();
}

Timestamp RocksDbStateStore::next_expiry() const {
  const Expiry next = expiries_.next();
  return next == kNoExpiry ? Timestamp(0) : next.expires_at;
}

// ---- accounts

const Account* RocksDbStateStore::FindAccount(AccountId id) {
  if (const Account* found = active_->accounts.Find(id)) return found;
  if (const Account* older = FindAccountInMemory(id)) {
    return &active_->accounts.Insert(*older).account;
  }
  LEDGERD_CHECK(!disk_->MayHaveAccount(id) || absent_accounts_.contains(id))
      << "account " << id << " is not among the entry's needs";
  return nullptr;
}

void RocksDbStateStore::InsertAccount(const Account& account) {
  LEDGERD_CHECK(account.timestamp > record_.newest_account);
  AccountTable::Slot& slot = active_->accounts.Insert(account);
  slot.touched_in = entry_count_;
  slot.dirty = true;
  touched_.push_back(&slot);
  active_->created_accounts.Append(account);
  record_.newest_account = account.timestamp;
  record_.highest_account = std::max(record_.highest_account, account.id);
}

void RocksDbStateStore::UpdateAccount(const Account* account,
                                      const Account& next) {
  AccountTable::Slot& slot = AccountTable::SlotOf(account);
  Touch(slot);
  slot.account = next;
}

void RocksDbStateStore::Touch(AccountTable::Slot& slot) {
  if (slot.touched_in == entry_count_) return;
  hash_.Subtract(HashAccount(slot.account));
  slot.touched_in = entry_count_;
  slot.dirty = true;
  touched_.push_back(&slot);
}

void RocksDbStateStore::UndoInsertAccount(AccountId id, Timestamp newest) {
  const Account* account = active_->accounts.Find(id);
  LEDGERD_CHECK(account != nullptr &&
                account->timestamp == record_.newest_account);
  active_->accounts.Remove(account);
  active_->created_accounts.RemoveLast();
  record_.newest_account = newest;
}

// ---- transfers

TransferIdState RocksDbStateStore::FindTransferId(TransferId id) {
  return id > highest_id_ ? TransferIdState() : FindIdInMemory(id);
}

const Transfer* RocksDbStateStore::FindTransfer(TransferId id) {
  return id > highest_id_ ? nullptr : FindTransferInMemory(id);
}

void RocksDbStateStore::InsertTransfer(const Transfer& transfer) {
  LEDGERD_CHECK(transfer.timestamp > record_.newest_transfer);
  active_->transfers.Append(transfer);
  record_.newest_transfer = transfer.timestamp;
  highest_id_ = std::max(highest_id_, transfer.id);
  hash_.Add(HashTransfer(transfer));
  if ((transfer.flags & transfer_flags::kPending) == 0) return;
  active_->pending_states.emplace(
      transfer.timestamp, StateDelta::Pending{PendingState::kPending, true});
  hash_.Add(HashPendingState(transfer.timestamp, PendingState::kPending));
  if (transfer.timeout_seconds == 0) return;
  expiries_.Add({ExpiresAt(transfer), transfer.timestamp}, transfer.id);
}

void RocksDbStateStore::UndoInsertTransfer(TransferId id, Timestamp newest) {
  const auto& rows = active_->transfers.rows();
  LEDGERD_CHECK(!rows.empty() && rows.back().id == id);
  const Transfer& transfer = rows.back();
  if ((transfer.flags & transfer_flags::kPending) != 0) {
    LEDGERD_CHECK(GetPendingState(transfer) == PendingState::kPending);
    active_->pending_states.erase(transfer.timestamp);
    hash_.Subtract(
        HashPendingState(transfer.timestamp, PendingState::kPending));
    if (transfer.timeout_seconds != 0) {
      expiries_.Remove({ExpiresAt(transfer), transfer.timestamp});
    }
  }
  hash_.Subtract(HashTransfer(transfer));
  active_->transfers.RemoveLast();
  record_.newest_transfer = newest;
}

void RocksDbStateStore::KeepFailedId(TransferId id, TransferStatus status) {
  LEDGERD_CHECK(FindTransferId(id).free());
  active_->failed_ids.emplace(id, StateDelta::Failed{status, true});
  highest_id_ = std::max(highest_id_, id);
  hash_.Add(HashFailedId(id, status));
}

// ---- pending transfers

PendingState RocksDbStateStore::GetPendingState(const Transfer& pending) {
  if ((pending.flags & transfer_flags::kPending) == 0) {
    return PendingState::kNone;
  }
  const PendingState state = FindPendingInMemory(pending.timestamp);
  LEDGERD_CHECK(state != PendingState::kNone)
      << "pending transfer " << pending.id << " is not in memory";
  return state;
}

void RocksDbStateStore::SetPendingState(const Transfer& pending,
                                        PendingState state) {
  const PendingState before = GetPendingState(pending);
  LEDGERD_CHECK(before != PendingState::kNone && state != PendingState::kNone);
  if (before == state) return;
  const Transfer transfer = pending;
  CopyForward(transfer);
  active_->pending_states.insert_or_assign(transfer.timestamp,
                                           StateDelta::Pending{state, true});
  active_->pending_log.Append({transfer.timestamp, state});
  hash_.Subtract(HashPendingState(transfer.timestamp, before));
  hash_.Add(HashPendingState(transfer.timestamp, state));
  if (transfer.timeout_seconds == 0) return;
  const Expiry expiry = {ExpiresAt(transfer), transfer.timestamp};
  if (before == PendingState::kPending) expiries_.Remove(expiry);
  if (state == PendingState::kPending) expiries_.Add(expiry, transfer.id);
}

// Its state changes here, so that a delta that knows the state knows the
// transfer too: whoever finds the transfer in memory finds its newest state.
void RocksDbStateStore::CopyForward(const Transfer& transfer) {
  if (active_->FindTransfer(transfer.id) != nullptr) return;
  active_->read_transfers.emplace(transfer.id, transfer);
  FindAccount(transfer.debit_account_id);
  FindAccount(transfer.credit_account_id);
}

void RocksDbStateStore::CacheOld(size_t count) {
  if (old_ == nullptr) return;
  const auto& slots = old_->accounts.slots();
  const size_t end = cached_ + std::min(count, slots.size() - cached_);
  for (; cached_ != end; ++cached_) {
    if (!slots[cached_].removed) cache_.Put(slots[cached_].account);
  }
  if (end != slots.size()) return;
  old_ = nullptr;
  ++generation_;
}

std::vector<TransferId> RocksDbStateStore::FindDue(Timestamp now,
                                                   size_t limit) {
  return expiries_.Find(now, limit);
}

bool RocksDbStateStore::HasAccountAt(Timestamp timestamp) {
  if (timestamp > record_.newest_account) return false;
  if (account_times_.contains(timestamp)) return true;
  return absl::c_any_of(generations(), [&](const StateDelta* delta) {
    return delta != nullptr && delta->created_accounts.HasTimestamp(timestamp);
  });
}

bool RocksDbStateStore::HasTransferAt(Timestamp timestamp) {
  if (timestamp > record_.newest_transfer) return false;
  if (transfer_times_.contains(timestamp)) return true;
  return absl::c_any_of(generations(), [&](const StateDelta* delta) {
    return delta != nullptr && delta->transfers.rows().HasTimestamp(timestamp);
  });
}

// ---- events

void RocksDbStateStore::AppendEvent(const Event& event) {
  active_->events.Append(event);
  ForEachHistorySide(event, [&](const EventSide& side) {
    active_->history.Append(HistoryRowOf(event.transfer, side));
  });
}

EventMark RocksDbStateStore::MarkEvents() const {
  EventMark mark = active_->events.Mark();
  mark.history = active_->history.size();
  return mark;
}

void RocksDbStateStore::UndoEvents(const EventMark& mark) {
  active_->events.ReturnTo(mark);
  while (active_->history.size() > mark.history) active_->history.RemoveLast();
}

// ---- checkpoints

void RocksDbStateStore::Freeze() {
  LEDGERD_CHECK(frozen_ == nullptr) << "a checkpoint is under way";
  LEDGERD_CHECK(touched_.empty()) << "an entry is not finished";
  frozen_ = std::move(active_);
  progress_.Begin(frozen_->disk_bytes_max());
  active_ = std::make_shared<StateDelta>();
  // It will grow as large: an index that doubles reads all its rows again.
  active_->accounts.Reserve(frozen_->accounts.slots().size());
  active_->transfers.Reserve(frozen_->transfers.rows().size());
  expiries_.SetDeltas(active_.get(), frozen_.get());
  record_.state_hash = hash_.value();
  const MutexLock lock(mutex_);
  frozen_checkpoint_ = {frozen_, record_};
}

absl::Status RocksDbStateStore::WriteCheckpoint() {
  LEDGERD_RETURN_IF_ERROR(database_->error());
  Checkpoint checkpoint;
  {
    const MutexLock lock(mutex_);
    checkpoint = frozen_checkpoint_;
  }
  LEDGERD_CHECK(checkpoint.delta != nullptr) << "nothing is frozen";
  progress_.Restart();
  if (run_count() >= options_.runs_max) merger_.WaitUntilIdle();
  LEDGERD_RETURN_IF_ERROR(
      database_->CheckSpace(checkpoint.delta->disk_bytes_max()));
  absl::Status status = WriteAndAdd(checkpoint);
  if (!status.ok() && !absl::IsResourceExhausted(status)) {
    return database_->Record(std::move(status));
  }
  merger_.Wake();
  return status;
}

absl::Status RocksDbStateStore::WriteAndAdd(const Checkpoint& checkpoint) {
  IngestFiles files(*database_, kCheckpointPriority, &progress_);
  LEDGERD_ASSIGN_OR_RETURN(auto run,
                           WriteDelta(*checkpoint.delta, options_.rows,
                                      keeper_.NewRunNumber(), files));
  LEDGERD_RETURN_IF_ERROR(
      WriteHistory(checkpoint.delta->history, options_.rows, files));
  const auto below = keeper_.newest();
  LEDGERD_ASSIGN_OR_RETURN(
      const EventRun events,
      WriteEvents(checkpoint.delta->events,
                  below->record().applied.entry.sequence,
                  checkpoint.record.applied, options_.rows, files));
  LEDGERD_ASSIGN_OR_RETURN(
      EventRuns event_runs,
      AddEventRun(below->event_runs(), events, options_.events, files));
  LEDGERD_RETURN_IF_ERROR(
      files.Put(MetaKey(), EncodeCheckpoint(checkpoint.record)));
  LEDGERD_RETURN_IF_ERROR(files.Finish());
  return keeper_.AddCheckpoint(files, checkpoint.record, std::move(run),
                               std::move(event_runs));
}

void RocksDbStateStore::FinishCheckpoint() {
  LEDGERD_CHECK(frozen_ != nullptr) << "nothing is frozen";
  progress_.End();
  keeper_.ShowCheckpoint();
  disk_ = keeper_.current();
  expiries_.MoveFrozenToDisk();
  CacheOld(std::numeric_limits<size_t>::max());
  old_ = std::move(frozen_);
  cached_ = 0;
  frozen_ = nullptr;
  ++generation_;
  const MutexLock lock(mutex_);
  frozen_checkpoint_ = {};
}

absl::StatusOr<std::shared_ptr<const ExportedCheckpoint>>
RocksDbStateStore::ExportCheckpoint() {
  LEDGERD_RETURN_IF_ERROR(database_->error());
  return exporter_.Export(database_, keeper_);
}

absl::Status RocksDbStateStore::VerifyCheckpointAt(const Pace& pace) {
  return VerifyState(*keeper_.current(), pace);
}

// ---- queries

std::unique_ptr<Lookup<Account>> RocksDbStateStore::LookupAccounts(
    std::vector<AccountId> ids) {
  disk_ = keeper_.current();
  auto lookup = std::make_unique<AccountLookup>(disk_, std::move(ids));
  for (const AccountId id : lookup->ids()) {
    const Account* account = FindAccountInMemory(id);
    if (account == nullptr) account = cache_.Find(id);
    if (account != nullptr) lookup->Know(*account);
  }
  return lookup;
}

std::unique_ptr<Lookup<Transfer>> RocksDbStateStore::LookupTransfers(
    std::vector<TransferId> ids) {
  disk_ = keeper_.current();
  auto lookup = std::make_unique<TransferLookup>(disk_, std::move(ids));
  for (const TransferId id : lookup->ids()) {
    if (const Transfer* transfer = FindTransferInMemory(id)) {
      lookup->Know(*transfer, GetPendingState(*transfer));
    }
  }
  return lookup;
}

std::unique_ptr<Lookup<IncidentsRow>> RocksDbStateStore::ReadIncidents(
    Sequence after) {
  disk_ = keeper_.current();
  return std::make_unique<IncidentsLookup>(disk_, frozen_.get(), *active_,
                                           after);
}

std::unique_ptr<StateMoment> RocksDbStateStore::TakeMoment() {
  disk_ = keeper_.current();
  return std::make_unique<StateMoment>(disk_, frozen_, active_);
}

std::unique_ptr<Lookup<Account>> RocksDbStateStore::QueryAccounts(
    const QueryFilter& filter) {
  return std::make_unique<AccountQuery>(TakeMoment(), filter);
}

std::unique_ptr<Lookup<Transfer>> RocksDbStateStore::GetAccountTransfers(
    const AccountFilter& filter) {
  return std::make_unique<TransferQuery>(TakeMoment(), filter);
}

std::unique_ptr<Lookup<Transfer>> RocksDbStateStore::QueryTransfers(
    const QueryFilter& filter) {
  return std::make_unique<TransferQuery>(TakeMoment(),
                                         AccountFilter{.rest = filter});
}

std::unique_ptr<Lookup<AccountBalances>> RocksDbStateStore::GetAccountBalances(
    const AccountFilter& filter) {
  return std::make_unique<BalanceQuery>(TakeMoment(), filter);
}

std::unique_ptr<EventRead> RocksDbStateStore::ReadEvents(EventPosition from,
                                                         size_t limit) {
  disk_ = keeper_.current();
  return std::make_unique<StateEventRead>(
      disk_, frozen_, active_, record_.applied.entry.sequence, from, limit);
}

}  // namespace ledgerd::storage
