// What WatchEvents tells: events in order, each with all of its transfer and
// its accounts.
//
//   auto read = store.ReadEvents({.sequence = Sequence(7)}, 1000);
//   auto found = read->Finish();  // any thread
//   read = store.ReadEvents(found->next, 1000);  // and so on, without a gap
//
// Source  ledger.proto, WatchEvents.
#ifndef LEDGERD_STORAGE_WATCHED_EVENT_H_
#define LEDGERD_STORAGE_WATCHED_EVENT_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/types.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

// Before event number `index`, from 0, of entry `sequence`.
struct EventPosition {
  Sequence sequence;
  uint32_t index = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a 0 in <=>.
  friend auto operator<=>(const EventPosition&, const EventPosition&) = default;
};

struct WatchedEvent {
  EventType type = EventType::kAccountCreated;
  Timestamp timestamp;
  // Nothing for kAccountCreated; kTwoPhaseExpired: the pending transfer.
  Transfer transfer;
  // As they are after the event. kAccountCreated: `debit` alone.
  Account debit;
  Account credit;

  friend bool operator==(const WatchedEvent&, const WatchedEvent&) = default;
};

// Of one entry, all of its events or some of them.
struct EntryEvents {
  Sequence sequence;
  std::vector<WatchedEvent> events;
  // The entry has more events after these.
  bool more = false;
};

struct FoundEvents {
  // Entries without events are left out.
  std::vector<EntryEvents> entries;
  // Where to go on: all before it are in `entries`, or have been before.
  EventPosition next;
};

// A read of events up to the applied point at which it began.
class EventRead {
 public:
  virtual ~EventRead() = default;
  // Any thread; once. May wait for the disk.
  // Errors: COMPACTED (OUT_OF_RANGE): below the oldest kept.
  virtual absl::StatusOr<FoundEvents> Finish() = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_WATCHED_EVENT_H_
