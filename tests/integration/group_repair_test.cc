// Bits that rot on the disks of a group of real daemons: what one has damaged
// of its journal or its state is found by its scrubber, mended with what
// another has, and counted. An entry that all have damaged ends all of them,
// and each says which it is; of a state that all have damaged each names the
// file.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/crash/flip_targets.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::seconds kLimit{120};
// Three scrubbers read what these write, again and again.
constexpr int kFewClients = 2;
constexpr int kCorruption = 6;
// Of a record (storage/FORMAT.md).
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kSequenceAt = 48;
constexpr size_t kFrameBytes = 128;

// A place in a file.
struct Place {
  std::string path;
  size_t offset = 0;
};

// The first entries are there; a whole segment takes a second to read so.
std::string FirstBytesOf(const std::string& path) {
  std::string bytes(size_t{1} << 20, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

// In the payload of the entry of that sequence, in a journal's first segment;
// nothing when it is not there.
std::optional<Place> PlaceOf(const std::string& data, uint64_t sequence) {
  Place place{.path = data + "/journal/0000000000000001.segment"};
  const std::string bytes = FirstBytesOf(place.path);
  for (size_t at = bytes.find("LDJR", kHeaderBytes);
       at != std::string::npos && at + kFrameBytes <= bytes.size();
       at = bytes.find("LDJR", at + 1)) {
    uint64_t found = 0;
    for (size_t i = 8; i-- > 0;) {
      found = found << 8 | static_cast<uint8_t>(bytes[at + kSequenceAt + i]);
    }
    // Kind 1: an entry.
    if (found != sequence || bytes[at + 10] != 1) continue;
    place.offset = at + kFrameBytes + 50;
    return place;
  }
  return std::nullopt;
}

char ByteAt(const Place& place) {
  std::ifstream file(place.path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(place.offset));
  return static_cast<char>(file.get());
}

// On the disk, under a daemon that has it open.
void Flip(const Place& place) {
  const char flipped = static_cast<char>(ByteAt(place) ^ 8);
  const int file = open(place.path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(file, 0) << place.path;
  EXPECT_EQ(pwrite(file, &flipped, 1, static_cast<off_t>(place.offset)), 1);
  EXPECT_EQ(fsync(file), 0);
  close(file);
}

class GroupRepairTest : public GroupUnderLoad {
 protected:
  GroupRepairTest()
      : GroupUnderLoad(
            3, /*last_is_witness=*/false,
            {"--scrub-interval-seconds=1", "--scrub-bytes-per-second=1GiB",
             "--state-replay-events=100"},
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

  Place PlaceAt(size_t replica) {
    const auto place = PlaceOf(group_.data_directory(replica), kEntry);
    EXPECT_TRUE(place.has_value()) << "no entry " << kEntry;
    return place.value_or(Place());
  }

  // So many corruptions and their repairs, all successful, as a replica tells it.
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
    for (const crash::FlipPlace& place : tables->second) {
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
  const Place place = PlaceAt(standby);
  const char before = ByteAt(place);
  ASSERT_NO_FATAL_FAILURE(Flip(place));
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
  const Place place = PlaceAt(standby);
  const char before = ByteAt(place);
  ASSERT_NO_FATAL_FAILURE(Flip(place));
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

TEST_F(GroupRepairTest, AStateThatAllHaveDamagedIsNamedByAll) {
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
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
    EXPECT_TRUE(WaitUntil(kLimit, [&] {
      return LogSays(i, "the state cannot be mended");
    })) << group_.Logs();
    const std::string status = StatusOf(i);
    EXPECT_TRUE(absl::StrContains(status, "STATE_DAMAGED")) << status;
    EXPECT_TRUE(absl::StrContains(status, ".sst")) << status;
  }
}

TEST_F(GroupRepairTest, WhatAllHaveDamagedEndsAllAndIsNamed) {
  // Nobody is left to answer clients afterwards.
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  std::vector<Place> places;
  for (size_t i = 0; i < group_.size(); ++i) places.push_back(PlaceAt(i));
  // As if at once: who looks meanwhile would mend it with another one's.
  for (size_t i = 0; i < group_.size(); ++i) {
    group_.daemon(i).process().Signal(SIGSTOP);
  }
  for (const Place& place : places) ASSERT_NO_FATAL_FAILURE(Flip(place));
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

}  // namespace
}  // namespace ledgerd::integration
