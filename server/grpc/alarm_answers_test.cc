// Alarms as operators list and clear them, through gRPC and back.
#include "server/grpc/alarm_answers.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "proto/errors.h"
#include "server/damage_alarms.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"

namespace ledgerd::server {
namespace {

class AlarmAnswersTest : public testing::Test {
 protected:
  std::vector<std::string> Names() {
    grpc::ClientContext context;
    admin::v1::ListAlarmsResponse response;
    EXPECT_TRUE(harness_.admin().ListAlarms(&context, {}, &response).ok());
    std::vector<std::string> names;
    for (const auto& alarm : response.alarms()) names.push_back(alarm.name());
    return names;
  }

  absl::Status Clear(const std::string& name, uint64_t replica) {
    grpc::ClientContext context;
    admin::v1::ClearAlarmRequest request;
    request.set_name(name);
    request.set_replica_id(replica);
    admin::v1::ClearAlarmResponse response;
    return FromGrpcStatus(
        harness_.admin().ClearAlarm(&context, request, &response));
  }

  void Damage() {
    harness_.damage().Raise(DamageAlarms::Place::kState,
                            absl::DataLossError("db/7.sst: bad checksum"),
                            Timestamp(5));
  }

  // Until there is space.
  void Fill() {
    replication::ReplicaStatus status = harness_.replica().status();
    status.journal_full = true;
    harness_.replica().SetStatus(status);
  }

  ServicesHarness harness_;
};

using Strings = std::vector<std::string>;

TEST_F(AlarmAnswersTest, AreThoseOfTheStatus) {
  EXPECT_EQ(Names(), Strings());
  Damage();
  Fill();
  EXPECT_EQ(Names(), Strings({"DISK_FULL", "STATE_DAMAGED"}));
}

TEST_F(AlarmAnswersTest, WhatRemembersDamageIsCleared) {
  Damage();
  EXPECT_TRUE(Clear("STATE_DAMAGED", /*replica=*/1).ok());
  EXPECT_EQ(Names(), Strings());
  Damage();
  EXPECT_EQ(Names(), Strings({"STATE_DAMAGED"})) << "met again";
  EXPECT_TRUE(Clear("STATE_DAMAGED", /*replica=*/0).ok()) << "the one asked";
  EXPECT_NE(harness_.log().find("call=ClearAlarm"), std::string::npos);
}

TEST_F(AlarmAnswersTest, WhatStillHoldsIsNotCleared) {
  Fill();
  const absl::Status status = Clear("DISK_FULL", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  EXPECT_EQ(FieldOf(status), "name");
  EXPECT_TRUE(absl::StrContains(status.message(), "free some")) << status;
  EXPECT_EQ(Names(), Strings({"DISK_FULL"}));
}

TEST_F(AlarmAnswersTest, WhatIsNotRaisedHereIsSaid) {
  Damage();
  absl::Status status = Clear("DISK_ERROR", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(FieldOf(status), "name");
  EXPECT_TRUE(absl::StrContains(status.message(), "raised: STATE_DAMAGED"))
      << status;
  status = Clear("STATE_DAMAGED", 2);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(FieldOf(status), "replica_id");
  EXPECT_EQ(Names(), Strings({"STATE_DAMAGED"}));
}

}  // namespace
}  // namespace ledgerd::server
