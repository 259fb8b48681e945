// A TimestampCursor walks over timestamps in order, and is moved on to where
// the next one that matters can be.
//
//   IntersectionCursor both(std::move(cursors), /*reversed=*/false, is_late);
//   for (Timestamp at = both.Seek(min); at != kNoTimestamp;
//        at = both.Seek(at.Next())) ...
//
// Shape    Ascending, or reversed; all parts of a cursor go the same way.
// Errors   After kNoTimestamp, status() says whether it was the end.
// Threads  Not thread-safe.
#ifndef LEDGERD_STORAGE_TIMESTAMP_CURSOR_H_
#define LEDGERD_STORAGE_TIMESTAMP_CURSOR_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "proto/types.h"
#include "storage/lateness.h"

namespace ledgerd::storage {

inline constexpr Timestamp kNoTimestamp{0};

class TimestampCursor {
 public:
  explicit TimestampCursor(bool reversed) : reversed_(reversed) {}

  virtual ~TimestampCursor() = default;

  TimestampCursor(const TimestampCursor&) = delete;
  TimestampCursor& operator=(const TimestampCursor&) = delete;

  // The first timestamp at or after `from`; reversed: the last one at or before
  // it; kNoTimestamp when there is none. Requires: never goes back.
  Timestamp Seek(Timestamp from) {
    if (!begun_ || (at_ != kNoTimestamp && Before(at_, from))) {
      begun_ = true;
      at_ = Find(from);
    }
    return at_;
  }

  virtual absl::Status status() const { return absl::OkStatus(); }

 protected:
  virtual Timestamp Find(Timestamp from) = 0;

  bool reversed() const { return reversed_; }

  // Whether the cursor comes to `a` before it comes to `b`.
  bool Before(Timestamp a, Timestamp b) const {
    return reversed_ ? b < a : a < b;
  }

 private:
  const bool reversed_;
  bool begun_ = false;
  Timestamp at_;
};

using TimestampCursors = std::vector<std::unique_ptr<TimestampCursor>>;

// One after the other. Requires: in the direction of the cursor all timestamps
// of one come before those of the next.
class SuccessionCursor final : public TimestampCursor {
 public:
  SuccessionCursor(TimestampCursors parts, bool reversed)
      : TimestampCursor(reversed), parts_(std::move(parts)) {}

  absl::Status status() const override {
    return part_ < parts_.size() ? parts_[part_]->status() : absl::OkStatus();
  }

 private:
  Timestamp Find(Timestamp from) override {
    for (; part_ < parts_.size(); ++part_) {
      const Timestamp found = parts_[part_]->Seek(from);
      if (found != kNoTimestamp || !parts_[part_]->status().ok()) return found;
    }
    return kNoTimestamp;
  }

  TimestampCursors parts_;
  size_t part_ = 0;
};

// What is in any of them.
class UnionCursor final : public TimestampCursor {
 public:
  UnionCursor(TimestampCursors parts, bool reversed)
      : TimestampCursor(reversed), parts_(std::move(parts)) {}

  absl::Status status() const override {
    for (const auto& part : parts_) {
      if (absl::Status status = part->status(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  Timestamp Find(Timestamp from) override {
    Timestamp first = kNoTimestamp;
    for (const auto& part : parts_) {
      const Timestamp found = part->Seek(from);
      if (!part->status().ok()) return kNoTimestamp;
      if (found == kNoTimestamp) continue;
      if (first == kNoTimestamp || Before(found, first)) first = found;
    }
    return first;
  }

  TimestampCursors parts_;
};

// What is in all of them: each is moved on to where the furthest one is, until
// they agree, or it is too late for an answer: long lists can have little in
// common. Requires: at least one.
class IntersectionCursor final : public TimestampCursor {
 public:
  IntersectionCursor(TimestampCursors parts, bool reversed, IsLate is_late)
      : TimestampCursor(reversed),
        parts_(std::move(parts)),
        lateness_(std::move(is_late)) {}

  absl::Status status() const override {
    if (absl::Status status = lateness_.status(); !status.ok()) return status;
    for (const auto& part : parts_) {
      if (absl::Status status = part->status(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  Timestamp Find(Timestamp from) override {
    Timestamp at = parts_[0]->Seek(from);
    for (size_t i = 1; i < parts_.size() && at != kNoTimestamp;) {
      if (lateness_.Step()) return kNoTimestamp;
      const Timestamp found = parts_[i]->Seek(at);
      if (found == at) {
        ++i;
      } else {
        at = found == kNoTimestamp ? found : parts_[0]->Seek(found);
        i = 1;
      }
    }
    return at;
  }

  TimestampCursors parts_;
  Lateness lateness_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_TIMESTAMP_CURSOR_H_
