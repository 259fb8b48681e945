#include "storage/state_moment.h"

#include <algorithm>
#include <type_traits>

#include "proto/base/status_macros.h"
#include "storage/disk_cursor.h"
#include "storage/history_reader.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

template <typename Row>
std::unique_ptr<TimestampCursor> AllOnDisk(const DiskState& disk,
                                           bool reversed) {
  if constexpr (std::is_same_v<Row, Transfer>) {
    return AllTransfersCursor(disk, reversed);
  } else {
    return AllAccountsCursor(disk, reversed);
  }
}

// The rows of each part are newer than all of the one before.
std::unique_ptr<TimestampCursor> InSuccession(
    std::unique_ptr<TimestampCursor> disk,
    std::unique_ptr<TimestampCursor> frozen,
    std::unique_ptr<TimestampCursor> active, bool reversed) {
  TimestampCursors parts;
  parts.push_back(std::move(disk));
  parts.push_back(std::move(frozen));
  parts.push_back(std::move(active));
  if (reversed) std::reverse(parts.begin(), parts.end());
  return std::make_unique<SuccessionCursor>(std::move(parts), reversed);
}

}  // namespace

StateMoment::StateMoment(std::shared_ptr<const DiskState> disk,
                         std::shared_ptr<const StateDelta> frozen,
                         std::shared_ptr<const StateDelta> active)
    : disk_(std::move(disk)),
      frozen_(std::move(frozen)),
      active_(std::move(active)),
      transfers_{frozen_ == nullptr ? RowsView<Transfer>()
                                    : frozen_->transfers.rows().View(),
                 active_->transfers.rows().View()},
      accounts_{frozen_ == nullptr ? RowsView<Account>()
                                   : frozen_->created_accounts.View(),
                active_->created_accounts.View()},
      pending_(active_->pending_log.View()),
      events_(active_->event_index.View(active_->events)),
      frozen_history_(frozen_ == nullptr ? HistoryView()
                                         : HistoryView(frozen_->history)),
      active_history_(active_->history) {}

template <>
const StateMoment::Rows<Transfer>& StateMoment::rows() const {
  return transfers_;
}

template <>
const StateMoment::Rows<Account>& StateMoment::rows() const {
  return accounts_;
}

template <typename Row>
std::unique_ptr<TimestampCursor> StateMoment::List(IndexField field,
                                                   Uint128 value,
                                                   bool reversed) const {
  const Rows<Row>& memory = rows<Row>();
  return InSuccession(
      IndexListCursor(*disk_, field, value, reversed),
      std::make_unique<RowsCursor<Row>>(memory.frozen, field, value, reversed),
      std::make_unique<RowsCursor<Row>>(memory.active, field, value, reversed),
      reversed);
}

template <typename Row>
std::unique_ptr<TimestampCursor> StateMoment::All(bool reversed) const {
  const Rows<Row>& memory = rows<Row>();
  return InSuccession(
      AllOnDisk<Row>(*disk_, reversed),
      std::make_unique<AllRowsCursor<Row>>(memory.frozen, reversed),
      std::make_unique<AllRowsCursor<Row>>(memory.active, reversed), reversed);
}

template std::unique_ptr<TimestampCursor> StateMoment::List<Transfer>(
    IndexField field, Uint128 value, bool reversed) const;
template std::unique_ptr<TimestampCursor> StateMoment::List<Account>(
    IndexField field, Uint128 value, bool reversed) const;
template std::unique_ptr<TimestampCursor> StateMoment::All<Transfer>(
    bool reversed) const;
template std::unique_ptr<TimestampCursor> StateMoment::All<Account>(
    bool reversed) const;

namespace {

// Rows of timestamps in either order: those of the disk by `read`, which wants
// and gives them ascending, the newer ones by `find`.
template <typename Row, typename Find, typename Read>
absl::StatusOr<std::vector<Row>> ReadRows(
    const std::vector<Timestamp>& timestamps, Timestamp newest_on_disk,
    const Find& find, const Read& read) {
  std::vector<Row> found;
  std::vector<Timestamp> below;
  for (const Timestamp timestamp : timestamps) {
    if (timestamp <= newest_on_disk) {
      below.push_back(timestamp);
    } else {
      found.push_back(*find(timestamp));
    }
  }
  if (below.empty()) return found;
  const bool reversed = timestamps.front() > timestamps.back();
  LEDGERD_ASSIGN_OR_RETURN(auto rows, read(std::move(below)));
  if (reversed) std::reverse(rows.begin(), rows.end());
  found.insert(reversed ? found.end() : found.begin(), rows.begin(),
               rows.end());
  return found;
}

}  // namespace

absl::StatusOr<std::vector<Transfer>> StateMoment::ReadTransfers(
    const std::vector<Timestamp>& timestamps) const {
  return ReadRows<Transfer>(
      timestamps, disk_->record().newest_transfer,
      [&](Timestamp t) { return transfers_.Find(t); },
      [&](std::vector<Timestamp> t) {
        return disk_->ReadTransfers(std::move(t));
      });
}

absl::StatusOr<std::vector<Account>> StateMoment::ReadAccounts(
    const std::vector<Timestamp>& timestamps) {
  LEDGERD_ASSIGN_OR_RETURN(auto accounts,
                           ReadRows<Account>(
                               timestamps, disk_->record().newest_account,
                               [&](Timestamp t) { return accounts_.Find(t); },
                               [&](std::vector<Timestamp> t) {
                                 return ReadFromDisk(std::move(t));
                               }));
  for (Account& account : accounts) BringUpToDate(account);
  return accounts;
}

absl::StatusOr<std::vector<Account>> StateMoment::ReadFromDisk(
    std::vector<Timestamp> timestamps) const {
  LEDGERD_ASSIGN_OR_RETURN(const auto times,
                           disk_->ReadAccountTimes(std::move(timestamps)));
  std::vector<AccountId> ids;
  ids.reserve(times.size());
  for (const AccountTime& time : times) ids.push_back(time.id());
  LEDGERD_ASSIGN_OR_RETURN(auto accounts, disk_->ReadAccounts(std::move(ids)));
  if (accounts.size() != times.size()) {
    return disk_->Damaged(AccountTimesKey(times.front().timestamp).slice());
  }
  std::sort(accounts.begin(), accounts.end(),
            [](const Account& a, const Account& b) {
              return a.timestamp < b.timestamp;
            });
  return accounts;
}

void StateMoment::BringUpToDate(Account& account) {
  if (const auto side = events_.Find(account.id)) {
    account.debits_pending = side->debits_pending;
    account.debits_posted = side->debits_posted;
    account.credits_pending = side->credits_pending;
    account.credits_posted = side->credits_posted;
    account.flags = side->flags;
    return;
  }
  if (frozen_ == nullptr) return;
  if (const Account* frozen = frozen_->accounts.Find(account.id)) {
    account = *frozen;
  }
}

absl::StatusOr<std::vector<Account>> StateMoment::ReadAccountsById(
    const std::vector<AccountId>& ids) const {
  std::vector<Account> found;
  std::vector<AccountId> below;
  for (const AccountId id : ids) {
    const Account* row = active_->created_ids.Find(accounts_.active, id);
    // What is frozen does not change any more.
    if (row == nullptr && frozen_ != nullptr) row = frozen_->accounts.Find(id);
    if (row != nullptr) {
      found.push_back(*row);
    } else {
      below.push_back(id);
    }
  }
  if (below.empty()) return found;
  LEDGERD_ASSIGN_OR_RETURN(const auto rows,
                           disk_->ReadAccounts(std::move(below)));
  found.insert(found.end(), rows.begin(), rows.end());
  return found;
}

absl::StatusOr<std::vector<AccountBalances>> StateMoment::ReadBalances(
    AccountId account, const std::vector<Timestamp>& timestamps) const {
  std::vector<AccountBalances> found;
  HistoryReader reader(*disk_, account);
  for (const Timestamp timestamp : timestamps) {
    if (timestamp <= disk_->record().newest_transfer) {
      LEDGERD_ASSIGN_OR_RETURN(const auto balances, reader.Find(timestamp));
      if (balances.has_value()) found.push_back(*balances);
      continue;
    }
    const AccountBalances* balances = active_history_.Find(account, timestamp);
    if (balances == nullptr) {
      balances = frozen_history_.Find(account, timestamp);
    }
    if (balances != nullptr) found.push_back(*balances);
  }
  return found;
}

absl::StatusOr<PendingState> StateMoment::ReadPendingState(
    const Transfer& transfer) {
  if ((transfer.flags & transfer_flags::kPending) == 0) {
    return PendingState::kNone;
  }
  const PendingState changed = pending_.Find(transfer.timestamp);
  if (changed != PendingState::kNone) return changed;
  if (frozen_ != nullptr) {
    const auto frozen = frozen_->pending_states.find(transfer.timestamp);
    if (frozen != frozen_->pending_states.end()) return frozen->second.state;
  }
  if (transfer.timestamp > disk_->record().newest_transfer) {
    return PendingState::kPending;
  }
  LEDGERD_ASSIGN_OR_RETURN(const auto states,
                           disk_->ReadPendingStates({transfer.timestamp}));
  return states.front().second;
}

}  // namespace ledgerd::storage
