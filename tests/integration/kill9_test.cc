// The promise of a ledger: what was acknowledged is there, once, whatever
// happens to the process. Clients pay by every way into the daemon while it is
// killed at random moments, also while it starts, and go on with the same ids.
//
// LEDGERD_KILLS sets how often (8 by default for each test; tests/long.sh:
// 250).
#include <filesystem>
#include <iostream>
#include <random>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/integration/history.h"
#include "tests/integration/history_checker.h"
#include "tests/integration/history_summary.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/load.h"

namespace ledgerd::integration {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kProgressLimit(60);
constexpr size_t kViolationsShown = 20;

int Kills() {
  const char* kills = std::getenv("LEDGERD_KILLS");
  return kills == nullptr ? 8 : std::atoi(kills);
}

void ExpectNoViolations(const std::vector<std::string>& violations) {
  for (size_t i = 0; i < violations.size() && i < kViolationsShown; ++i) {
    ADD_FAILURE() << violations[i];
  }
  EXPECT_EQ(violations.size(), 0u);
}

class Kill9Test : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ledger_.Start().ok());
    ASSERT_TRUE(load_.Prepare().ok());
  }

  uint64_t Draw(uint64_t below) { return random_() % below; }

  // Lets the clients get some way, and a random moment further.
  void Progress(size_t answers_max) {
    const size_t answers = history_.answers() + 1 + Draw(answers_max);
    ASSERT_TRUE(history_.WaitForAnswers(answers, kProgressLimit))
        << "the clients make no progress\n"
        << ledger_.daemon().Log();
    ledger_.daemon().process().WaitFor(microseconds(Draw(3'000)));
  }

  void KillUnderLoad() {
    ASSERT_NO_FATAL_FAILURE(Progress(300));
    calls_cut_off_ += history_.waiting();
    const absl::Status killed = ledger_.daemon().Kill9();
    ASSERT_TRUE(killed.ok()) << killed;
  }

  // Starts the daemon and kills it before it is ready, if that can be hit.
  void KillWhileStarting() {
    const absl::Status launched = ledger_.Launch();
    ASSERT_TRUE(launched.ok()) << launched;
    const auto moment = static_cast<uint64_t>(start_time_.count());
    ledger_.daemon().process().WaitFor(microseconds(Draw(moment + 1)));
    kills_while_starting_ += !ledger_.daemon().ready();
    const absl::Status killed = ledger_.daemon().Kill9();
    ASSERT_TRUE(killed.ok()) << killed;
  }

  void Restart() {
    const auto begin = steady_clock::now();
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    start_time_ =
        std::chrono::duration_cast<microseconds>(steady_clock::now() - begin);
  }

  FinalState Read() {
    auto state = ReadFinalState(load_.client(), history_.exchanges());
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *std::move(state) : FinalState();
  }

  void SettleAndCheck() {
    ASSERT_TRUE(load_.Settle()) << ledger_.daemon().Log();
    ExpectNoViolations(CheckHistory(history_.exchanges(), Read()));
    if (HasFailure()) KeepEvidence();
  }

  // The history outlives the test's directory, where Bazel collects outputs.
  void KeepEvidence() {
    const char* outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (outputs == nullptr) return;
    std::filesystem::copy(history_.path(),
                          std::string(outputs) + "/history.txt");
  }

  explicit Kill9Test(std::vector<std::string> flags = {})
      : ledger_(std::move(flags)) {}

  void KillAgainAndAgain();

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  LiveLedger ledger_;
  History history_{ledger_.directory().Path("history.txt")};
  Load load_{{.addresses = {ledger_.address()}, .seed = seed_}, &history_};
  size_t calls_cut_off_ = 0;
  int kills_while_starting_ = 0;
  microseconds start_time_{100'000};
};

// That a run has tried what it was meant to try.
void ExpectAllKindsHappened(const HistorySummary& summary) {
  for (const char* status :
       {"created", "exists", "linked_event_failed", "id_already_failed",
        "debit_account_not_found", "exceeds_credits", "code_must_not_be_zero",
        "pending_transfer_not_found", "pending_transfer_already_posted",
        "exists_with_different_timeout"}) {
    EXPECT_GT(summary.Count(status), 0u) << status;
  }
  EXPECT_GT(summary.unknown, 0u);
}

void Kill9Test::KillAgainAndAgain() {
  load_.Start();
  for (int kill = 0; kill < Kills(); ++kill) {
    ASSERT_NO_FATAL_FAILURE(KillUnderLoad());
    while (Draw(2) == 0) ASSERT_NO_FATAL_FAILURE(KillWhileStarting());
    ASSERT_NO_FATAL_FAILURE(Restart());
  }
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());

  const HistorySummary summary = Summarize(history_.exchanges());
  std::cout << Kills() << " kills under load, which cut off " << calls_cut_off_
            << " calls; " << kills_while_starting_ << " while starting, last "
            << start_time_.count() / 1000 << " ms; " << summary;
  EXPECT_GT(calls_cut_off_, 0u);
  if (Kills() >= 8) ExpectAllKindsHappened(summary);

  EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  ASSERT_NO_FATAL_FAILURE(Restart());
  ExpectNoViolations(CheckHistory(history_.exchanges(), Read()));
}

TEST_F(Kill9Test, NothingAcknowledgedIsLostOrDoubled) { KillAgainAndAgain(); }

// The same where checkpoints are made, and segments begun, all the time.
class Kill9SmallLimitsTest : public Kill9Test {
 protected:
  Kill9SmallLimitsTest() : Kill9Test(SmallLimits()) {}
};

TEST_F(Kill9SmallLimitsTest, NothingAcknowledgedIsLostOrDoubled) {
  KillAgainAndAgain();
}

TEST_F(Kill9Test, SigtermUnderLoadStopsCleanly) {
  load_.Start();
  for (int stop = 0; stop < 3; ++stop) {
    ASSERT_NO_FATAL_FAILURE(Progress(500));
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
    ASSERT_NO_FATAL_FAILURE(Restart());
  }
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  const HistorySummary summary = Summarize(history_.exchanges());
  std::cout << summary;
  // DRAINING, OUTCOME_UNKNOWN, or a connection that is gone: never CANCELLED,
  // which is for clients to say.
  for (const auto& [error, count] : summary.errors) {
    EXPECT_TRUE(error.rfind("UNAVAILABLE", 0) == 0 ||
                error.find("OUTCOME_UNKNOWN") != std::string::npos)
        << count << " x " << error;
  }
}

// The check itself, end to end: a disk that goes back in time is noticed.
TEST_F(Kill9Test, ADiskFromThePastIsNoticed) {
  const std::string past = ledger_.directory().Path("past");
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(KillUnderLoad());
  std::filesystem::copy(ledger_.data_directory(), past,
                        std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(Restart());
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  ASSERT_TRUE(load_.Settle());
  ExpectNoViolations(CheckHistory(history_.exchanges(), Read()));

  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(ledger_.StartOn(past).ok());
  EXPECT_NE(CheckHistory(history_.exchanges(), Read()).size(), 0u);
}

TEST_F(Kill9Test, ASecondDaemonOnTheSameDirectoryIsRefused) {
  auto second =
      DaemonProcess::Launch({.data_directory = ledger_.data_directory()});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->process().Wait(), 8);
  EXPECT_NE((*second)->Log().find(ledger_.data_directory()), std::string::npos)
      << (*second)->Log();
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(10));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
}

}  // namespace
}  // namespace ledgerd::integration
