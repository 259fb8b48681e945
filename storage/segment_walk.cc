#include "storage/segment_walk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

bool AllZero(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == '\0'; });
}

}  // namespace

absl::StatusOr<Entry> EntryOfRecord(const RecordFrame& frame,
                                    absl::string_view record) {
  if (frame.entry_bytes > kEntryBytesMax ||
      RecordBytes(frame.entry_bytes) > record.size()) {
    return absl::DataLossError(
        absl::StrCat("record says ", frame.entry_bytes, " bytes of entry"));
  }
  LEDGERD_ASSIGN_OR_RETURN(
      Entry entry,
      Entry::Parse(std::string(record.substr(kFrameBytes, frame.entry_bytes))));
  if (entry.hash() != frame.hash || entry.sequence() != frame.sequence) {
    return absl::DataLossError("entry is not the one that its frame names");
  }
  return entry;
}

void JournalWalk::AddSegment(const SegmentHeader& header,
                             absl::string_view bytes) {
  BeginSegment(header);
  uint64_t at = kBlockBytes;
  while (at + kFrameBytes <= bytes.size()) {
    if (!MayBeFrame(bytes.data() + at)) {
      at += kRecordAlignment;
      continue;
    }
    const FrameCheck check =
        CheckFrame(bytes.substr(at, kFrameBytes), PlaceAt(at), identity_.salt);
    if (check.verdict == FrameVerdict::kHere) {
      at = VisitFrame(check.frame, bytes);
      continue;
    }
    if (check.verdict == FrameVerdict::kForeign) {
      SetDamaged(at, "a record that belongs elsewhere is here");
    }
    if (check.verdict == FrameVerdict::kNewer) VisitNewer(check.version, at);
    at += kRecordAlignment;
  }
  LookBehindEnd(bytes);
}

void JournalWalk::Finish() {
  if (!bad_.has_value() && garbage_.has_value()) {
    SetTorn(*garbage_, "no record, and not empty");
  }
}

void JournalWalk::BeginSegment(const SegmentHeader& header) {
  // A segment is begun after all before it has been synced.
  if (bad_.has_value()) {
    damaged_ = true;
  } else if (header.base.sequence > last_.sequence) {
    SetDamaged(end_, "missing at the end of its segment");
  } else if (header.base != last_) {
    SetDamaged(end_, "the next segment does not continue the chain");
  }
  if (!bad_.has_value()) {
    synced_through_ = std::max(synced_through_, header.base.sequence);
  }
  header_ = header;
  places_.clear();
  end_ = kBlockBytes;
  frames_end_ = kBlockBytes;
  CheckAgainstCheckpoint(0);
}

uint64_t JournalWalk::VisitFrame(const RecordFrame& frame,
                                 absl::string_view bytes) {
  const uint64_t offset = frame.place.offset;
  if (!bad_.has_value()) {
    if (frame.kind == RecordKind::kFiller) {
      AcceptFiller(frame);
    } else {
      AcceptEntry(frame, bytes);
    }
  }
  if (bad_.has_value() && frame.synced_through >= bad_->sequence) {
    damaged_ = true;
  }
  frames_end_ =
      std::min<uint64_t>(offset + RecordBytes(frame.entry_bytes), bytes.size());
  if (!bad_.has_value()) {
    end_ = frames_end_;
    return end_;
  }
  // What follows a record that is not accepted may begin anywhere.
  return offset + kFrameBytes;
}

void JournalWalk::VisitNewer(uint16_t version, uint64_t offset) {
  const std::string what =
      absl::StrCat("record of version ", version, "; this build knows ",
                   kFrameVersion, ": a newer ledgerd wrote it");
  if (bad_.has_value()) return SetDamaged(offset, what);
  SetNewer(offset, last_.sequence.Next(), what);
}

void JournalWalk::AcceptEntry(const RecordFrame& frame,
                              absl::string_view bytes) {
  const uint64_t offset = frame.place.offset;
  const Sequence expected = last_.sequence.Next();
  if (frame.sequence > expected) {
    return SetTorn(end_, "missing before a later record");
  }
  if (frame.sequence < expected) {
    return SetDamaged(offset, absl::StrCat("entry ", frame.sequence.value(),
                                           " is here a second time"));
  }
  const absl::StatusOr<Entry> entry =
      EntryOfRecord(frame, bytes.substr(offset));
  if (absl::IsFailedPrecondition(entry.status())) {
    return SetNewer(offset, frame.sequence, entry.status().message());
  }
  if (!entry.ok()) {
    return SetTorn(offset, absl::StrCat(entry.status().message()));
  }
  if (entry->previous_hash() != last_.hash || entry->epoch() < last_.epoch) {
    return SetDamaged(offset, "does not continue the hash chain");
  }
  if (Name(entry->kind()) == "unknown") {
    return SetNewer(
        offset, frame.sequence,
        absl::StrCat("entry of kind ", static_cast<int>(entry->kind()),
                     ", which this build does not know: a newer ledgerd wrote "
                     "it"));
  }
  last_ = entry->id();
  outline_.entries.push_back(last_);
  last_timestamp_ = entry->timestamp();
  synced_through_ = std::max(synced_through_, frame.synced_through);
  places_.push_back(static_cast<uint32_t>(offset / kRecordAlignment));
  CheckAgainstCheckpoint(offset);
}

void JournalWalk::AcceptFiller(const RecordFrame& frame) {
  if (frame.sequence > last_.sequence) {
    SetTorn(end_, "missing before a later record");
  } else if (frame.sequence < last_.sequence || frame.hash != last_.hash) {
    SetDamaged(frame.place.offset, "a filler does not follow its entry");
  } else {
    synced_through_ = std::max(synced_through_, frame.synced_through);
  }
}

void JournalWalk::LookBehindEnd(absl::string_view bytes) {
  garbage_.reset();
  const uint64_t group = std::min<uint64_t>(RoundUpToBlock(end_), bytes.size());
  if (!AllZero(bytes.substr(end_, group - end_))) {
    garbage_ = end_;
  } else if (!header_.used_again &&
             !AllZero(bytes.substr(group, kBlockBytes))) {
    // In a file that is used again, this tells nothing.
    garbage_ = group;
  }
}

void JournalWalk::CheckAgainstCheckpoint(uint64_t offset) {
  if (last_.sequence == checkpoint_.sequence && last_ != checkpoint_) {
    SetDamaged(offset, "not the entry that the checkpoint was taken at");
  }
}

void JournalWalk::SetTorn(uint64_t offset, std::string reason) {
  bad_ = BadEntry{.sequence = last_.sequence.Next(),
                  .segment = header_.number,
                  .offset = offset,
                  .reason = std::move(reason)};
}

void JournalWalk::SetDamaged(uint64_t offset, std::string reason) {
  damaged_ = true;
  if (!bad_.has_value()) SetTorn(offset, std::move(reason));
}

void JournalWalk::SetNewer(uint64_t offset, Sequence sequence,
                           absl::string_view what) {
  newer_ = absl::FailedPreconditionError(absl::StrCat(
      "journal entry ", sequence.value(), ", segment ", header_.number.value(),
      ", offset ", offset, ": ", what,
      ". Nothing was changed: start that ledgerd, or a later one"));
  SetDamaged(offset, absl::StrCat(what));
}

RecordPlace JournalWalk::PlaceAt(uint64_t offset) const {
  return {.cluster = identity_.cluster,
          .segment = header_.number,
          .offset = offset};
}

}  // namespace ledgerd::storage
