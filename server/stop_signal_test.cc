#include "server/stop_signal.h"

#include <csignal>
#include <thread>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

TEST(StopSignalTest, NamesTheSignal) {
  for (const auto& [signal, name] :
       {std::pair(SIGTERM, "SIGTERM"), std::pair(SIGINT, "SIGINT")}) {
    StopSignal stop;
    ASSERT_EQ(raise(signal), 0);
    EXPECT_EQ(stop.Wait(), name);
  }
}

TEST(StopSignalTest, AThreadOfOurOwnMayWakeIt) {
  StopSignal stop;
  std::thread waker([&stop] { stop.Wake(); });
  EXPECT_EQ(stop.Wait(), "");
  waker.join();
}

}  // namespace
}  // namespace ledgerd::server
