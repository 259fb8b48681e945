#include "storage/event_rows.h"

#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"
#include "storage/event_codec.h"
#include "storage/packed_numbers.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

// Lengths, seven numbers, and what a NumberWriter may touch.
constexpr size_t kHeadBytesMax = 8 + 7 * 8 + 16;

}  // namespace

absl::Status EventRowWriter::Add(const EventEntry& entry,
                                 EventLogCursor events) {
  piece_ = {.sequence = entry.sequence,
            .timestamp = entry.timestamp,
            .base = entry.base,
            .total = entry.count};
  char bytes[kEventBytesMax];
  while (const Event* event = events.Next()) {
    const char* end = EncodeEvent(*event, piece_.base, bytes);
    events_.append(bytes, static_cast<size_t>(end - bytes));
    ++piece_.count;
    if (row_.size() + events_.size() < row_bytes_) continue;
    EndPiece();
    LEDGERD_RETURN_IF_ERROR(EndRow());
  }
  EndPiece();
  return absl::OkStatus();
}

absl::Status EventRowWriter::Finish() { return EndRow(); }

void EventRowWriter::EndPiece() {
  if (piece_.count == 0) return;
  if (row_.empty()) first_ = piece_;
  char head[kHeadBytesMax];
  NumberWriter writer(head + sizeof(uint64_t));
  writer.Put(piece_.sequence.value() - first_.sequence.value());
  writer.Put(piece_.timestamp.value() - piece_.base.value());
  writer.Put(piece_.base.value());
  writer.Put(uint64_t{piece_.index});
  writer.Put(uint64_t{piece_.count});
  writer.Put(uint64_t{piece_.total});
  writer.Put(uint64_t{events_.size()});
  PutLittle(head, writer.lengths());
  row_.append(head, static_cast<size_t>(writer.at() - head));
  row_.append(events_);
  events_.clear();
  piece_.index += piece_.count;
  piece_.count = 0;
}

absl::Status EventRowWriter::EndRow() {
  if (row_.empty()) return absl::OkStatus();
  const Key key = EventsKey(first_.sequence, first_.index);
  LEDGERD_RETURN_IF_ERROR(files_.Put(key, row_));
  bytes_ += key.slice().size() + row_.size();
  row_.clear();
  return absl::OkStatus();
}

const EventPiece* EventRowReader::NextPiece() {
  if (piece_end_ != nullptr) at_ = piece_end_;
  left_ = 0;
  if (!valid_ || at_ == limit_) return nullptr;
  valid_ = false;
  if (limit_ - at_ < static_cast<ptrdiff_t>(sizeof(uint64_t))) return nullptr;
  NumberReader reader(at_ + sizeof(uint64_t), limit_, GetLittle<uint64_t>(at_));
  piece_.sequence = Sequence(first_.value() + reader.Next<uint64_t>());
  const auto after_base = reader.Next<uint64_t>();
  piece_.base = Timestamp(reader.Next<uint64_t>());
  piece_.timestamp = Timestamp(piece_.base.value() + after_base);
  piece_.index = reader.Next<uint32_t>();
  piece_.count = reader.Next<uint32_t>();
  piece_.total = reader.Next<uint32_t>();
  const auto bytes = reader.Next<uint64_t>();
  const char* begin = reader.end();
  if (begin == nullptr || static_cast<uint64_t>(limit_ - begin) < bytes) {
    return nullptr;
  }
  valid_ = true;
  at_ = begin;
  piece_end_ = begin + bytes;
  left_ = piece_.count;
  return &piece_;
}

const Event* EventRowReader::NextEvent() {
  if (!valid_ || left_ == 0) return nullptr;
  at_ = DecodeEvent(at_, piece_end_, piece_.base, event_);
  valid_ = at_ != nullptr;
  --left_;
  return valid_ ? &event_ : nullptr;
}

}  // namespace ledgerd::storage
