// Incidents and counters as operators ask for them, through gRPC and back.
#include "server/grpc/incident_answers.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"

namespace ledgerd::server {
namespace {

using admin::v1::GetRecoveryCountersRequest;
using admin::v1::GetRecoveryCountersResponse;
using admin::v1::ListIncidentsRequest;
using admin::v1::ListIncidentsResponse;

Incident MakeIncident(uint64_t number, IncidentKind kind,
                      IncidentOutcome outcome, uint64_t second) {
  Incident incident;
  incident.id = {ReplicaId(1), Timestamp(7), number};
  incident.kind = kind;
  incident.outcome = outcome;
  incident.started_at = Timestamp(second * kNanosPerSecond);
  if (outcome != IncidentOutcome::kInProgress) {
    incident.ended_at = Timestamp((second + 2) * kNanosPerSecond);
  }
  incident.cause = "cause";
  return incident;
}

class IncidentAnswersTest : public testing::Test {
 protected:
  GetRecoveryCountersResponse Count(const GetRecoveryCountersRequest& request) {
    GetRecoveryCountersResponse response;
    error_ = CountRecoveries(request, records_, kNow, response);
    return response;
  }

  ListIncidentsResponse List(const ListIncidentsRequest& request) {
    ListIncidentsResponse response;
    error_ = ListIncidents(request, records_, response);
    return response;
  }

  void AppendThree() {
    records_ = {MakeIncident(1, IncidentKind::kCrashReplay,
                             IncidentOutcome::kSuccess, 100),
                MakeIncident(2, IncidentKind::kCrashReplay,
                             IncidentOutcome::kFailed, 200),
                MakeIncident(3, IncidentKind::kDiskFull,
                             IncidentOutcome::kInProgress, 300)};
  }

  static constexpr Timestamp kNow{100'000 * kNanosPerSecond};

  std::vector<Incident> records_;
  absl::Status error_;
};

TEST_F(IncidentAnswersTest, NothingHasHappenedYet) {
  const auto counted = Count({});
  ASSERT_TRUE(error_.ok()) << error_;
  EXPECT_EQ(counted.recovery().total(), 0u);
  EXPECT_FALSE(counted.recovery().has_ratio());
  EXPECT_FALSE(counted.counting().has_ratio());
  EXPECT_FALSE(counted.recovery().has_max());
  EXPECT_EQ(List({}).incidents_size(), 0);
}

TEST_F(IncidentAnswersTest, CountsWhatThereIs) {
  AppendThree();
  const auto counted = Count({});
  ASSERT_TRUE(error_.ok()) << error_;
  EXPECT_EQ(counted.recovery().successful(), 1u);
  EXPECT_EQ(counted.recovery().total(), 2u);
  EXPECT_DOUBLE_EQ(counted.recovery().ratio(), 0.5);
  EXPECT_EQ(counted.recovery().max().seconds(), 2);
  ASSERT_EQ(counted.recovery().by_kind_size(), 1);
  EXPECT_EQ(counted.recovery().by_kind(0).kind(),
            admin::v1::INCIDENT_KIND_CRASH_REPLAY);
  EXPECT_EQ(counted.tolerance().in_progress(), 1u);
  EXPECT_EQ(counted.tolerance().total(), 0u);
}

TEST_F(IncidentAnswersTest, AWindowEndsNow) {
  records_ = {MakeIncident(1, IncidentKind::kCrashReplay,
                           IncidentOutcome::kSuccess, 90'000),
              MakeIncident(2, IncidentKind::kCrashReplay,
                           IncidentOutcome::kSuccess, 99'900)};
  GetRecoveryCountersRequest request;
  request.mutable_window()->set_seconds(3'600);
  EXPECT_EQ(Count(request).recovery().total(), 1u);
  request.mutable_window()->set_seconds(10'000);
  EXPECT_EQ(Count(request).recovery().total(), 2u);
  request.mutable_window()->set_seconds(9'999);
  request.mutable_window()->set_nanos(999'999'999);
  EXPECT_EQ(Count(request).recovery().total(), 1u);
  // Longer than there has been time.
  request.mutable_window()->set_seconds(int64_t{1} << 40);
  EXPECT_EQ(Count(request).recovery().total(), 2u);
  request.mutable_window()->set_seconds(0);
  request.mutable_window()->set_nanos(0);
  Count(request);
  EXPECT_EQ(FieldOf(error_), "window");
}

TEST_F(IncidentAnswersTest, ListsTheNewestFirst) {
  AppendThree();
  const auto listed = List({});
  ASSERT_EQ(listed.incidents_size(), 3);
  EXPECT_TRUE(listed.next_page_token().empty());
  EXPECT_EQ(listed.incidents(0).id(), "1-7-3");
  EXPECT_EQ(listed.incidents(0).outcome(),
            admin::v1::INCIDENT_OUTCOME_IN_PROGRESS);
  EXPECT_FALSE(listed.incidents(0).has_ended_at());
  EXPECT_EQ(listed.incidents(1).id(), "1-7-2");
  EXPECT_EQ(listed.incidents(1).outcome(), admin::v1::INCIDENT_OUTCOME_FAILED);
  EXPECT_EQ(listed.incidents(1).replica_id(), 1u);
  EXPECT_EQ(listed.incidents(1).cause(), "cause");
  EXPECT_EQ(listed.incidents(1).ended_at().seconds(), 202);
  EXPECT_EQ(listed.incidents(2).id(), "1-7-1");
}

TEST_F(IncidentAnswersTest, ListsByKindAndTime) {
  AppendThree();
  ListIncidentsRequest request;
  request.add_kinds(admin::v1::INCIDENT_KIND_CRASH_REPLAY);
  EXPECT_EQ(List(request).incidents_size(), 2);
  request.mutable_since()->set_seconds(200);
  ASSERT_EQ(List(request).incidents_size(), 1);
  EXPECT_EQ(List(request).incidents(0).id(), "1-7-2");
}

TEST_F(IncidentAnswersTest, PagesGoOnWhereTheLastOneEnded) {
  AppendThree();
  ListIncidentsRequest request;
  request.set_page_size(2);
  auto page = List(request);
  ASSERT_EQ(page.incidents_size(), 2);
  // What comes up meanwhile moves nothing.
  records_.push_back(MakeIncident(4, IncidentKind::kDiskFull,
                                  IncidentOutcome::kInProgress, 400));
  request.set_page_token(page.next_page_token());
  page = List(request);
  ASSERT_EQ(page.incidents_size(), 1);
  EXPECT_EQ(page.incidents(0).id(), "1-7-1");
  EXPECT_TRUE(page.next_page_token().empty());
  request.set_page_token("nobody");
  List(request);
  EXPECT_EQ(FieldOf(error_), "page_token");
  request.set_page_size(kIncidentPageMax + 1);
  List(request);
  EXPECT_EQ(FieldOf(error_), "page_size");
}

// ---- over the service

const IncidentSeen kFull = {.kind = IncidentKind::kDiskFull, .cause = "full"};

TEST(IncidentServiceTest, CountsThisReplicasUntilItIsOneOfAGroup) {
  ServicesHarness harness;
  harness.incidents().Close(harness.incidents().Raise(kFull), {});
  GetRecoveryCountersRequest request;
  GetRecoveryCountersResponse response;
  const auto ask = [&] {
    grpc::ClientContext context;
    return harness.admin().GetRecoveryCounters(&context, request, &response);
  };
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(response.tolerance().successful(), 1u);
  replication::ReplicaStatus status = harness.replica().status();
  status.peers.resize(2);
  status.applied = Sequence(7);
  harness.replica().SetStatus(status);
  EXPECT_EQ(ask().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  request.set_scope(admin::v1::SCOPE_REPLICA);
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(response.tolerance().successful(), 1u);
  EXPECT_EQ(response.sequence(), 7u);
  grpc::ClientContext context;
  ListIncidentsResponse listed;
  ASSERT_TRUE(harness.admin().ListIncidents(&context, {}, &listed).ok());
  EXPECT_EQ(listed.incidents_size(), 1);
}

TEST(IncidentServiceTest, AWatchSendsWhatComesFromNowOn) {
  ServicesHarness harness;
  harness.incidents().Raise({.kind = IncidentKind::kStall, .cause = "before"});
  grpc::ClientContext context;
  const auto reader = harness.admin().WatchIncidents(&context, {});
  reader->WaitForInitialMetadata();
  const uint64_t number = harness.incidents().Raise(kFull);
  admin::v1::WatchIncidentsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.incident().kind(), admin::v1::INCIDENT_KIND_DISK_FULL);
  EXPECT_EQ(response.incident().outcome(),
            admin::v1::INCIDENT_OUTCOME_IN_PROGRESS);
  harness.incidents().Close(number, {});
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.incident().outcome(), admin::v1::INCIDENT_OUTCOME_SUCCESS);
  harness.admin_service().Drain();
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(reader->Finish())), Reason::kDraining);
}

}  // namespace
}  // namespace ledgerd::server
