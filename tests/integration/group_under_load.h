// A fixture: a group of daemons, clients that pay without pause, and what must
// hold in the end.
//
//   class MyTest : public GroupUnderLoad { ... : GroupUnderLoad(3) };
//   Start();  load_.Start();
//   Progress(200);  NoteFault();  ... something happens to a replica ...
//   Progress(200);
//   SettleAndCheck();  TellFigures({.longest = 1s});  CompareStates(3);
//
// Figures  How long clients waited, and how often somebody took over, is
//          printed beside what is wanted (figures.h), and not asserted.
#ifndef LEDGERD_TESTS_INTEGRATION_GROUP_UNDER_LOAD_H_
#define LEDGERD_TESTS_INTEGRATION_GROUP_UNDER_LOAD_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/integration/figures.h"
#include "tests/integration/final_state.h"
#include "tests/integration/group_network.h"
#include "tests/integration/history.h"
#include "tests/integration/history_checker.h"
#include "tests/integration/history_summary.h"
#include "tests/integration/live_group.h"
#include "tests/integration/load.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/write_gaps.h"

namespace ledgerd::integration {

// A number of the environment's: LEDGERD_KILLS and the like.
inline int NumberFromEnvironment(const char* name, int otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::atoi(given);
}

// What is wanted of a run; nothing of what is not set.
struct WantedFigures {
  // Of the gaps after the faults.
  std::optional<std::chrono::milliseconds> p50;
  std::optional<std::chrono::milliseconds> p99;
  std::optional<std::chrono::milliseconds> longest;
  // Each fault calls for one promotion at most.
  bool every_fault_promotes = true;
};

class GroupUnderLoad : public testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds kProgressLimit{60};
  static constexpr size_t kViolationsShown = 20;
  static constexpr int kClients = 4;
  static constexpr int kPayers = 2;

  explicit GroupUnderLoad(size_t replicas, bool last_is_witness = false,
                          std::vector<std::string> more_flags = {},
                          std::unique_ptr<GroupNetwork> network = nullptr,
                          int clients = kClients)
      : clients_(clients),
        group_(replicas, last_is_witness, std::move(more_flags),
               std::move(network)) {}

  void Start() {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(Prepare());
  }

  // Accounts and funds. Requires: a primary is there, or will be.
  void Prepare() {
    ASSERT_TRUE(load_.Prepare().ok()) << group_.Logs();
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    first_epoch_ = group_.WaitForStatus(*primary).epoch();
  }

  uint64_t Draw(uint64_t below) { return random_() % below; }

  // Lets the clients get some way.
  void Progress(size_t answers) {
    ASSERT_TRUE(
        history_.WaitForAnswers(history_.answers() + answers, kProgressLimit))
        << "the clients make no progress\n"
        << group_.Logs();
  }

  // Something happens now that clients may notice: TellGaps tells how long.
  void NoteFault() { faults_.push_back(Clock::now()); }

  void KillPrimary(size_t primary) {
    NoteFault();
    ASSERT_TRUE(group_.Kill(primary).ok());
  }

  // The primary is killed, another takes over, and it comes back and follows.
  void ReplacePrimary() {
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    const uint64_t epoch = group_.WaitForStatus(*primary).epoch();
    ASSERT_NO_FATAL_FAILURE(KillPrimary(*primary));
    const auto next = group_.WaitForPrimary({*primary});
    ASSERT_TRUE(next.has_value()) << group_.Logs();
    EXPECT_GT(group_.WaitForStatus(*next).epoch(), epoch);
    ASSERT_TRUE(group_.Launch(*primary).ok());
    const absl::Status ready = group_.daemon(*primary).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(WaitForRole(*primary, admin::v1::ROLE_STANDBY));
  }

  // For how long clients had no answer to any write, after each fault.
  // Requires: they have ended.
  std::vector<std::chrono::milliseconds> Gaps() const {
    return WriteGaps(history_.exchanges(), faults_);
  }

  void TellGaps() const {
    if (faults_.empty()) return;
    std::cout << "ms without a write after each of " << faults_.size()
              << " faults: " << Spread(Gaps()) << "\n";
  }

  // A replica's own word, once it says it.
  void WaitForRole(size_t replica, admin::v1::Role role) {
    ASSERT_TRUE(WaitUntil(kProgressLimit,
                          [&] {
                            const auto status = group_.Status(replica);
                            return status.has_value() && status->role() == role;
                          }))
        << "replica " << replica + 1 << " does not become "
        << admin::v1::Role_Name(role) << "\n"
        << group_.Logs();
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
    promises_ = CountPromises(history_.exchanges(), *state);
    EXPECT_EQ(promises_.lost, 0u);
    EXPECT_EQ(promises_.doubled, 0u);
    ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(CheckPrimaries());
    TellGaps();
    std::cout << Summarize(history_.exchanges());
  }

  // One in each epoch, by the logs; which do tell of the one that there is now.
  void CheckPrimaries() {
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    const auto status = group_.Status(*primary);
    ASSERT_TRUE(status.has_value()) << group_.Logs();
    std::map<uint64_t, std::set<size_t>> by_epoch;
    ASSERT_TRUE(WaitUntil(kProgressLimit,
                          [&] {
                            by_epoch = group_.PrimariesByEpoch();
                            return by_epoch[status->epoch()].contains(*primary);
                          }))
        << "no log says who is primary of epoch " << status->epoch() << "\n"
        << group_.Logs();
    for (const auto& [epoch, primaries] : by_epoch) {
      EXPECT_EQ(primaries.size(), 1u) << "primaries of epoch " << epoch;
      promotions_ += epoch > first_epoch_ ? 1 : 0;
    }
  }

  // After SettleAndCheck.
  void TellFigures(const WantedFigures& wanted) const {
    const auto faults = static_cast<int64_t>(faults_.size());
    figures_.Add("faults", faults);
    if (!faults_.empty()) {
      const std::vector<std::chrono::milliseconds> gaps = Gaps();
      TellTime("ms without a write, p50", Percentile(gaps, 50), wanted.p50);
      TellTime("ms without a write, p99", Percentile(gaps, 99), wanted.p99);
      TellTime("ms without a write, the longest", Percentile(gaps, 100),
               wanted.longest);
    }
    figures_.Add("transfers acknowledged",
                 static_cast<int64_t>(promises_.acknowledged));
    figures_.AddAtMost("of these lost", static_cast<int64_t>(promises_.lost),
                       0);
    figures_.AddAtMost("of these done twice",
                       static_cast<int64_t>(promises_.doubled), 0);
    figures_.Add("promotions", promotions_);
    if (!wanted.every_fault_promotes) return;
    figures_.AddAtMost("promotions that no fault called for",
                       std::max<int64_t>(0, promotions_ - faults), 0);
  }

  void TellTime(const std::string& name, std::chrono::milliseconds time,
                std::optional<std::chrono::milliseconds> wanted) const {
    if (wanted.has_value()) {
      figures_.AddAtMost(name, time.count(), wanted->count());
    } else {
      figures_.Add(name, time.count());
    }
  }

  // Ends all that run, and compares the disks of those among the first
  // `with_state`; `also` looks at each.
  void CompareStates(
      size_t with_state,
      const std::function<void(OfflineLedger&)>& also = nullptr) {
    std::set<size_t> ran;
    for (size_t i = 0; i < group_.size(); ++i) {
      if (group_.runs(i)) ran.insert(i);
    }
    // All at once: one that misses another would write that down.
    for (const size_t i : ran) group_.daemon(i).process().Signal(SIGSTOP);
    for (const size_t i : ran) ASSERT_TRUE(group_.Kill(i).ok());
    std::optional<Uint128> hash;
    std::optional<EntryId> last;
    for (size_t i = 0; i < with_state; ++i) {
      if (!ran.contains(i)) continue;
      const auto ledger = OfflineLedger::Open(group_.data_directory(i));
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      if (!hash.has_value()) {
        hash = (*ledger)->state_hash();
        last = (*ledger)->last();
      }
      EXPECT_EQ((*ledger)->last(), *last) << "replica " << i + 1;
      EXPECT_TRUE((*ledger)->state_hash() == *hash) << "replica " << i + 1;
      if (recomputes_) {
        EXPECT_TRUE((*ledger)->VerifyAll().ok()) << "replica " << i + 1;
      }
      if (also != nullptr) also(**ledger);
    }
  }

  void TearDown() override {
    const char* outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (!HasFailure() || outputs == nullptr) return;
    std::filesystem::copy(history_.path(),
                          std::string(outputs) + "/history.txt");
  }

  const int clients_;
  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  // Whether CompareStates makes the hashes again, of every row on the disks.
  bool recomputes_ = true;
  const Figures figures_{
      testing::UnitTest::GetInstance()->current_test_info()->name()};
  std::vector<Clock::time_point> faults_;
  // When the load begins.
  uint64_t first_epoch_ = 0;
  // Of which the logs tell, since then.
  int64_t promotions_ = 0;
  KeptPromises promises_;
  LiveGroup group_;
  History history_{group_.directory().Path("history.txt")};
  Load load_{{.addresses = group_.addresses(),
              .seed = seed_,
              .clients = clients_,
              .payers = kPayers},
             &history_};
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_GROUP_UNDER_LOAD_H_
