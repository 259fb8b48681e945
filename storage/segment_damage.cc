#include "storage/segment_damage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "storage/file.h"
#include "storage/segment_walk.h"

namespace ledgerd::storage {
namespace {

absl::Status BeyondRepair(const SegmentHeader& header, uint64_t offset,
                          absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("segment ", header.number.value(), " is damaged at offset ",
                   offset, " in a way that no entry mends: ", what));
}

// The bytes are those that were written, whatever they mean: a newer build's.
bool IsAsNamed(const RecordFrame& frame, absl::string_view bytes) {
  const uint64_t begin = frame.place.offset + kFrameBytes;
  return begin + frame.entry_bytes <= bytes.size() &&
         Sha256(bytes.substr(begin, frame.entry_bytes)) == frame.hash;
}

// Walks on behind what is damaged.
class DamageWalk {
 public:
  DamageWalk(const JournalIdentity& identity, const SegmentHeader& header)
      : identity_(identity),
        header_(header),
        last_{header.base.sequence, header.base.hash},
        proven_(header.base.sequence) {}

  absl::Status Walk(absl::string_view bytes) {
    uint64_t at = kBlockBytes;
    while (at + kFrameBytes <= bytes.size()) {
      if (!MayBeFrame(bytes.data() + at)) {
        at += kRecordAlignment;
        continue;
      }
      const FrameCheck check = CheckFrame(bytes.substr(at, kFrameBytes),
                                          PlaceAt(at), identity_.salt);
      if (check.verdict == FrameVerdict::kForeign) foreign_.push_back(at);
      if (check.verdict != FrameVerdict::kHere) {
        at += kRecordAlignment;
        continue;
      }
      LEDGERD_RETURN_IF_ERROR(Visit(check.frame, bytes));
      at += RecordBytes(check.frame.entry_bytes);
    }
    return absl::OkStatus();
  }

  absl::Status Finish(const std::optional<ChainLink>& end, uint64_t bytes) {
    if (end.has_value()) {
      if (last_.sequence < end->sequence) {
        CloseRun(*end, bytes);
      } else if (last_ != *end) {
        return BeyondRepair(header_, end_, "it ends in another entry");
      }
    } else if (proven_ > last_.sequence) {
      const auto frame = frames_.find(proven_);
      if (frame == frames_.end()) {
        return BeyondRepair(header_, end_, "nothing tells its last entry");
      }
      CloseRun({proven_, frame->second.hash}, bytes);
    }
    for (const uint64_t at : foreign_) {
      if (!IsInRun(at)) {
        return BeyondRepair(header_, at, "a record of another place is there");
      }
    }
    return absl::OkStatus();
  }

  std::vector<DamagedRun> TakeRuns() { return std::move(runs_); }

 private:
  absl::Status Visit(const RecordFrame& frame, absl::string_view bytes) {
    const uint64_t offset = frame.place.offset;
    proven_ = std::max(proven_, frame.synced_through);
    if (frame.kind == RecordKind::kFiller) return VisitFiller(frame);
    if (frame.sequence <= last_.sequence) {
      return BeyondRepair(header_, offset, "an entry is there a second time");
    }
    const absl::StatusOr<Entry> entry =
        EntryOfRecord(frame, bytes.substr(offset));
    if (!entry.ok() && IsAsNamed(frame, bytes)) return entry.status();
    if (!entry.ok()) {
      frames_.emplace(frame.sequence, frame);
      return absl::OkStatus();
    }
    const ChainLink before = {Sequence(frame.sequence.value() - 1),
                              entry->previous_hash()};
    if (before.sequence > last_.sequence) CloseRun(before, offset);
    if (before != last_) {
      return BeyondRepair(header_, offset, "it does not continue the chain");
    }
    last_ = {frame.sequence, frame.hash};
    return Accept(frame);
  }

  absl::Status VisitFiller(const RecordFrame& frame) {
    const ChainLink named = {frame.sequence, frame.hash};
    if (named.sequence > last_.sequence) CloseRun(named, frame.place.offset);
    if (named != last_) {
      return BeyondRepair(header_, frame.place.offset,
                          "a filler does not follow its entry");
    }
    return Accept(frame);
  }

  absl::Status Accept(const RecordFrame& frame) {
    end_ = frame.place.offset + RecordBytes(frame.entry_bytes);
    commit_point_ = std::max(commit_point_, frame.commit_point);
    return absl::OkStatus();
  }

  // All from the last whole entry through `last` is damaged.
  void CloseRun(const ChainLink& last, uint64_t offset) {
    DamagedRun run{.before = last_,
                   .last = last,
                   .begin = end_,
                   .end = offset,
                   .commit_point = commit_point_};
    for (auto& [sequence, frame] : frames_) {
      if (sequence <= last.sequence) run.frames.emplace(sequence, frame);
    }
    frames_.clear();
    runs_.push_back(std::move(run));
    last_ = last;
    end_ = offset;
  }

  bool IsInRun(uint64_t at) const {
    return std::any_of(runs_.begin(), runs_.end(), [at](const DamagedRun& run) {
      return run.begin <= at && at < run.end;
    });
  }

  RecordPlace PlaceAt(uint64_t offset) const {
    return {.cluster = identity_.cluster,
            .segment = header_.number,
            .offset = offset};
  }

  const JournalIdentity& identity_;
  const SegmentHeader& header_;
  // The last entry that is whole, or ends a run, and where its record ends.
  ChainLink last_;
  uint64_t end_ = kBlockBytes;
  Sequence commit_point_;
  // Whole frames since then, of entries that are not.
  std::map<Sequence, RecordFrame> frames_;
  // What the frames say was on the disk.
  Sequence proven_;
  std::vector<uint64_t> foreign_;
  std::vector<DamagedRun> runs_;
};

absl::Status CheckEntries(const DamagedRun& run,
                          absl::Span<const Entry> entries) {
  const auto other = [](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("not the entries that were there: ", what));
  };
  ChainLink at = run.before;
  for (const Entry& entry : entries) {
    if (entry.sequence() != at.sequence.Next()) return other("not dense");
    if (entry.previous_hash() != at.hash) return other("another chain");
    at = {entry.sequence(), entry.hash()};
    const auto frame = run.frames.find(at.sequence);
    if (frame != run.frames.end() &&
        (frame->second.hash != at.hash ||
         frame->second.entry_bytes != entry.bytes().size())) {
      return other("a frame names another one");
    }
  }
  return at == run.last ? absl::OkStatus() : other("it ends elsewhere");
}

// Of a record whose frame is lost. All before it is on the disk, as far as it
// ever was: what else is damaged is damaged, and not torn.
RecordFrame NewFrame(const JournalIdentity& identity,
                     const SegmentHeader& header, const DamagedRun& run,
                     const Entry& entry, uint64_t offset) {
  RecordFrame frame;
  frame.place = {
      .cluster = identity.cluster, .segment = header.number, .offset = offset};
  frame.entry_bytes = static_cast<uint32_t>(entry.bytes().size());
  frame.sequence = entry.sequence();
  frame.hash = entry.hash();
  frame.commit_point = run.commit_point;
  frame.synced_through = Sequence(entry.sequence().value() - 1);
  return frame;
}

// A frame for each entry, in its place.
absl::StatusOr<std::vector<RecordFrame>> PlaceEntries(
    const JournalIdentity& identity, const SegmentHeader& header,
    const DamagedRun& run, absl::Span<const Entry> entries) {
  std::vector<RecordFrame> frames;
  uint64_t next = run.begin;
  for (const Entry& entry : entries) {
    const auto known = run.frames.find(entry.sequence());
    frames.push_back(known != run.frames.end()
                         ? known->second
                         : NewFrame(identity, header, run, entry, next));
    const uint64_t offset = frames.back().place.offset;
    if (offset < next) {
      return absl::InvalidArgumentError("the entries overlap");
    }
    next = offset + RecordBytes(entry.bytes().size());
  }
  if (next > run.end) {
    return absl::InvalidArgumentError("the entries have no room");
  }
  return frames;
}

// Leaves out the blocks at both ends that are on the disk as they should be.
void Trim(absl::string_view blocks, Mend& mend) {
  uint64_t begin = 0;
  uint64_t end = blocks.size();
  const auto same = [&](uint64_t at) {
    return blocks.substr(at, kBlockBytes) ==
           absl::string_view(mend.bytes).substr(at, kBlockBytes);
  };
  while (end > begin && same(end - kBlockBytes)) end -= kBlockBytes;
  while (begin < end && same(begin)) begin += kBlockBytes;
  mend.bytes = mend.bytes.substr(begin, end - begin);
  mend.offset += begin;
}

}  // namespace

absl::StatusOr<std::vector<DamagedRun>> FindDamage(
    const JournalIdentity& identity, const SegmentHeader& header,
    absl::string_view bytes, const std::optional<ChainLink>& end) {
  DamageWalk walk(identity, header);
  LEDGERD_RETURN_IF_ERROR(walk.Walk(bytes));
  LEDGERD_RETURN_IF_ERROR(walk.Finish(end, bytes.size()));
  return walk.TakeRuns();
}

absl::StatusOr<Entry> FindEntry(const JournalIdentity& identity,
                                const SegmentHeader& header,
                                absl::string_view bytes, Sequence sequence) {
  for (uint64_t at = kBlockBytes; at + kFrameBytes <= bytes.size();
       at += kRecordAlignment) {
    if (!MayBeFrame(bytes.data() + at)) continue;
    const FrameCheck check = CheckFrame(
        bytes.substr(at, kFrameBytes),
        {.cluster = identity.cluster, .segment = header.number, .offset = at},
        identity.salt);
    if (check.verdict == FrameVerdict::kHere &&
        check.frame.kind == RecordKind::kEntry &&
        check.frame.sequence == sequence) {
      return EntryOfRecord(check.frame, bytes.substr(at));
    }
  }
  return absl::DataLossError(
      absl::StrCat("the record of entry ", sequence.value(), " is lost"));
}

MendRange RangeOf(const DamagedRun& run) {
  return {.begin = run.begin / kBlockBytes * kBlockBytes,
          .end = RoundUpToBlock(run.end)};
}

absl::StatusOr<Mend> MakeMend(const JournalIdentity& identity,
                              const SegmentHeader& header,
                              const DamagedRun& run,
                              absl::Span<const Entry> entries,
                              absl::string_view blocks) {
  LEDGERD_RETURN_IF_ERROR(CheckEntries(run, entries));
  LEDGERD_ASSIGN_OR_RETURN(const std::vector<RecordFrame> frames,
                           PlaceEntries(identity, header, run, entries));
  const MendRange range = RangeOf(run);
  Mend mend{.offset = range.begin, .bytes = std::string(blocks)};
  std::fill(mend.bytes.begin() + static_cast<int64_t>(run.begin - range.begin),
            mend.bytes.begin() + static_cast<int64_t>(run.end - range.begin),
            '\0');
  for (size_t i = 0; i < entries.size(); ++i) {
    const uint64_t offset = frames[i].place.offset;
    EncodeRecord(frames[i], entries[i].bytes(), identity.salt,
                 absl::MakeSpan(mend.bytes)
                     .subspan(offset - range.begin,
                              RecordBytes(entries[i].bytes().size())));
    mend.places.push_back(offset);
  }
  Trim(blocks, mend);
  return mend;
}

}  // namespace ledgerd::storage
