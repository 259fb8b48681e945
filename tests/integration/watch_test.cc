// WatchEvents of a real daemon that is killed again and again under load: each
// event is told once, in order, by one watch that outlives all of it, by one
// that begins at the end, and by one that does not read until then.
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/integration/history.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/load.h"
#include "tests/integration/watched_events.h"

namespace ledgerd::integration {
namespace {

using client::LedgerClient;

constexpr std::chrono::seconds kProgressLimit(60);

int Kills() {
  const char* kills = std::getenv("LEDGERD_KILLS");
  return kills == nullptr ? 6 : std::atoi(kills);
}

class WatchTest : public testing::Test {
 protected:
  explicit WatchTest(std::vector<std::string> flags = SmallLimits())
      : ledger_(std::move(flags)) {}

  void SetUp() override {
    ASSERT_TRUE(ledger_.Start().ok());
    ASSERT_TRUE(load_.Prepare().ok());
  }

  void KillUnderLoad() {
    const size_t answers = history_.answers() + 1 + random_() % 300;
    ASSERT_TRUE(history_.WaitForAnswers(answers, kProgressLimit))
        << ledger_.daemon().Log();
    ASSERT_TRUE(ledger_.daemon().Kill9().ok());
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  LiveLedger ledger_;
  History history_{ledger_.directory().Path("history.txt")};
  Load load_{{.addresses = {ledger_.address()}, .seed = seed_}, &history_};
};

TEST_F(WatchTest, EachEventOnceWhateverHappensToTheDaemon) {
  LedgerClient client(
      {.addresses = {ledger_.address()}, .timeout = std::chrono::minutes(1)});
  const auto fast = client.WatchEvents(Sequence(0));
  const auto slow = client.WatchEvents(Sequence(0));
  // It holds a stream, and does not read on.
  ASSERT_TRUE(slow->Next().ok());
  Told told;
  std::thread watcher([&] { told = WatchToTheEnd(*fast); });

  load_.Start();
  for (int kill = 0; kill < Kills() && !HasFatalFailure(); ++kill) {
    KillUnderLoad();
  }
  const bool settled = load_.Settle();
  const absl::Status created = CreateLastAccount(client);
  if (!settled || !created.ok()) fast->Cancel();
  watcher.join();
  ASSERT_TRUE(settled);
  ASSERT_TRUE(created.ok()) << created;

  ASSERT_NO_FATAL_FAILURE(ExpectInOrder(told));
  EXPECT_GT(told.events.size(), 300u);
  ASSERT_NO_FATAL_FAILURE(ExpectThatTheLedgerAgrees(client, told));
  const Told again = WatchToTheEnd(*client.WatchEvents(Sequence(0)));
  ASSERT_NO_FATAL_FAILURE(ExpectSame(told, again));
  // But for the entry that it was told before.
  const Told late = WatchToTheEnd(*slow);
  ASSERT_TRUE(late.status.ok()) << late.status;
  ASSERT_LT(late.events.size(), told.events.size());
  const auto tail = static_cast<ptrdiff_t>(late.events.size());
  ExpectSame({.events = {told.events.end() - tail, told.events.end()}}, late);
  EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
}

}  // namespace
}  // namespace ledgerd::integration
