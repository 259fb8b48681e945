#include "storage/state_moment.h"

#include <algorithm>

#include "proto/base/status_macros.h"
#include "storage/disk_cursor.h"

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
      pending_(active_->pending_log.View()) {}

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

absl::StatusOr<std::vector<Transfer>> StateMoment::ReadTransfers(
    const std::vector<Timestamp>& timestamps) const {
  std::vector<Transfer> found;
  std::vector<Timestamp> below;
  for (const Timestamp timestamp : timestamps) {
    if (timestamp <= disk_->record().newest_transfer) {
      below.push_back(timestamp);
    } else {
      found.push_back(*transfers_.Find(timestamp));
    }
  }
  if (below.empty()) return found;
  const bool reversed = timestamps.front() > timestamps.back();
  LEDGERD_ASSIGN_OR_RETURN(auto rows, disk_->ReadTransfers(std::move(below)));
  if (reversed) std::reverse(rows.begin(), rows.end());
  found.insert(reversed ? found.end() : found.begin(), rows.begin(),
               rows.end());
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
