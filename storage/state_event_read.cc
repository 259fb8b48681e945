#include "storage/state_event_read.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kEventsKeyBytes = 1 + 8 + 4;

using Transfers = absl::flat_hash_map<Timestamp, Transfer>;
using Accounts = absl::flat_hash_map<AccountId, Account>;

template <typename T>
void SortUnique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

absl::Status Missing(const Event& event, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "the event of timestamp ", event.timestamp.value(), " is of ", what,
      ", which is missing. The state is damaged: restore a backup"));
}

// The account as it is after the event.
absl::StatusOr<Account> AccountAfter(const Event& event, const EventSide& side,
                                     const Accounts& accounts) {
  if (side.account == AccountId(0)) return Account();
  const auto found = accounts.find(side.account);
  if (found == accounts.end()) {
    return Missing(event,
                   absl::StrCat("account ", ToString(side.account.value())));
  }
  return AfterEvent(found->second, side);
}

absl::StatusOr<WatchedEvent> CompleteEvent(const Event& event,
                                           const Transfers& transfers,
                                           const Accounts& accounts) {
  WatchedEvent watched;
  watched.type = event.type;
  watched.timestamp = event.timestamp;
  if (event.transfer != Timestamp(0)) {
    const auto found = transfers.find(event.transfer);
    if (found == transfers.end()) {
      return Missing(event, absl::StrCat("the transfer of timestamp ",
                                         event.transfer.value()));
    }
    watched.transfer = found->second;
  }
  LEDGERD_ASSIGN_OR_RETURN(watched.debit,
                           AccountAfter(event, event.debit, accounts));
  LEDGERD_ASSIGN_OR_RETURN(watched.credit,
                           AccountAfter(event, event.credit, accounts));
  return watched;
}

}  // namespace

StateEventRead::StateEventRead(const std::shared_ptr<const DiskState>& disk,
                               const std::shared_ptr<const StateDelta>& frozen,
                               const std::shared_ptr<const StateDelta>& active,
                               Sequence applied, EventPosition from,
                               size_t limit)
    : disk_(disk),
      moment_(disk, frozen, active),
      frozen_(frozen == nullptr ? EventLogView()
                                : frozen->events.ViewFrom(from.sequence)),
      active_(active->events.ViewFrom(from.sequence)),
      applied_(applied),
      from_(from),
      limit_(limit) {}

absl::StatusOr<FoundEvents> StateEventRead::Finish() {
  const Sequence oldest = disk_->oldest_event();
  if (from_.sequence == Sequence(0)) from_ = {oldest, 0};
  if (from_.sequence < oldest) {
    return MakeError(
        Reason::kCompacted,
        absl::StrCat("the events of sequence ", from_.sequence.value(),
                     " are dropped; the oldest kept are those of ",
                     oldest.value()));
  }
  LEDGERD_RETURN_IF_ERROR(ReadDisk());
  ReadLog(frozen_);
  ReadLog(active_);
  if (!full_) next_ = std::max(from_, EventPosition{applied_.Next(), 0});
  FoundEvents found;
  found.next = next_;
  LEDGERD_ASSIGN_OR_RETURN(found.entries, Complete());
  return found;
}

absl::Status StateEventRead::ReadDisk() {
  if (from_.sequence > disk_->record().applied.entry.sequence) {
    return absl::OkStatus();
  }
  const auto at = disk_->NewIterator(/*fill_cache=*/false);
  const Key key = EventsKey(from_.sequence, from_.index);
  // The row that has it, or else the first one after it.
  at->SeekForPrev(key.slice());
  // A search clears the error of the one before.
  LEDGERD_RETURN_IF_ERROR(disk_->Failed(at->status(), "reading events"));
  if (!at->Valid() || !SameUnit(key.slice(), at->key())) at->Seek(key.slice());
  for (; !full_ && at->Valid() && SameUnit(key.slice(), at->key());
       at->Next()) {
    if (at->key().size() != kEventsKeyBytes) return disk_->Damaged(at->key());
    EventRowReader row(Sequence(KeyNumber(at->key(), 1)), at->value());
    if (!ReadRow(row)) return disk_->Damaged(at->key());
  }
  return disk_->Failed(at->status(), "reading events");
}

bool StateEventRead::ReadRow(EventRowReader& row) {
  while (const EventPiece* piece = row.NextPiece()) {
    EventPosition at = {piece->sequence, piece->index};
    for (; const Event* event = row.NextEvent(); ++at.index) {
      if (!Take(at, piece->total, *event)) return true;
    }
  }
  return row.valid();
}

void StateEventRead::ReadLog(const EventLogView& log) {
  for (size_t i = log.LowerBound(from_.sequence); i < log.size(); ++i) {
    EventPosition at = {log[i].sequence, 0};
    EventLogCursor cursor = log.Read(i);
    for (; const Event* event = cursor.Next(); ++at.index) {
      if (!Take(at, log[i].count, *event)) return;
    }
  }
}

bool StateEventRead::Take(EventPosition at, uint32_t total,
                          const Event& event) {
  if (full_) return false;
  if (at < from_) return true;
  if (count_ == limit_) {
    full_ = true;
    next_ = at;
    return false;
  }
  if (found_.empty() || found_.back().sequence != at.sequence) {
    found_.push_back({.sequence = at.sequence});
  }
  found_.back().events.push_back(event);
  found_.back().more = at.index + 1 < total;
  ++count_;
  return true;
}

absl::StatusOr<std::vector<EntryEvents>> StateEventRead::Complete() const {
  std::vector<Timestamp> timestamps;
  std::vector<AccountId> ids;
  for (const Bare& entry : found_) {
    for (const Event& event : entry.events) {
      if (event.transfer != Timestamp(0)) timestamps.push_back(event.transfer);
      ids.push_back(event.debit.account);
      if (event.credit.account != AccountId(0)) {
        ids.push_back(event.credit.account);
      }
    }
  }
  SortUnique(timestamps);
  SortUnique(ids);
  LEDGERD_ASSIGN_OR_RETURN(const auto transfer_rows,
                           moment_.ReadTransfers(timestamps));
  LEDGERD_ASSIGN_OR_RETURN(const auto account_rows,
                           moment_.ReadAccountsById(ids));
  Transfers transfers;
  for (const Transfer& row : transfer_rows) {
    transfers.emplace(row.timestamp, row);
  }
  Accounts accounts;
  for (const Account& row : account_rows) accounts.emplace(row.id, row);
  std::vector<EntryEvents> entries;
  for (const Bare& bare : found_) {
    EntryEvents entry = {.sequence = bare.sequence, .more = bare.more};
    for (const Event& event : bare.events) {
      LEDGERD_ASSIGN_OR_RETURN(entry.events.emplace_back(),
                               CompleteEvent(event, transfers, accounts));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace ledgerd::storage
