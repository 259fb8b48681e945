// An EventIndex finds the newest event of an account in the event log of one
// delta: the account's balances as of a moment.
//
//   EventIndexView view = index.View(log);                 // replica thread
//   std::optional<EventSide> side = view.Find(account);    // any thread
//
// Shape    As IndexedRows: some thousand events that are finished make a block,
//          whose index the first look-up makes; later events are indexed for
//          one view alone.
// Memory   16 bytes an event, of blocks in which something was looked up.
// Threads  The index belongs to the replica thread; a view, which sees the
//          entries that were finished when it was made, to one thread at a
//          time. Its owner keeps log and index alive.
#ifndef LEDGERD_STORAGE_EVENT_INDEX_H_
#define LEDGERD_STORAGE_EVENT_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "storage/event_log.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

// The accounts in the events of the entries begin .. end - 1 of a log.
class EventBlock {
 public:
  EventBlock(size_t begin, size_t end) : begin_(begin), end_(end) {}

  size_t end() const { return end_; }

  // The account as it was after the newest of these events that changed it.
  std::optional<EventSide> Find(const EventLogView& log, AccountId account);

 private:
  // An event in which an account is that hashes so.
  struct Place {
    uint32_t hash = 0;
    // From the block's first event on, in bytes.
    uint32_t offset = 0;

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a 0 in <=>.
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  const std::vector<Place>& Places(const EventLogView& log);

  const size_t begin_;
  const size_t end_;
  Mutex mutex_;
  // Ascending; made once, then it does not change any more.
  std::vector<Place> places_ LEDGERD_GUARDED_BY(mutex_);
};

class EventIndexView {
 public:
  std::optional<EventSide> Find(AccountId account);

 private:
  friend class EventIndex;

  EventLogView log_;
  std::vector<EventBlock*> blocks_;
  // Of the entries after those of the blocks.
  std::unique_ptr<EventBlock> rest_;
};

class EventIndex {
 public:
  // Always of the same log.
  EventIndexView View(const EventLog& log);

 private:
  std::vector<std::unique_ptr<EventBlock>> blocks_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_INDEX_H_
