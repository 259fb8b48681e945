// No answer leaves before its entry is on the disk: the order of the real
// daemon's system calls says so, which a kill cannot, since the kernel keeps
// what was written. And a daemon whose fdatasync does nothing is found out,
// over the same file layer: only the C library is another.
#include "tests/crash/sync_order.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

#include "proto/base/little_endian.h"
#include "tests/crash/syscall_trace.h"
#include "tests/integration/http2_frames.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/test_directory.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::crash {
namespace {

using integration::Data;
using integration::Ending;
using integration::LiveLedger;
using integration::Outcome;
using integration::RawClient;

constexpr char kMarker[] = "marker 1";
constexpr char kSegment[] = "/data/journal/0000000000000001.segment";
constexpr char kOtherSegment[] = "/data/journal/0000000000000002.segment";

// As strace -x writes it.
std::string Hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    absl::StrAppend(&text, "\\x",
                    absl::Hex(static_cast<uint8_t>(byte), absl::kZeroPad2));
  }
  return text;
}

std::string Message(const std::string& call, const std::string& bytes) {
  return absl::StrCat(
      "7  ", call, "(9<socket:[12]>, {msg_name=NULL, msg_iov=[{iov_base=\"",
      Hex(bytes), "\", iov_len=8192}], msg_flags=0}, 0) = ", bytes.size(),
      "\n");
}

std::string Request(uint32_t stream, const std::string& message) {
  return Message("recvmsg", Data(stream, message));
}

std::string Answer(uint32_t stream) {
  return Message("sendmsg", Data(stream, "ok"));
}

std::string Write(const std::string& message) {
  return absl::StrCat("8  pwrite64(5<", kSegment, ">, \"", Hex(message),
                      "\", 4096, 8192) = 4096\n");
}

std::string Sync(const std::string& path, const std::string& result) {
  return absl::StrCat("8  fdatasync(5<", path, ">)    = ", result, "\n");
}

std::string SyncBegins() {
  return absl::StrCat("8  fdatasync(5<", kSegment, "> <unfinished ...>\n");
}

std::string SyncEnds() { return "8  <... fdatasync resumed>)  = 0\n"; }

// What is wrong with the answer to the one request with kMarker.
std::string Violations(const std::string& trace) {
  const SyncOrder order = CheckSyncOrder(ReadTrace(trace), {kMarker});
  return absl::StrJoin(order.violations, "\n");
}

bool IsSyncMissing(const std::string& trace) {
  return absl::EndsWith(Violations(trace), "answered before it was synced");
}

TEST(CheckSyncOrderTest, AnAnswerAfterItsSyncIsRight) {
  EXPECT_EQ(Violations(Request(1, kMarker) + Write(kMarker) +
                       Sync(kSegment, "0") + Answer(1)),
            "");
  EXPECT_EQ(Violations(Request(1, kMarker) + Write(kMarker) + SyncBegins() +
                       SyncEnds() + Answer(1)),
            "");
}

TEST(CheckSyncOrderTest, AnAnswerWithoutItsSyncIsFound) {
  const std::string written = Request(1, kMarker) + Write(kMarker);
  const std::string end = Sync(kSegment, "0");
  EXPECT_TRUE(IsSyncMissing(written + Answer(1)));
  EXPECT_TRUE(IsSyncMissing(written + Answer(1) + end));
  EXPECT_TRUE(IsSyncMissing(written + SyncBegins() + Answer(1) + SyncEnds()));
  EXPECT_TRUE(IsSyncMissing(Request(1, kMarker) + end + Write(kMarker) +
                            Answer(1) + end));
  EXPECT_TRUE(
      IsSyncMissing(written + Sync(kOtherSegment, "0") + Answer(1) + end));
  EXPECT_TRUE(IsSyncMissing(
      written + Sync(kSegment, "-1 EIO (Input/output error)") + Answer(1)));
}

TEST(CheckSyncOrderTest, AnAnswerBeforeItsWriteIsFound) {
  const std::string violations = Violations(
      Request(1, kMarker) + Answer(1) + Write(kMarker) + Sync(kSegment, "0"));
  EXPECT_TRUE(absl::EndsWith(violations, "answered before it was written"))
      << violations;
}

TEST(CheckSyncOrderTest, OnlyTheAnswerOfItsStreamCounts) {
  const std::string both = Request(1, "another") + Request(3, kMarker);
  const std::string synced = Write(kMarker) + Sync(kSegment, "0");
  EXPECT_EQ(Violations(both + Answer(1) + synced + Answer(3)), "");
  EXPECT_TRUE(
      IsSyncMissing(both + Write(kMarker) + Answer(3) + synced + Answer(1)));
}

TEST(CheckSyncOrderTest, WhatTheTraceDoesNotHaveIsFound) {
  EXPECT_NE(
      Violations(Request(1, kMarker) + Write(kMarker) + Sync(kSegment, "0")),
      "");
  const std::string cut =
      "7  recvmsg(9<socket:[12]>, {msg_iov=[{iov_base=\"abc\"..., "
      "iov_len=9}]}, 0) = 9\n";
  EXPECT_NE(Violations(cut + Request(1, kMarker) + Write(kMarker) +
                       Sync(kSegment, "0") + Answer(1)),
            "");
}

constexpr std::chrono::minutes kTimeout(1);
constexpr uint64_t kCallers = 4;
constexpr uint64_t kCalls = 25;
// Ids that no other bytes of a trace look like.
constexpr uint64_t kFirstId = 0x5ced'a7a5'19e3'0000;

std::vector<std::string> Markers() {
  std::vector<std::string> markers;
  for (uint64_t i = 0; i < kCallers * kCalls; ++i) {
    std::string marker(sizeof(uint64_t), '\0');
    PutLittle(marker.data(), kFirstId + i);
    markers.push_back(std::move(marker));
  }
  return markers;
}

void PayEach(const std::string& address, uint64_t first_id) {
  RawClient client(address);
  for (uint64_t i = 0; i < kCalls; ++i) {
    const Ending ending =
        client.CreateTransfers({integration::PayOne(first_id + i)}, kTimeout);
    EXPECT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  }
}

// The order of a daemon under strace, which has these arguments, too.
SyncOrder OrderOfDaemon(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"-x", "-s", kSyncOrderBytes});
  const SyscallTrace trace(kSyncOrderCalls, std::move(arguments));
  LiveLedger ledger(integration::SmallLimits());
  ledger.RunUnder(trace.Command());
  RawClient raw(ledger.address());
  StartWithTwoAccounts(ledger, raw);
  if (testing::Test::HasFailure()) return {};
  std::vector<std::thread> callers;
  for (uint64_t i = 0; i < kCallers; ++i) {
    callers.emplace_back(&PayEach, ledger.address(), kFirstId + i * kCalls);
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ledger.daemon().Terminate(), 0) << ledger.daemon().Log();
  trace.WaitUntilWritten();
  return CheckSyncOrder(trace.Calls(), Markers());
}

TEST(SyncOrderTest, NoAnswerLeavesBeforeItsEntryIsOnTheDisk) {
  const SyncOrder order = OrderOfDaemon({});
  EXPECT_EQ(order.answers, kCallers * kCalls);
  EXPECT_EQ(absl::StrJoin(order.violations, "\n"), "");
}

// The proof that the test above can fail.
TEST(SyncOrderTest, ASyncThatIsNoneIsFoundOut) {
  const std::string library = integration::Runfile("tests/crash/libno_sync.so");
  const SyncOrder order = OrderOfDaemon({"-E", "LD_PRELOAD=" + library});
  EXPECT_EQ(order.answers, kCallers * kCalls);
  EXPECT_EQ(order.violations.size(), kCallers * kCalls);
  for (const std::string& violation : order.violations) {
    EXPECT_TRUE(absl::EndsWith(violation, "answered before it was synced"))
        << violation;
  }
}

}  // namespace
}  // namespace ledgerd::crash
