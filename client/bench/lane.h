// A Lane has one request on its way at a time and counts what becomes of it.
// A client with 8 in flight is 8 lanes on one connection.
//
//   Lane lane(run);
//   while (const auto request = lane.Next()) {
//     ...
//     lane.Executed(created);       // or lane.NotExecuted(status)
//   }
//   totals.Add(lane);
#ifndef LEDGERD_CLIENT_BENCH_LANE_H_
#define LEDGERD_CLIENT_BENCH_LANE_H_

#include <atomic>
#include <optional>

#include "absl/status/status.h"

#include "client/bench/histogram.h"
#include "client/bench/requests.h"

namespace ledgerd::bench {

// What all lanes share. `executed` and `refused` count transfers, for whoever
// watches.
struct Run {
  RequestSource& source;
  Outcomes& outcomes;
  std::atomic<uint64_t> executed{0};
  std::atomic<uint64_t> refused{0};
};

struct LaneCounts {
  // In transfers.
  uint64_t executed = 0;
  uint64_t refused = 0;
  uint64_t failed = 0;
  // Executed, but answered with another status than CREATED.
  uint64_t not_created = 0;
  // Of requests.
  Histogram latency;
  Histogram refusal_latency;

  void Add(const LaneCounts& other);
};

class Lane {
 public:
  explicit Lane(Run& run) : run_(run), cursor_(run.source) {}

  // Nothing: this lane is done.
  std::optional<Request> Next();

  // `created` of its transfers were.
  void Executed(uint64_t created);
  void NotExecuted(const absl::Status& status);

  const LaneCounts& counts() const { return counts_; }

 private:
  Run& run_;
  RequestCursor cursor_;
  Request request_;
  LaneCounts counts_;
};

// What an error leaves of a request.
Ending EndingOf(const absl::Status& status);

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_LANE_H_
