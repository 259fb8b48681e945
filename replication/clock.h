// A Clock tells the time to whoever must not ask the system for it.
//
// Units    WallNow is nanoseconds since the Unix epoch, as the system believes
//          it: it may jump. SteadyNow never goes back and says nothing about
//          the date.
// Threads  Safe from any thread.
#ifndef LEDGERD_REPLICATION_CLOCK_H_
#define LEDGERD_REPLICATION_CLOCK_H_

#include <chrono>

#include "proto/types.h"

namespace ledgerd::replication {

class Clock {
 public:
  virtual ~Clock() = default;

  virtual Timestamp WallNow() const = 0;
  virtual std::chrono::steady_clock::time_point SteadyNow() const = 0;
};

// The system's.
class SystemClock final : public Clock {
 public:
  Timestamp WallNow() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Timestamp(static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
  }

  std::chrono::steady_clock::time_point SteadyNow() const override {
    return std::chrono::steady_clock::now();
  }
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CLOCK_H_
