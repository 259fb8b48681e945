// Recovery is counted: each kill -9 of a daemon is one crash replay, for good,
// and a clean stop is none.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "admin/v1/admin.grpc.pb.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::admin::v1;

using std::chrono::milliseconds;

constexpr milliseconds kLimit(60'000);

// Nothing when it does not answer.
std::optional<v1::GetRecoveryCountersResponse> Count(DaemonProcess& daemon) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  v1::AdminService::Stub stub(grpc::CreateCustomChannel(
      daemon.admin_address(), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(5));
  context.set_wait_for_ready(true);
  v1::GetRecoveryCountersRequest request;
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

}  // namespace
}  // namespace ledgerd::integration
