#include "server/log_throttle.h"

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

using std::chrono::seconds;

TEST(LogThrottleTest, TheFirstLinesOfAWindowPassAndTheOthersAreCounted) {
  LogThrottle throttle(2, seconds(10));
  const LogThrottle::Time begin{};
  EXPECT_EQ(throttle.Pass(begin), 1u);
  EXPECT_EQ(throttle.Pass(begin + seconds(1)), 1u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(throttle.Pass(begin + seconds(9)), std::nullopt);
  }
  EXPECT_EQ(throttle.Pass(begin + seconds(10)), 6u) << "itself and five before";
  EXPECT_EQ(throttle.Pass(begin + seconds(10)), 1u);
  EXPECT_EQ(throttle.Pass(begin + seconds(19)), std::nullopt);
}

}  // namespace
}  // namespace ledgerd::server
