// A LogThrottle lets the first lines of each window pass and counts the others,
// so that whoever can make us write lines cannot fill a disk with them.
//
//   LogThrottle throttle(10, std::chrono::seconds(10));
//   if (const auto times = throttle.Pass(steady_clock::now())) Log(*times);
//
// Threads  One at a time.
#ifndef LEDGERD_SERVER_LOG_THROTTLE_H_
#define LEDGERD_SERVER_LOG_THROTTLE_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace ledgerd::server {

class LogThrottle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LogThrottle(size_t lines, std::chrono::milliseconds window)
      : lines_(lines), window_(window) {}

  // For how many lines this one stands, itself and those held back before it;
  // nothing when it is held back.
  std::optional<size_t> Pass(Time now) {
    if (!begun_ || now - window_begin_ >= window_) {
      begun_ = true;
      window_begin_ = now;
      passed_ = 0;
    }
    ++waiting_;
    if (passed_ == lines_) return std::nullopt;
    ++passed_;
    return std::exchange(waiting_, 0);
  }

 private:
  const size_t lines_;
  const std::chrono::milliseconds window_;
  bool begun_ = false;
  Time window_begin_;
  size_t passed_ = 0;
  size_t waiting_ = 0;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LOG_THROTTLE_H_
