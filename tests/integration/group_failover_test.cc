// A group of real daemons on the loopback: whoever is primary ends or falls
// silent under load, another takes over, nothing that was acknowledged is lost
// or done twice, and all come to the same state.
//
// LEDGERD_KILLS sets how often the primary is killed (4 by default).
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/integration/history.h"
#include "tests/integration/history_checker.h"
#include "tests/integration/history_summary.h"
#include "tests/integration/live_group.h"
#include "tests/integration/load.h"
#include "tests/integration/offline_ledger.h"

namespace ledgerd::integration {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kProgressLimit(60);
constexpr size_t kViolationsShown = 20;
constexpr int kClients = 4;

int Kills() {
  const char* kills = std::getenv("LEDGERD_KILLS");
  return kills == nullptr ? 4 : std::atoi(kills);
}

class GroupFailoverTest : public testing::Test {
 protected:
  explicit GroupFailoverTest(size_t replicas = 3, bool last_is_witness = false)
      : group_(replicas, last_is_witness) {}

  void SetUp() override {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started << group_.Logs();
    ASSERT_TRUE(load_.Prepare().ok()) << group_.Logs();
  }

  uint64_t Draw(uint64_t below) { return random_() % below; }

  // Lets the clients get some way.
  void Progress(size_t answers) {
    ASSERT_TRUE(
        history_.WaitForAnswers(history_.answers() + answers, kProgressLimit))
        << "the clients make no progress\n"
        << group_.Logs();
  }

  void KillPrimary(size_t primary) {
    ASSERT_TRUE(group_.Kill(primary).ok());
    killed_at_.push_back(steady_clock::now());
  }

  // How long after each kill the first transfer was acknowledged that was asked
  // for after it. Requires: the clients have ended.
  void TellGaps() const {
    if (killed_at_.empty()) return;
    std::cout << "ms from kill -9 to the first acknowledged transfer:";
    for (const auto killed_at : killed_at_) {
      const int64_t since = killed_at.time_since_epoch().count();
      int64_t first = INT64_MAX;
      for (const Exchange& exchange : history_.exchanges()) {
        if (exchange.answered() && !exchange.transfers.empty() &&
            exchange.begin > since) {
          first = std::min(first, exchange.end - since);
        }
      }
      std::cout << " " << first / 1'000'000;
    }
    std::cout << "\n";
  }

  // All have their answers, and the ledger is as they say.
  void SettleAndCheck() {
    ASSERT_TRUE(load_.Settle()) << group_.Logs();
    const auto state = ReadFinalState(load_.client(), history_.exchanges());
    ASSERT_TRUE(state.ok()) << state.status() << group_.Logs();
    const std::vector<std::string> violations =
        CheckHistory(history_.exchanges(), *state);
    for (size_t i = 0; i < violations.size() && i < kViolationsShown; ++i) {
      ADD_FAILURE() << violations[i];
    }
    EXPECT_EQ(violations.size(), 0u);
    ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
    TellGaps();
    std::cout << Summarize(history_.exchanges());
  }

  // Ends all, those that only follow first, and compares their disks.
  void CompareStates(size_t with_state) {
    const auto primary = group_.Primary();
    ASSERT_TRUE(primary.has_value());
    for (size_t i = 0; i < group_.size(); ++i) {
      if (i == *primary) continue;
      ASSERT_TRUE(group_.Kill(i).ok());
    }
    ASSERT_TRUE(group_.Kill(*primary).ok());
    std::optional<Uint128> hash;
    std::optional<EntryId> last;
    for (size_t i = 0; i < with_state; ++i) {
      const auto ledger = OfflineLedger::Open(group_.data_directory(i));
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      if (!hash.has_value()) {
        hash = (*ledger)->state_hash();
        last = (*ledger)->last();
      }
      EXPECT_EQ((*ledger)->last(), *last) << "replica " << i + 1;
      EXPECT_TRUE((*ledger)->state_hash() == *hash) << "replica " << i + 1;
      EXPECT_TRUE((*ledger)->VerifyAll().ok()) << "replica " << i + 1;
    }
  }

  void TearDown() override {
    const char* outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (!HasFailure() || outputs == nullptr) return;
    std::filesystem::copy(history_.path(),
                          std::string(outputs) + "/history.txt");
  }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  std::vector<steady_clock::time_point> killed_at_;
  LiveGroup group_;
  History history_{group_.directory().Path("history.txt")};
  Load load_{
      {.addresses = group_.addresses(), .seed = seed_, .clients = kClients},
      &history_};
};

TEST_F(GroupFailoverTest, AKilledPrimaryIsReplacedAndComesBackAsStandby) {
  load_.Start();
  for (int kill = 0; kill < Kills(); ++kill) {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(300)));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    const auto before = group_.Status(*primary);
    ASSERT_NO_FATAL_FAILURE(KillPrimary(*primary));
    const auto next = group_.WaitForPrimary({*primary});
    ASSERT_TRUE(next.has_value()) << group_.Logs();
    EXPECT_GT(group_.Status(*next)->epoch(), before->epoch());
    ASSERT_TRUE(group_.Launch(*primary).ok());
    const absl::Status ready = group_.daemon(*primary).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
    EXPECT_EQ(group_.Status(*primary)->role(), admin::v1::ROLE_STANDBY);
  }
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

TEST_F(GroupFailoverTest, AStoppedPrimaryIsReplacedAndFollowsWhenItGoesOn) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  group_.daemon(*primary).process().Signal(SIGSTOP);
  const auto since = steady_clock::now();
  const auto next = group_.WaitForPrimary({*primary});
  ASSERT_TRUE(next.has_value()) << group_.Logs();
  std::cout << "ms from SIGSTOP to another primary: "
            << duration_cast<milliseconds>(steady_clock::now() - since).count()
            << "\n";
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  group_.daemon(*primary).process().Signal(SIGCONT);
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

class WitnessFailoverTest : public GroupFailoverTest {
 protected:
  WitnessFailoverTest() : GroupFailoverTest(3, /*last_is_witness=*/true) {}
};

TEST_F(WitnessFailoverTest, AStandbyTakesOverWithTheWitnesssVote) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  ASSERT_LT(*primary, 2u) << "a witness is never primary";
  ASSERT_NO_FATAL_FAILURE(KillPrimary(*primary));
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  EXPECT_EQ(group_.WaitForPrimary({*primary}), 1 - *primary);
  ASSERT_TRUE(group_.Launch(*primary).ok());
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(2));
}

// ---- groups that are not whole

TEST(GroupTest, APairNeverPromotesByItselfAndSaysWhy) {
  LiveGroup group(2);
  ASSERT_TRUE(group.LaunchAll().ok());
  EXPECT_TRUE(WaitUntil(kProgressLimit, [&group] {
    return group.daemon(0).Log().find("a pair never promotes by itself") !=
           std::string::npos;
  })) << group.Logs();
  EXPECT_FALSE(group.Primary().has_value());
}

TEST(GroupTest, AGroupWhoseMembersNobodySaysIsRefused) {
  LiveGroup group(3);
  ASSERT_TRUE(group.Start().ok()) << group.Logs();
  ASSERT_TRUE(group.Kill(0).ok());
  auto alone =
      DaemonProcess::Launch({.data_directory = group.data_directory(0)});
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ((*alone)->process().Wait(), 3) << (*alone)->Log();
  EXPECT_NE((*alone)->Log().find("give --members"), std::string::npos)
      << (*alone)->Log();
}

}  // namespace
}  // namespace ledgerd::integration
