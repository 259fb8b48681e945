// The events of entries as rows of the state: a row has pieces of one entry or
// more, so that small entries share a row, and a full one takes several.
//
//   EventRowWriter writer(files, kEventRowBytes);
//   LEDGERD_RETURN_IF_ERROR(writer.Add(entry, events.Read(i)));
//   LEDGERD_RETURN_IF_ERROR(writer.Finish());
//
//   EventRowReader reader(sequence, row);
//   while (const EventPiece* piece = reader.NextPiece())
//     while (const Event* event = reader.NextEvent()) ...
//   if (!reader.valid()) return Damaged();
//
// Source  FORMAT.md, "Events".
#ifndef LEDGERD_STORAGE_EVENT_ROWS_H_
#define LEDGERD_STORAGE_EVENT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "rocksdb/slice.h"

#include "proto/types.h"
#include "storage/event_log.h"
#include "storage/ingest_files.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

// Some events of an entry, one after the other.
struct EventPiece {
  Sequence sequence;
  // The entry's own.
  Timestamp timestamp;
  // What the events' timestamps count from.
  Timestamp base;
  // The number of the first one in its entry, from 0.
  uint32_t index = 0;
  uint32_t count = 0;
  // Of the entry in all.
  uint32_t total = 0;
};

class EventRowWriter {
 public:
  // Rows of about `row_bytes`.
  EventRowWriter(IngestFiles& files, size_t row_bytes)
      : files_(files), row_bytes_(row_bytes) {}

  absl::Status Add(const EventEntry& entry, EventLogCursor events);
  absl::Status Finish();

  // Of all rows, keys included.
  uint64_t bytes() const { return bytes_; }

 private:
  void EndPiece();
  absl::Status EndRow();

  IngestFiles& files_;
  const size_t row_bytes_;
  uint64_t bytes_ = 0;
  // The first piece of the row, and the one that grows.
  EventPiece first_;
  EventPiece piece_;
  std::string events_;
  std::string row_;
};

class EventRowReader {
 public:
  // `first` is the sequence in the row's key. The row outlives this.
  EventRowReader(Sequence first, const rocksdb::Slice& row)
      : first_(first), at_(row.data()), limit_(row.data() + row.size()) {}

  // The next piece, after the rest of the one before; null at the end.
  const EventPiece* NextPiece();

  // The next event of the piece; null at its end.
  const Event* NextEvent();

  // Not when the row was malformed; it ends there then.
  bool valid() const { return valid_; }

 private:
  const Sequence first_;
  const char* at_;
  const char* const limit_;
  bool valid_ = true;
  EventPiece piece_;
  // Of the piece's bytes.
  const char* piece_end_ = nullptr;
  uint32_t left_ = 0;
  Event event_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_ROWS_H_
