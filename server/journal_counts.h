// What a replica counts of its journal's writes, for Prometheus.
//
//   options.on_group = [&counts](const storage::WrittenGroup& group) {
//     counts.Add(group);
//   };
//
// Cost     Four relaxed additions a group; no lock.
// Threads  Any.
#ifndef LEDGERD_SERVER_JOURNAL_COUNTS_H_
#define LEDGERD_SERVER_JOURNAL_COUNTS_H_

#include <cstdint>

#include "server/histogram.h"
#include "storage/segment_journal.h"

namespace ledgerd::server {

class JournalCounts {
 public:
  void Add(const storage::WrittenGroup& group) {
    syncs_.Add(static_cast<uint64_t>(group.took.count()));
    entries_.Add(group.entries);
  }

  // In nanoseconds: a group's write and its sync.
  const Histogram& syncs() const { return syncs_; }

  // In a group.
  const Histogram& entries() const { return entries_; }

 private:
  static constexpr uint64_t kMicro = 1'000;
  static constexpr uint64_t kMilli = 1'000'000;
  static constexpr uint64_t kSyncBounds[] = {
      50 * kMicro,  100 * kMicro,  250 * kMicro,  500 * kMicro,
      1 * kMilli,   2 * kMilli,    5 * kMilli,    10 * kMilli,
      25 * kMilli,  50 * kMilli,   100 * kMilli,  250 * kMilli,
      500 * kMilli, 1000 * kMilli, 2500 * kMilli, 5000 * kMilli};
  static constexpr uint64_t kEntryBounds[] = {
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};

  Histogram syncs_{kSyncBounds};
  Histogram entries_{kEntryBounds};
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_JOURNAL_COUNTS_H_
