// A library to preload: the system's clock, as C++ reads it, is 110 years
// ahead. Deadlines of calls go by the C library's, which stays as it is.
#include <time.h>

#include <chrono>

namespace std::chrono {
inline namespace _V2 {

system_clock::time_point system_clock::now() noexcept {
  constexpr hours kAhead{110 * 365 * 24};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return time_point(kAhead + seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

}  // namespace _V2
}  // namespace std::chrono
