// Gathers single transfers and chains of many callers into batches.
//
//   Coalescer coalescer(options, send);   // send: one batch to the server
//   coalescer.Add({transfer}, [](absl::StatusOr<TransferResults> results) {});
//
// Shape    A queue of units. While as many batches as allowed are on their way,
//          what arrives gathers; the next batch takes from the front. A unit is
//          never split, and imported transfers never share a batch with others
//          (the ledger judges a whole batch by its first event).
// Order    First come, first served. With one batch in flight, which is the
//          default, transfers are executed in the order in which Add took them.
// Limits   Beyond queued_max transfers Add answers OVERLOADED: nothing was
//          done. AddWaiting has no such limit: its caller's thread is the
//          limit.
// Deadline Each unit has its own. A batch is sent with that of its oldest unit;
//          when that passes, younger units go into the next batch, with the
//          same ids, so nothing is doubled. A unit whose time is over is
//          answered OUTCOME_UNKNOWN, or OVERLOADED when nothing was done. What
//          one batch may have executed is never told by a later one that
//          nothing was done.
// Threads  Thread-safe. Answers come on the thread that calls the `done` of
//          send, or of Add for what is refused; not under a lock.
#ifndef LEDGERD_CLIENT_COALESCER_H_
#define LEDGERD_CLIENT_COALESCER_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/results.h"
#include "proto/system_limits.h"
#include "proto/types.h"

namespace ledgerd::client {

using TransferResults = std::vector<TransferResult>;

class Coalescer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Answer = std::function<void(absl::StatusOr<TransferResults>)>;
  // Sends one batch and calls `done` once, from any thread, with one result for
  // each transfer, or with the error, no later than soon after `deadline`.
  using Send = std::function<void(std::vector<Transfer> batch, Time deadline,
                                  Answer done)>;

  struct Options {
    size_t batch_max = kMaxBatchSize;
    size_t batches_in_flight_max = 1;
    size_t queued_max = 65'536;
    std::chrono::milliseconds timeout{10'000};
    std::function<Time()> now = std::chrono::steady_clock::now;
  };

  Coalescer(Options options, Send send);
  Coalescer(const Coalescer&) = delete;
  Coalescer& operator=(const Coalescer&) = delete;
  // Requires: closed, and every batch done.
  ~Coalescer();

  // One unit: a single transfer or a whole chain.
  void Add(std::vector<Transfer> unit, Answer answer);
  // The same for a caller that waits for the answer before it adds again.
  void AddWaiting(std::vector<Transfer> unit, Answer answer);

  // Answers what waits with DRAINING, and everything added later.
  void Close();

 private:
  struct Unit {
    std::vector<Transfer> transfers;
    Answer answer;
    Time deadline;
    bool may_have_been_executed = false;
  };

  using Units = std::vector<Unit>;

  void Enqueue(Unit unit, bool bounded);
  // Moves the unit to the queue, unless it is refused.
  absl::Status Take(Unit& unit, bool bounded) LEDGERD_EXCLUDES(mutex_);
  absl::Status Refusal(const Unit& unit, bool bounded) const
      LEDGERD_REQUIRES(mutex_);
  // Sends batches as long as some may be sent.
  void Pump();
  // The next batch; units whose time is over go to `expired`.
  Units TakeBatch(Units* expired) LEDGERD_REQUIRES(mutex_);
  bool Fits(const Units& batch, size_t size, const Unit& unit) const;
  Unit PopFront() LEDGERD_REQUIRES(mutex_);
  void OnDone(Units batch, absl::StatusOr<TransferResults> results);
  // Whether others of `batch` may go on when its oldest unit cannot.
  bool EndedByItsDeadline(const Units& batch, const absl::Status& error) const;
  // Puts the units that still have time back to the front; returns the others.
  Units PutBackYounger(Units batch);
  void SendBatch(Units batch);

  const Options options_;
  const Send send_;
  Mutex mutex_;
  std::deque<Unit> queue_ LEDGERD_GUARDED_BY(mutex_);
  size_t queued_transfers_ LEDGERD_GUARDED_BY(mutex_) = 0;
  size_t in_flight_ LEDGERD_GUARDED_BY(mutex_) = 0;
  bool closed_ LEDGERD_GUARDED_BY(mutex_) = false;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_COALESCER_H_
