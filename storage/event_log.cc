#include "storage/event_log.h"

#include "proto/base/check.h"
#include "proto/base/little_endian.h"
#include "storage/event_codec.h"

namespace ledgerd::storage {
namespace {

// What an event's first 8 bytes never are: the next event is in the next chunk.
constexpr uint64_t kChunkEnds = 0;

// Whether there is room for any event, and for kChunkEnds after it.
bool HasRoom(uint64_t offset) {
  return offset + kEventBytesMax + sizeof(kChunkEnds) <= EventLog::kChunkBytes;
}

}  // namespace

const Event* EventLogCursor::Next() {
  if (left_ == 0) return nullptr;
  const size_t offset = position_ % EventLog::kChunkBytes;
  const char* chunk = chunks_[position_ / EventLog::kChunkBytes - first_chunk_];
  if (GetLittle<uint64_t>(chunk + offset) == kChunkEnds) {
    position_ += EventLog::kChunkBytes - offset;
    return Next();
  }
  const char* end =
      DecodeEvent(chunk + offset, chunk + EventLog::kChunkBytes, base_, event_);
  LEDGERD_CHECK(end != nullptr) << "no event at " << position_;
  position_ += static_cast<uint64_t>(end - (chunk + offset));
  --left_;
  return &event_;
}

size_t EventLogView::LowerBound(Sequence sequence) const {
  size_t low = 0;
  size_t high = size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if ((*this)[middle].sequence < sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void EventLog::Append(const Event& event) {
  if (count_ == 0) {
    entry_position_ = position_;
    base_ = event.timestamp;
  }
  char* to = Room();
  position_ += static_cast<uint64_t>(EncodeEvent(event, base_, to) - to);
  ++count_;
}

char* EventLog::Room() {
  const uint64_t offset = position_ % kChunkBytes;
  if (!HasRoom(offset)) {
    PutLittle(chunks_[position_ / kChunkBytes].get() + offset, kChunkEnds);
    position_ += kChunkBytes - offset;
  }
  const uint64_t chunk = position_ / kChunkBytes;
  if (chunk == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
  }
  return chunks_[chunk].get() + position_ % kChunkBytes;
}

void EventLog::FinishEntry(Sequence sequence, Timestamp timestamp) {
  if (count_ == 0) return;
  entries_.Append({.sequence = sequence,
                   .timestamp = timestamp,
                   .base = base_,
                   .position = entry_position_,
                   .count = count_});
  count_ = 0;
}

EventLogView EventLog::ViewFrom(Sequence from) const {
  size_t low = 0;
  size_t high = entries_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (entries_[middle].sequence < from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  EventLogView view;
  view.count_ = entries_.size() - low;
  if (view.count_ == 0) return view;
  constexpr size_t kPerChunk = EventLogView::kEntriesPerChunk;
  view.first_ = low % kPerChunk;
  for (size_t i = low - view.first_; i < entries_.size(); i += kPerChunk) {
    view.entries_.push_back(&entries_[i]);
  }
  view.first_chunk_ = entries_[low].position / kChunkBytes;
  for (size_t i = view.first_chunk_; i < chunks_.size(); ++i) {
    view.chunks_.push_back(chunks_[i].get());
  }
  return view;
}

}  // namespace ledgerd::storage
