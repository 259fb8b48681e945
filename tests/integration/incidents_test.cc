// Recovery is counted: each kill -9 of a daemon is one crash replay, in the
// journal, on every replica, and for good.
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "admin/v1/admin.grpc.pb.h"
#include "tests/integration/live_group.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::admin::v1;

using std::chrono::milliseconds;

constexpr milliseconds kLimit(60'000);

// Nothing when it does not answer.
std::optional<v1::GetRecoveryCountersResponse> Count(
    DaemonProcess& daemon, v1::Scope scope = v1::SCOPE_GROUP) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  v1::AdminService::Stub stub(grpc::CreateCustomChannel(
      daemon.admin_address(), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(5));
  context.set_wait_for_ready(true);
  v1::GetRecoveryCountersRequest request;
  request.set_scope(scope);
  v1::GetRecoveryCountersResponse response;
  const grpc::Status status =
      stub.GetRecoveryCounters(&context, request, &response);
  if (!status.ok()) return std::nullopt;
  return response;
}

// The successful ones of all, of one kind: "3/4".
std::string OfKind(const v1::Rate& rate, v1::IncidentKind kind) {
  for (const v1::RateByKind& count : rate.by_kind()) {
    if (count.kind() != kind) continue;
    return absl::StrCat(count.successful(), "/", count.total());
  }
  return "0/0";
}

std::string Replays(const v1::GetRecoveryCountersResponse& counted) {
  return OfKind(counted.recovery(), v1::INCIDENT_KIND_CRASH_REPLAY);
}

// Waits until it says so.
testing::AssertionResult HasReplays(DaemonProcess& daemon,
                                    const std::string& expected) {
  std::string last = "no answer";
  const bool said = WaitUntil(kLimit, [&] {
    const auto counted = Count(daemon);
    if (!counted.has_value()) return false;
    last = counted->ShortDebugString();
    return Replays(*counted) == expected &&
           counted->counting().successful() == counted->counting().total() &&
           counted->counting().in_progress() == 0;
  });
  if (said) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "not " << expected << " crash replays: " << last << "\n"
         << daemon.Log();
}

TEST(IncidentsTest, EachKillIsOneCrashReplayAndACleanStopIsNone) {
  LiveLedger ledger;
  ASSERT_TRUE(ledger.Start().ok());
  const auto first = Count(ledger.daemon());
  ASSERT_TRUE(first.has_value()) << ledger.daemon().Log();
  EXPECT_EQ(first->recovery().total(), 0u);
  EXPECT_FALSE(first->recovery().has_ratio());
  for (int kill = 1; kill <= 3; ++kill) {
    ASSERT_TRUE(ledger.daemon().Kill9().ok());
    ASSERT_TRUE(ledger.Start().ok());
    EXPECT_TRUE(HasReplays(ledger.daemon(), absl::StrCat(kill, "/", kill)));
  }
  // What the journal says holds when it is in a checkpoint, too.
  ASSERT_EQ(ledger.daemon().Terminate(), 0) << ledger.daemon().Log();
  ASSERT_TRUE(ledger.Start().ok());
  EXPECT_TRUE(HasReplays(ledger.daemon(), "3/3"));
  const auto counted = Count(ledger.daemon());
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->recovery().total(), 3u);
  EXPECT_EQ(counted->recovery().ratio(), 1.0);
  EXPECT_EQ(counted->tolerance().total(), 0u);
  EXPECT_TRUE(counted->recovery().has_max());

  const Finished shown =
      Ledgerctl({"counters", "-o", "json",
                 "--admin-address=" + ledger.daemon().admin_address()});
  EXPECT_EQ(shown.exit_code, 0) << shown.errors;
  EXPECT_TRUE(absl::StrContains(
      shown.output,
      R"("rate":"R recovery","kind":"crash_replay","successful":3,"total":3)"))
      << shown.output;
  const Finished listed =
      Ledgerctl({"incidents", "-o", "json",
                 "--admin-address=" + ledger.daemon().admin_address()});
  EXPECT_EQ(listed.exit_code, 0) << listed.errors;
  EXPECT_TRUE(absl::StrContains(listed.output, R"("outcome":"success")"))
      << listed.output;
}

class GroupIncidentsTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  void TearDown() override {
    if (HasFailure()) std::cout << group_.Logs();
  }

  void Relaunch(size_t replica) {
    ASSERT_TRUE(group_.Launch(replica).ok());
    const absl::Status ready = group_.daemon(replica).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }

  // On every replica, and the same of everything at the same sequence.
  void ExpectReplaysEverywhere(const std::string& expected) {
    for (size_t i = 0; i < group_.size(); ++i) {
      ASSERT_TRUE(HasReplays(group_.daemon(i), expected)) << "replica " << i;
    }
    ExpectTheSameEverywhere();
  }

  void ExpectTheSameEverywhere() {
    std::vector<v1::GetRecoveryCountersResponse> all;
    ASSERT_TRUE(WaitUntil(kLimit, [&] { return CountAtOneSequence(all); }));
    for (const v1::GetRecoveryCountersResponse& one : all) {
      EXPECT_EQ(one.SerializeAsString(), all[0].SerializeAsString())
          << one.DebugString() << "\nis not\n"
          << all[0].DebugString();
    }
  }

  // False when one had applied more than another meanwhile.
  bool CountAtOneSequence(std::vector<v1::GetRecoveryCountersResponse>& all) {
    all.clear();
    for (size_t i = 0; i < group_.size(); ++i) {
      auto counted = Count(group_.daemon(i));
      if (!counted.has_value()) return false;
      all.push_back(*std::move(counted));
      if (all[i].sequence() != all[0].sequence()) return false;
    }
    return true;
  }

  LiveGroup group_{3};
};

TEST_F(GroupIncidentsTest, EveryReplicaCountsWhatAnyHasLivedThrough) {
  ASSERT_NO_FATAL_FAILURE(ExpectReplaysEverywhere("0/0"));
  // Each in turn: one of them is the primary.
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Kill(i).ok());
    ASSERT_NO_FATAL_FAILURE(Relaunch(i));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectReplaysEverywhere("3/3"));
  for (size_t i = 0; i < group_.size(); ++i) {
    const auto own = Count(group_.daemon(i), v1::SCOPE_REPLICA);
    ASSERT_TRUE(own.has_value());
    EXPECT_EQ(Replays(*own), "1/1") << "replica " << i;
  }
  // All at once.
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Kill(i).ok());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Launch(i).ok());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    const absl::Status ready = group_.daemon(i).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  ASSERT_NO_FATAL_FAILURE(ExpectReplaysEverywhere("6/6"));
}

}  // namespace
}  // namespace ledgerd::integration
