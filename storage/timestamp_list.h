// A TimestampList is the packed row of an index: the ascending timestamps of
// what has one value in one field.
//
//   PackTimestamps(timestamps, 512, [&](Timestamp first, absl::string_view row)
//                  { return files.Put(key(first), row); });
//   std::vector<TimestampRun> runs;
//   if (!UnpackTimestamps(first, row, runs)) return damaged;
//
// Shape   Runs of consecutive numbers, since a batch of one ledger, or of one
//         code, is one. The first timestamp is in the row's key.
// Source  FORMAT.md, "The state": the bytes.
#ifndef LEDGERD_STORAGE_TIMESTAMP_LIST_H_
#define LEDGERD_STORAGE_TIMESTAMP_LIST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/types.h"

namespace ledgerd::storage {

// Both inclusive.
struct TimestampRun {
  Timestamp first;
  Timestamp last;

  friend bool operator==(const TimestampRun&, const TimestampRun&) = default;
};

// Calls `put` for every row: its first timestamp, and its bytes, which are at
// most `row_bytes_max` and those of one run more. Requires: ascending.
absl::Status PackTimestamps(
    absl::Span<const Timestamp> timestamps, size_t row_bytes_max,
    const std::function<absl::Status(Timestamp, absl::string_view)>& put);

// Replaces `runs` by those of a row; false when it is malformed.
bool UnpackTimestamps(Timestamp first, absl::string_view row,
                      std::vector<TimestampRun>& runs);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_TIMESTAMP_LIST_H_
