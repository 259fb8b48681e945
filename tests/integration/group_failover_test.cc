// A group of real daemons on the loopback: whoever is primary ends or falls
// silent under load, another takes over, nothing that was acknowledged is lost
// or done twice, and all come to the same state.
//
// LEDGERD_KILLS sets how often the primary is killed (4 by default).
#include <signal.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "ledger/v1/ledger.grpc.pb.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/live_group.h"
#include "tests/integration/raw_client.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kProgressLimit(60);

constexpr milliseconds kGapHalfWanted(300);
constexpr milliseconds kGapWanted(1'000);

class GroupFailoverTest : public GroupUnderLoad {
 protected:
  GroupFailoverTest() : GroupUnderLoad(3) {}

  void SetUp() override { Start(); }
};

TEST_F(GroupFailoverTest, AKilledPrimaryIsReplacedAndComesBackAsStandby) {
  load_.Start();
  const int kills = NumberFromEnvironment("LEDGERD_KILLS", 4);
  for (int kill = 0; kill < kills; ++kill) {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(300)));
    ASSERT_NO_FATAL_FAILURE(ReplacePrimary());
  }
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  TellFigures({.p50 = kGapHalfWanted, .p99 = kGapWanted});
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

TEST_F(GroupFailoverTest, AStoppedPrimaryIsReplacedAndFollowsWhenItGoesOn) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  NoteFault();
  group_.daemon(*primary).process().Signal(SIGSTOP);
  const auto next = group_.WaitForPrimary({*primary});
  ASSERT_TRUE(next.has_value()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  group_.daemon(*primary).process().Signal(SIGCONT);
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

class WitnessFailoverTest : public GroupUnderLoad {
 protected:
  WitnessFailoverTest() : GroupUnderLoad(3, /*last_is_witness=*/true) {}

  void SetUp() override { Start(); }
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

// ---- what a standby says

::ledger::v1::PrimaryHint HintOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  ::ledger::v1::PrimaryHint hint;
  for (const google::protobuf::Any& any : details.details()) {
    if (any.Is<::ledger::v1::PrimaryHint>()) any.UnpackTo(&hint);
  }
  return hint;
}

class StandbyTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started << group_.Logs();
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    primary_ = *primary;
    standby_ = (primary_ + 1) % group_.size();
  }

  std::shared_ptr<grpc::Channel> Connect(size_t replica) {
    return grpc::CreateChannel(group_.addresses()[replica],
                               grpc::InsecureChannelCredentials());
  }

  bool IsServing(size_t replica, const std::string& name) {
    grpc::health::v1::Health::Stub stub(Connect(replica));
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(stub.Check(&context, request, &response).ok());
    return response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  }

  LiveGroup group_{3};
  size_t primary_ = 0;
  size_t standby_ = 0;
};

TEST_F(StandbyTest, ItRefusesWritesAndNamesThePrimary) {
  ::ledger::v1::LedgerService::Stub stub(Connect(standby_));
  ::ledger::v1::CreateAccountsRequest request;
  request.add_accounts()->mutable_id()->set_low(1);
  ::ledger::v1::CreateAccountsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub.CreateAccounts(&context, request, &response);
  EXPECT_EQ(ReadError(status).reason, "NOT_PRIMARY") << status.error_message();
  const ::ledger::v1::PrimaryHint hint = HintOf(status);
  EXPECT_EQ(hint.address(), group_.addresses()[primary_]);
  EXPECT_NE(hint.admin_address(), "");
}

TEST_F(StandbyTest, HealthSaysWhoServesWhat) {
  EXPECT_TRUE(IsServing(primary_, "ledger.v1.LedgerService"));
  EXPECT_TRUE(IsServing(primary_, "ledger.v1.reads"));
  EXPECT_FALSE(IsServing(standby_, "ledger.v1.LedgerService"));
  EXPECT_TRUE(WaitUntil(kProgressLimit, [this] {
    return IsServing(standby_, "ledger.v1.reads");
  }));
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
