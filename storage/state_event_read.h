// A read of events of the RocksDB state store: begun on the replica thread,
// finished on any other.
//
//   return std::make_unique<StateEventRead>(disk, frozen, active, applied,
//                                           from, limit);
//
// Shape    The runs on the disk, then the logs of the frozen and the active
//          delta as they were when it began; then the transfers and accounts of
//          what was found, for what never changes of them.
// Memory   Keeps the deltas alive, and the disk's files of its state.
// Threads  Made by the replica thread; Finish by any, once.
#ifndef LEDGERD_STORAGE_STATE_EVENT_READ_H_
#define LEDGERD_STORAGE_STATE_EVENT_READ_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/types.h"
#include "storage/disk_state.h"
#include "storage/event_log.h"
#include "storage/event_rows.h"
#include "storage/state_delta.h"
#include "storage/state_event.h"
#include "storage/state_moment.h"
#include "storage/watched_event.h"

namespace ledgerd::storage {

class StateEventRead final : public EventRead {
 public:
  // `frozen` may be null.
  StateEventRead(const std::shared_ptr<const DiskState>& disk,
                 const std::shared_ptr<const StateDelta>& frozen,
                 const std::shared_ptr<const StateDelta>& active,
                 Sequence applied, EventPosition from, size_t limit);

  absl::StatusOr<FoundEvents> Finish() override;

 private:
  // An entry's events, without what never changes.
  struct Bare {
    Sequence sequence;
    std::vector<Event> events;
    bool more = false;
  };

  absl::Status ReadDisk();
  // False when the row is malformed.
  bool ReadRow(EventRowReader& row);
  void ReadLog(const EventLogView& log);
  // Event number `index` of `total`; false when there is no room for it.
  bool Take(EventPosition at, uint32_t total, const Event& event);
  absl::StatusOr<std::vector<EntryEvents>> Complete() const;

  const std::shared_ptr<const DiskState> disk_;
  const StateMoment moment_;
  const EventLogView frozen_;
  const EventLogView active_;
  const Sequence applied_;
  EventPosition from_;
  const size_t limit_;
  std::vector<Bare> found_;
  size_t count_ = 0;
  bool full_ = false;
  EventPosition next_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_EVENT_READ_H_
