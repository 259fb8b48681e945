// A fixture: a group of daemons, clients that pay without pause, and what must
// hold in the end.
//
//   class MyTest : public GroupUnderLoad { ... : GroupUnderLoad(3) };
//   Start();  load_.Start();
//   Progress(200);  ... something happens to a replica ...  Progress(200);
//   SettleAndCheck();  CompareStates(3);
#ifndef LEDGERD_TESTS_INTEGRATION_GROUP_UNDER_LOAD_H_
#define LEDGERD_TESTS_INTEGRATION_GROUP_UNDER_LOAD_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/integration/final_state.h"
#include "tests/integration/history.h"
#include "tests/integration/history_checker.h"
#include "tests/integration/history_summary.h"
#include "tests/integration/live_group.h"
#include "tests/integration/load.h"
#include "tests/integration/offline_ledger.h"

namespace ledgerd::integration {

class GroupUnderLoad : public testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds kProgressLimit{60};
  static constexpr size_t kViolationsShown = 20;
  static constexpr int kClients = 4;

  explicit GroupUnderLoad(size_t replicas, bool last_is_witness = false,
                          std::vector<std::string> more_flags = {})
      : group_(replicas, last_is_witness, std::move(more_flags)) {}

  void Start() {
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
    killed_at_.push_back(Clock::now());
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
  std::vector<Clock::time_point> killed_at_;
  LiveGroup group_;
  History history_{group_.directory().Path("history.txt")};
  Load load_{
      {.addresses = group_.addresses(), .seed = seed_, .clients = kClients},
      &history_};
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_GROUP_UNDER_LOAD_H_
