// An EventLog keeps the events of the entries that one delta has applied, as
// packed bytes, in memory that never moves.
//
//   log.Append(event);                               // replica thread
//   log.FinishEntry(sequence, timestamp);
//   EventLogView events = log.ViewFrom(sequence);    // replica thread
//   for (size_t i = 0; i < events.size(); ++i) {     // any thread, at any time
//     EventLogCursor cursor = events.Read(i);
//     while (const Event* event = cursor.Next()) ...
//   }
//
// Shape    Chunks of bytes, and beside them one record for each entry that has
//          events. An entry's events never leave a chunk half an event.
// Undo     ReturnTo takes back what the entry that is being applied has
//          appended.
// Threads  The log belongs to the replica thread. A view sees the entries that
//          were finished when it was made; those bytes are never written again,
//          so any thread reads them without a lock while the log grows. The
//          view's owner keeps the log alive.
#ifndef LEDGERD_STORAGE_EVENT_LOG_H_
#define LEDGERD_STORAGE_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proto/types.h"
#include "storage/chunked_vector.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

// An entry that has events.
struct EventEntry {
  Sequence sequence;
  // The entry's own, its last one.
  Timestamp timestamp;
  // The first event's.
  Timestamp base;
  // Where in the log the first event is.
  uint64_t position = 0;
  uint32_t count = 0;
};

// The events of one entry of a log, in order.
class EventLogCursor {
 public:
  // `chunks` begin with number `first_chunk` of the log and outlive this.
  EventLogCursor(const EventEntry& entry, const char* const* chunks,
                 size_t first_chunk)
      : chunks_(chunks),
        first_chunk_(first_chunk),
        base_(entry.base),
        position_(entry.position),
        left_(entry.count) {}

  // The next event, valid until the call after; null after the last one.
  const Event* Next();

  // Of the next event, for EventLogView::ReadEvent.
  uint64_t position() const { return position_; }

 private:
  const char* const* chunks_;
  size_t first_chunk_;
  Timestamp base_;
  uint64_t position_;
  uint32_t left_;
  Event event_;
};

class EventLogView {
 public:
  // The entries that have events, ascending.
  size_t size() const { return count_; }

  const EventEntry& operator[](size_t i) const {
    const size_t at = first_ + i;
    return entries_[at / kEntriesPerChunk][at % kEntriesPerChunk];
  }

  // The first entry at or after `sequence`; size() when there is none.
  size_t LowerBound(Sequence sequence) const;

  EventLogCursor Read(size_t i) const {
    return {(*this)[i], chunks_.data(), first_chunk_};
  }

  // The event at a position of a cursor of entry `i`.
  Event ReadEvent(size_t i, uint64_t position) const {
    EventEntry entry = (*this)[i];
    entry.position = position;
    entry.count = 1;
    return *EventLogCursor(entry, chunks_.data(), first_chunk_).Next();
  }

 private:
  friend class EventLog;
  static constexpr size_t kEntriesPerChunk = ChunkedVector<EventEntry>::kChunk;

  // Of the chunk of entries that the first entry is in.
  size_t first_ = 0;
  size_t count_ = 0;
  std::vector<const EventEntry*> entries_;
  size_t first_chunk_ = 0;
  std::vector<const char*> chunks_;
};

class EventLog {
 public:
  static constexpr size_t kChunkBytes = size_t{256} << 10;

  EventLog() = default;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Requires: its timestamp is above those of all events before it.
  void Append(const Event& event);

  EventMark Mark() const { return {.position = position_, .count = count_}; }

  void ReturnTo(const EventMark& mark) {
    position_ = mark.position;
    count_ = mark.count;
  }

  // Ends an entry, also one without events.
  void FinishEntry(Sequence sequence, Timestamp timestamp);

  // The entries from `from` on that are finished now.
  EventLogView ViewFrom(Sequence from) const;

  // Of memory.
  uint64_t bytes() const {
    return position_ + entries_.size() * sizeof(EventEntry);
  }

 private:
  // Where the next event goes.
  char* Room();

  std::vector<std::unique_ptr<char[]>> chunks_;
  // Counts the bytes of chunks, also those left over at their ends.
  uint64_t position_ = 0;
  ChunkedVector<EventEntry> entries_;
  // ---- of the entry that is being applied
  uint64_t entry_position_ = 0;
  Timestamp base_;
  uint32_t count_ = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_LOG_H_
