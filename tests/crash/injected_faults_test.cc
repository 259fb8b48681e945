// The daemon's durable writes as they are really issued: killed before the
// n-th, or told that the n-th failed, for every n up to LEDGERD_FAULTS (20; in
// tests/long.sh 200). Writes and syncs each by themselves: a thread's n-th
// write comes before its n-th sync. Clients pay all the while; what was
// acknowledged must be there in the end, once.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "storage/journal_record.h"
#include "storage/segment.h"
#include "tests/crash/injection.h"
#include "tests/crash/syscall_trace.h"
#include "tests/integration/history.h"
#include "tests/integration/history_checker.h"
#include "tests/integration/history_summary.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/load.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

using integration::CheckHistory;
using integration::History;
using integration::LiveLedger;
using integration::Load;
using integration::OfflineLedger;

constexpr size_t kViolationsShown = 20;
constexpr int kUsage = 3;
constexpr int kStorageFault = 7;
constexpr uint64_t kBulk = 8'000;
constexpr uint64_t kBulkIds = uint64_t{1} << 50;
// Shorter than space is missing: the second attempt is refused.
constexpr std::chrono::seconds kBulkTimeout(2);

// What the journal and the superblock are written with.
constexpr char kWrites[] = "pwrite64";
// And made durable with; also what RocksDB writes.
constexpr char kSyncs[] = "fdatasync";
// What RocksDB writes with, and gRPC's wake-ups too: never without files.
constexpr char kTableWrites[] = "write";
// How files get their names, and lose them.
constexpr char kNames[] = "fsync,rename,link,unlink,fallocate,ftruncate";
constexpr char kFormatNames[] = "mkdir,fsync,rename,fallocate";

int Faults() {
  const char* faults = std::getenv("LEDGERD_FAULTS");
  return faults == nullptr ? 20 : std::atoi(faults);
}

// A late call takes its time, and so does a disk that others use, too.
std::chrono::seconds FaultLimit() {
  return std::chrono::seconds(60 + 2 * Faults());
}

// Checkpoints and merges all the time, so that they have their share of calls.
std::vector<std::string> TinyLimits(const std::string& retention = "0") {
  return {"--journal-segment-bytes=8MiB",
          "--journal-retention-bytes=" + retention, "--state-delta-bytes=1MiB",
          "--state-replay-events=40"};
}

// The journal's segments. A file has such a name only once it is in use.
std::vector<std::string> Segments(const std::string& data) {
  constexpr uint64_t kSegments = 1'000;
  std::vector<std::string> segments;
  for (uint64_t i = 1; i <= kSegments; ++i) {
    const storage::SegmentNumber number(i);
    segments.push_back(
        absl::StrCat(data, "/journal/", storage::SegmentName(number)));
  }
  return segments;
}

// The tables that a checkpoint and a merge of ids write, before RocksDB has
// them. Their names are numbers, from the start on.
std::vector<std::string> NewTables(const std::string& data) {
  constexpr int kTables = 1'000;
  std::vector<std::string> tables;
  for (int i = 0; i < kTables; ++i) {
    tables.push_back(absl::StrCat(data, "/state/incoming/", i, ".sst"));
  }
  return tables;
}

class InjectedFaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ledger_.Start().ok());
    ASSERT_TRUE(load_.Prepare().ok());
    ASSERT_TRUE(ledger_.daemon().Kill9().ok());
    load_.Start();
  }

  // Runs the daemon until the fault has ended it; its exit code.
  std::optional<int> RunUntilFault(const Injection& injection) {
    ledger_.RunUnder(injection.Command());
    EXPECT_TRUE(ledger_.Launch().ok());
    const auto exit_code = ledger_.daemon().process().WaitFor(FaultLimit());
    if (exit_code.has_value()) {
      injection.WaitUntilWritten();
      NoteHit(injection);
    }
    return exit_code;
  }

  void NoteHit(const Injection& injection) {
    const std::optional<TracedCall> hit = injection.Hit();
    ASSERT_TRUE(hit.has_value()) << "the injection did not fire";
    const bool serving = absl::StrContains(ledger_.daemon().Log(), "serving");
    started_ += serving;
    groups_ += serving && absl::StrContains(hit->file(), "/journal/") &&
               absl::EndsWith(hit->file(), ".segment");
  }

  void ExpectKilledAt(const Injection& injection) {
    EXPECT_EQ(RunUntilFault(injection), integration::kKilled)
        << ledger_.daemon().Log();
    EXPECT_TRUE(injection.killed()) << "the injection did not fire";
  }

  // An error ends the daemon, with its own code.
  void ExpectEndsAfterErrorAt(const Injection& injection) {
    const auto exit_code = RunUntilFault(injection);
    ASSERT_TRUE(exit_code.has_value())
        << "goes on after: " << injection.Injected();
    EXPECT_NE(injection.Injected(), "") << "the injection did not fire";
    EXPECT_EQ(*exit_code, kStorageFault) << injection.Injected() << "\n"
                                         << ledger_.daemon().Log();
  }

  // For each n: the n-th of these calls, of those on `files` if there are any.
  void KillAtEach(const std::string& calls,
                  const std::vector<std::string>& files = {}) {
    for (int n = 1; n <= Faults(); ++n) {
      const Injection injection({.calls = calls,
                                 .what = "signal=SIGKILL",
                                 .when = n,
                                 .files = files});
      SCOPED_TRACE(injection.Text());
      ASSERT_NO_FATAL_FAILURE(ExpectKilledAt(injection));
    }
    ExpectManyWhileServing(started_);
    SettleAndCheck();
  }

  void FailAtEach(const std::string& calls,
                  const std::vector<std::string>& files = {}) {
    for (int n = 1; n <= Faults(); ++n) {
      const Injection injection(
          {.calls = calls, .what = "error=EIO", .when = n, .files = files});
      SCOPED_TRACE(injection.Text());
      ASSERT_NO_FATAL_FAILURE(ExpectEndsAfterErrorAt(injection));
    }
    ExpectManyWhileServing(started_);
    SettleAndCheck();
  }

  // The first of each start come before its log says that it serves.
  static void ExpectManyWhileServing(int hits) {
    constexpr int kLeastShare = 4;
    EXPECT_GE(kLeastShare * hits, Faults())
        << "only " << hits << " hits while serving";
  }

  void SettleAndCheck() {
    ledger_.RunUnder({});
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    ASSERT_TRUE(load_.Settle()) << ledger_.daemon().Log();
    const auto state =
        integration::ReadFinalState(load_.client(), history_.exchanges());
    ASSERT_TRUE(state.ok()) << state.status();
    const auto violations = CheckHistory(history_.exchanges(), *state);
    for (size_t i = 0; i < violations.size() && i < kViolationsShown; ++i) {
      ADD_FAILURE() << violations[i];
    }
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
    auto offline = OfflineLedger::Open(ledger_.data_directory());
    ASSERT_TRUE(offline.ok()) << offline.status();
    const absl::Status verified = (*offline)->VerifyAll();
    EXPECT_TRUE(verified.ok()) << verified;
    std::cout << Faults() << " faults, " << started_ << " while serving, "
              << groups_ << " of them at a segment; "
              << Summarize(history_.exchanges());
  }

  explicit InjectedFaultsTest(std::vector<std::string> flags = TinyLimits())
      : ledger_(std::move(flags)) {}

  const uint64_t seed_ = TestSeed();
  LiveLedger ledger_;
  History history_{ledger_.directory().Path("history.txt")};
  Load load_{{.addresses = {ledger_.address()}, .seed = seed_}, &history_};
  int started_ = 0;
  // Of those: at a call on a segment.
  int groups_ = 0;
};

TEST_F(InjectedFaultsTest, KilledAtTheNthWrite) { KillAtEach(kWrites); }

TEST_F(InjectedFaultsTest, KilledAtTheNthSync) { KillAtEach(kSyncs); }

// What an answer waits for.
TEST_F(InjectedFaultsTest, KilledAtTheNthSyncOfAGroup) {
  KillAtEach(kSyncs, Segments(ledger_.data_directory()));
  ExpectManyWhileServing(groups_);
}

TEST_F(InjectedFaultsTest, KilledAtTheNthChangeOfNames) { KillAtEach(kNames); }

TEST_F(InjectedFaultsTest, KilledAtTheNthWriteOfATable) {
  KillAtEach(kTableWrites, NewTables(ledger_.data_directory()));
}

TEST_F(InjectedFaultsTest, AnErrorOfTheNthWriteEndsIt) { FailAtEach(kWrites); }

TEST_F(InjectedFaultsTest, AnErrorOfTheNthSyncEndsIt) { FailAtEach(kSyncs); }

TEST_F(InjectedFaultsTest, AnErrorOfTheNthSyncOfAGroupEndsIt) {
  FailAtEach(kSyncs, Segments(ledger_.data_directory()));
  ExpectManyWhileServing(groups_);
}

TEST_F(InjectedFaultsTest, AnErrorOfTheNthChangeOfNamesEndsIt) {
  FailAtEach("fsync,rename,link");
}

TEST_F(InjectedFaultsTest, AnErrorOfTheNthWriteOfATableEndsIt) {
  FailAtEach(kTableWrites, NewTables(ledger_.data_directory()));
}

// All segments are kept, so that new ones must be made.
class NoSpaceTest : public InjectedFaultsTest {
 protected:
  NoSpaceTest() : InjectedFaultsTest(TinyLimits("1GiB")) {}
};

// Space runs out where a segment is made, and is there again some tries later.
TEST_F(NoSpaceTest, AtFallocateIsWaitedOut) {
  const Injection injection(
      {.calls = "fallocate", .what = "error=ENOSPC", .when = 1, .last = 50});
  ledger_.RunUnder(injection.Command());
  ASSERT_TRUE(ledger_.Start().ok());
  integration::RawClient raw(ledger_.address());
  integration::Ending ending;
  bool was_full = false;
  // Two segments' worth of payments, so that one must be made.
  for (uint64_t id = 1; id < 20 * kBulk && !HasFailure(); id += kBulk) {
    std::vector<Transfer> bulk;
    for (uint64_t i = 0; i < kBulk; ++i) {
      bulk.push_back({.id = TransferId(kBulkIds + id + i)});
    }
    EXPECT_TRUE(integration::WaitUntil(FaultLimit(), [&] {
      ending = raw.CreateTransfers(bulk, kBulkTimeout);
      was_full |= ending.error == "RESOURCE_EXHAUSTED DISK_FULL";
      return ending.outcome == integration::Outcome::kAnswered;
    })) << ending.error;
  }
  EXPECT_TRUE(was_full);
  EXPECT_TRUE(injection.happened()) << "the injection did not fire";
  EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  SettleAndCheck();
}

// The checkpointer's first writes of tables find no space, then the merger's:
// no other thread writes these files. Both are tried again by the same process,
// with success: a table that is whole gets its name among RocksDB's.
TEST_F(InjectedFaultsTest, NoSpaceForACheckpointAndAMergeIsWaitedOut) {
  const Injection injection({.calls = kTableWrites,
                             .what = "error=ENOSPC",
                             .when = 1,
                             .last = 3,
                             .files = NewTables(ledger_.data_directory()),
                             .also_traced = "link"});
  ledger_.RunUnder(injection.Command());
  ASSERT_TRUE(ledger_.Start().ok());
  std::set<std::string> threads;
  EXPECT_TRUE(integration::WaitUntil(FaultLimit(),
                                     [&] {
                                       threads = injection.InjectedThreads();
                                       return threads.size() == 2;
                                     }))
      << "the injection did not fire in both: " << threads.size();
  const pid_t daemon = ledger_.daemon().process().pid();
  std::set<std::string> names;
  for (const std::string& thread : threads) {
    names.insert(integration::ReadFile(
        absl::StrCat("/proc/", daemon, "/task/", thread, "/comm")));
  }
  // The merger has the name of the process, and is not its first thread.
  EXPECT_EQ(names, (std::set<std::string>{"checkpointer\n", "ledgerd\n"}));
  EXPECT_FALSE(threads.contains(absl::StrCat(daemon)));
  for (const std::string& thread : threads) {
    EXPECT_TRUE(integration::WaitUntil(
        FaultLimit(), [&] { return injection.DoneSince(thread, "link") > 0; }))
        << thread << " has finished nothing";
  }
  EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  SettleAndCheck();
}

// Before anything is opened that needs space, the daemon asks how much is left.
TEST(InjectedStartTest, ADeviceThatDoesNotTellItsSpaceIsRefused) {
  LiveLedger ledger;
  const std::string data = ledger.data_directory();
  const Injection injection(
      {.calls = "statfs", .what = "error=EIO", .files = {data}});
  ledger.RunUnder(injection.Command());
  ASSERT_TRUE(ledger.Launch().ok());
  EXPECT_EQ(ledger.daemon().process().WaitFor(FaultLimit()), kStorageFault);
  injection.WaitUntilWritten();
  EXPECT_TRUE(injection.happened()) << "the injection did not fire";
  const std::string log = ledger.daemon().Log();
  EXPECT_NE(log.find(data + ": the space left on its device cannot be read: "
                            "Input/output error. Check that the directory is "
                            "mounted and readable, then start again"),
            std::string::npos)
      << log;
  ledger.RunUnder({});
  ASSERT_TRUE(ledger.Start().ok());
  EXPECT_EQ(ledger.daemon().Terminate(), 0) << ledger.daemon().Log();
}

// A directory is whole, or not there: killed at each step of making it.
TEST(InjectedFormatTest, KilledAtTheNthStepLeavesNoHalf) {
  int killed = 0;
  int whole = 0;
  for (const char* calls : {kWrites, kSyncs, kFormatNames}) {
    for (int n = 1, exit_code = integration::kKilled;
         exit_code == integration::kKilled; ++n) {
      const integration::TestDirectory directory("format");
      const std::string data = directory.Path("data");
      const Injection injection(
          {.calls = calls, .what = "signal=SIGKILL", .when = n});
      SCOPED_TRACE(injection.Text());
      std::vector<std::string> command = injection.Command();
      command.insert(command.end(),
                     {integration::LedgerdPath(), "format",
                      "--data-dir=" + data, "--journal-segment-bytes=8MiB"});
      exit_code = integration::RunToEnd(command).exit_code;
      killed += exit_code == integration::kKilled;
      LiveLedger live;
      const bool there = std::filesystem::exists(data + "/IDENTITY");
      whole += there;
      if (!std::filesystem::exists(data)) continue;
      EXPECT_EQ(live.StartOn(data).ok(), there) << live.daemon().Log();
      if (there) continue;
      EXPECT_EQ(live.daemon().process().Wait(), kUsage);
    }
  }
  std::cout << killed << " kills, " << whole << " directories were whole\n";
  EXPECT_GE(killed, 15);
  EXPECT_GE(whole, 2);
}

}  // namespace
}  // namespace ledgerd::crash
