// Bits that rot on the disks of a group of real daemons: what one has damaged
// of its journal or its state is found by its scrubber, mended with what
// another has, and counted; so is what a primary meets as it reads its journal
// for another one. An entry that all have damaged ends all of them, and each
// says which it is; of a state that all have damaged each names the file, and
// the sequence that the state is of.
#include <fcntl.h>
#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/crash/flip_targets.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/journal_places.h"
#include "tests/integration/subprocess.h"

#include <sys/stat.h>

namespace ledgerd::integration {
namespace {

constexpr std::chrono::seconds kLimit{120};
// Three scrubbers read what these write, again and again.
constexpr int kFewClients = 2;
constexpr int kCorruption = 6;
// The first entries are there.
constexpr size_t kRead = size_t{1} << 20;
// All that these write.
constexpr size_t kReadAll = size_t{16} << 20;

class GroupRepairTest : public GroupUnderLoad {
 protected:
  explicit GroupRepairTest(int scrub_interval_seconds = 1)
      : GroupUnderLoad(
            3, /*last_is_witness=*/false,
            {absl::StrCat("--scrub-interval-seconds=", scrub_interval_seconds),
             "--scrub-bytes-per-second=1GiB", "--state-replay-events=100"},
            /*network=*/nullptr, kFewClients) {}

  // An early entry that all have, and that is applied everywhere.
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    load_.Start();
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      for (size_t i = 0; i < group_.size(); ++i) {
        const auto status = group_.Status(i);
        if (!status.has_value() || status->applied_sequence() <= kEntry) {
          return false;
        }
      }
      return true;
    })) << group_.Logs();
  }

  JournalPlace PlaceAt(size_t replica) {
    auto places = EntriesIn(group_.data_directory(replica), kRead);
    EXPECT_TRUE(places.contains(kEntry)) << "no entry " << kEntry;
    return places[kEntry];
  }

  // So many corruptions, each repaired, all successful, as a replica tells it.
  bool CountsRepairs(size_t replica, int repairs) {
    counters_ =
        Ledgerctl({"counters", "-o", "json",
                   "--admin-address=" + group_.daemon(replica).admin_address()})
            .output;
    return absl::StrContains(counters_,
                             absl::StrCat(R"("kind":"repair","successful":)",
                                          repairs, R"(,"total":)", repairs)) &&
           absl::StrContains(
               counters_,
               absl::StrCat(
                   R"("rate":"E tolerance","kind":"corruption","successful":)",
                   repairs, ","));
  }

  // In each table of transfers that a replica has on its disk.
  void FlipTransfers(size_t replica) {
    const std::string data = group_.data_directory(replica);
    const crash::FlipTargets targets = crash::FlipTargetsIn(data);
    const auto tables = targets.find("transfers data");
    ASSERT_NE(tables, targets.end()) << "no checkpoint has any transfers";
    // A table has a name in each checkpoint; flipped twice it is whole again.
    std::set<ino_t> flipped;
    for (const crash::FlipPlace& place : tables->second) {
      struct stat file = {};
      ASSERT_EQ(stat((data + "/" + place.file.string()).c_str(), &file), 0);
      if (!flipped.insert(file.st_ino).second) continue;
      crash::FlipBit({.kind = tables->first,
                      .file = place.file,
                      .offset = place.begin + (place.end - place.begin) / 2,
                      .bit = 3},
                     data);
    }
  }

  bool LogSays(size_t replica, const std::string& what) {
    return absl::StrContains(group_.daemon(replica).Log(), what);
  }

  // What stands behind `words` in its log, where it first says them.
  uint64_t NumberAfter(size_t replica, const std::string& words) {
    const std::string log = group_.daemon(replica).Log();
    const size_t at = log.find(words);
    if (at == std::string::npos) return 0;
    return std::strtoull(log.c_str() + at + words.size(), nullptr, 10);
  }

  std::string StatusOf(size_t replica) {
    return Ledgerctl({"status", "--admin-address=" +
                                    group_.daemon(replica).admin_address()})
        .output;
  }

  // ledgerctl verify: the same state at one sequence.
  void ExpectEqualStates() {
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    const Finished verified =
        Ledgerctl({"verify", "--admin-address=" +
                                 group_.daemon(*primary).admin_address()});
    EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
  }

  static constexpr uint64_t kEntry = 3;
  std::string counters_;
};

TEST_F(GroupRepairTest, AStandbysDamagedEntryIsMendedAndCounted) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  const size_t standby = (*primary + 1) % group_.size();
  const JournalPlace place = PlaceAt(standby);
  const char before = ByteAt(place);
  FlipBit(place);
  EXPECT_TRUE(WaitUntil(kLimit, [&] { return ByteAt(place) == before; }))
      << group_.Logs();
  // By all, in the end.
  for (size_t i = 0; i < group_.size(); ++i) {
    EXPECT_TRUE(WaitUntil(kLimit, [&] { return CountsRepairs(i, 1); }))
        << counters_ << group_.Logs();
  }
  EXPECT_TRUE(
      absl::StrContains(group_.daemon(standby).Log(), "damage was mended"));
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

TEST_F(GroupRepairTest, AStandbysJournalAndStateAreMendedAndCounted) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  const size_t standby = (*primary + 1) % group_.size();
  // Tables come and go with checkpoints.
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  const JournalPlace place = PlaceAt(standby);
  const char before = ByteAt(place);
  FlipBit(place);
  ASSERT_NO_FATAL_FAILURE(FlipTransfers(standby));
  EXPECT_TRUE(WaitUntil(kLimit, [&] {
    return ByteAt(place) == before &&
           LogSays(standby, "the state was replaced");
  })) << group_.Logs();
  for (size_t i = 0; i < group_.size(); ++i) {
    EXPECT_TRUE(WaitUntil(kLimit, [&] { return CountsRepairs(i, 2); }))
        << counters_ << group_.Logs();
  }
  EXPECT_FALSE(absl::StrContains(StatusOf(standby), "_DAMAGED"));
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
  // And what is on the disk is what the next start finds.
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

TEST_F(GroupRepairTest, APrimarysStateIsMendedWhenItHasHandedOver) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  // Nobody waits for it; a checkpoint that meets the damage, as clients go on,
  // ends the process.
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(FlipTransfers(*primary));
  EXPECT_TRUE(WaitUntil(kLimit, [&] {
    return LogSays(*primary, "the state was replaced");
  })) << group_.Logs();
  EXPECT_TRUE(LogSays(*primary, "the role is to be handed over"));
  EXPECT_NE(group_.WaitForPrimary(), primary);
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(ExpectEqualStates());
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

// Who meets it again in what has to go on (a compaction, an entry) ends then;
// else it goes on (ARCHITECTURE.md).
TEST_F(GroupRepairTest, AStateThatAllHaveDamagedIsNamedByAll) {
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  std::vector<uint64_t> applied;
  for (size_t i = 0; i < group_.size(); ++i) {
    applied.push_back(group_.WaitForStatus(i).applied_sequence());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    group_.daemon(i).process().Signal(SIGSTOP);
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_NO_FATAL_FAILURE(FlipTransfers(i));
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    group_.daemon(i).process().Signal(SIGCONT);
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    // Of who has halted another one does not know what it has: it may come
    // back.
    EXPECT_TRUE(WaitUntil(kLimit, [&] {
      return LogSays(i, "the state cannot be mended") ||
             LogSays(i, "the state is not mended yet") ||
             LogSays(i, "replica halted");
    })) << group_.Logs();
    EXPECT_TRUE(LogSays(i, ".sst")) << group_.Logs();
    EXPECT_GE(NumberAfter(i, "the state, applied through sequence "),
              applied[i])
        << group_.Logs();
    EXPECT_GT(NumberAfter(i, " and with a checkpoint of "), 0U)
        << group_.Logs();
  }
}

TEST_F(GroupRepairTest, WhatAllHaveDamagedEndsAllAndIsNamed) {
  // Nobody is left to answer clients afterwards.
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  std::vector<JournalPlace> places;
  for (size_t i = 0; i < group_.size(); ++i) places.push_back(PlaceAt(i));
  // As if at once: who looks meanwhile would mend it with another one's.
  for (size_t i = 0; i < group_.size(); ++i) {
    group_.daemon(i).process().Signal(SIGSTOP);
  }
  for (const JournalPlace& place : places) FlipBit(place);
  for (size_t i = 0; i < group_.size(); ++i) {
    group_.daemon(i).process().Signal(SIGCONT);
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    EXPECT_EQ(group_.daemon(i).process().WaitFor(kLimit), kCorruption)
        << group_.Logs();
    EXPECT_TRUE(absl::StrContains(group_.daemon(i).Log(),
                                  absl::StrCat("journal entry ", kEntry, " ")))
        << group_.daemon(i).Log();
  }
}

// Nobody looks, but for what a read has met.
class UnscrubbedGroupTest : public GroupRepairTest {
 protected:
  UnscrubbedGroupTest() : GroupRepairTest(/*scrub_interval_seconds=*/0) {}

  // Ends it, and starts it again: what it has journalled is on its disk alone.
  void Restart(size_t replica) {
    ASSERT_EQ(group_.Terminate(replica), 0);
    ASSERT_TRUE(group_.Launch(replica).ok());
    const absl::Status ready = group_.daemon(replica).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
  }
};

TEST_F(UnscrubbedGroupTest, WhatAPrimaryReadsForAnotherIsMendedAndCounted) {
  const auto first = group_.WaitForPrimary();
  ASSERT_TRUE(first.has_value());
  const size_t behind = (*first + 1) % group_.size();
  const size_t whole = (*first + 2) % group_.size();
  ASSERT_TRUE(group_.Kill(behind).ok());
  const auto had = EntriesIn(group_.data_directory(behind), kReadAll);
  ASSERT_FALSE(had.empty());
  ASSERT_NO_FATAL_FAILURE(Progress(100));
  ASSERT_TRUE(load_.Settle()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Restart(whole));
  ASSERT_NO_FATAL_FAILURE(Restart(*first));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  // What the one that is behind lacks, but for what the primary has written
  // itself, and may remember.
  const auto places = EntriesIn(group_.data_directory(*primary), kReadAll);
  const auto lacked = places.find(had.rbegin()->first + 5);
  ASSERT_NE(lacked, places.end());
  const JournalPlace place = lacked->second;
  const char before = ByteAt(place);
  FlipBit(place);
  ASSERT_TRUE(group_.Launch(behind).ok());
  const absl::Status ready = group_.daemon(behind).WaitUntilReady();
  ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
  EXPECT_TRUE(WaitUntil(kLimit, [&] { return ByteAt(place) == before; }))
      << group_.Logs();
  for (size_t i = 0; i < group_.size(); ++i) {
    EXPECT_TRUE(WaitUntil(kLimit, [&] { return CountsRepairs(i, 1); }))
        << counters_ << group_.Logs();
  }
  EXPECT_TRUE(LogSays(*primary, "cannot be read for another replica"))
      << group_.Logs();
  EXPECT_FALSE(absl::StrContains(StatusOf(*primary), "_DAMAGED"));
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

}  // namespace
}  // namespace ledgerd::integration
