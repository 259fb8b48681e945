// A ClockWatch compares this machine's clock with the primary's, by the
// heartbeats that come from there, and says so when they differ.
//
//   ClockWatch watch(logger);
//   watch.Note(primary, heartbeat.wall, clock.WallNow(), clock.SteadyNow());
//
// Shape    A heartbeat may be late, and never early: of kWindow's, the one that
//          differs least counts; none of those before a silence as long. Said
//          again after kSayAgain while it lasts.
// Threads  Safe from any thread.
#ifndef LEDGERD_SERVER_CLOCK_WATCH_H_
#define LEDGERD_SERVER_CLOCK_WATCH_H_

#include <chrono>
#include <optional>

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "server/logging.h"

namespace ledgerd::server {

class ClockWatch {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Clocks that are kept by NTP differ by a tenth of it.
  static constexpr std::chrono::milliseconds kLimit{500};
  static constexpr std::chrono::seconds kWindow{5};
  static constexpr std::chrono::minutes kSayAgain{10};

  explicit ClockWatch(Logger& logger) : logger_(logger) {}

  void Note(ReplicaId primary, Timestamp sent, Timestamp received,
            SteadyTime now) LEDGERD_EXCLUDES(mutex_);

  // How far this clock is ahead of that of `primary`, while that is too far, as
  // measured last; below 0: behind.
  std::optional<std::chrono::milliseconds> Difference(ReplicaId primary) const
      LEDGERD_EXCLUDES(mutex_);

 private:
  void EndWindow(SteadyTime now) LEDGERD_REQUIRES(mutex_);

  Logger& logger_;
  mutable Mutex mutex_;
  ReplicaId primary_ LEDGERD_GUARDED_BY(mutex_);
  SteadyTime begin_ LEDGERD_GUARDED_BY(mutex_);
  SteadyTime noted_ LEDGERD_GUARDED_BY(mutex_);
  // How far this clock is ahead; below 0: behind.
  std::optional<std::chrono::nanoseconds> least_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<std::chrono::milliseconds> differs_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<SteadyTime> said_at_ LEDGERD_GUARDED_BY(mutex_);
};

// At a start: says so when the clock is behind the newest entry's time.
void CompareWithJournal(Timestamp newest, Timestamp now, Logger& logger);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CLOCK_WATCH_H_
