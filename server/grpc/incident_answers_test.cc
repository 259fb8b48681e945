// Incidents and counters as operators ask for them, through gRPC and back.
#include "server/grpc/incident_answers.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"
#include "server/incidents/completion.h"

namespace ledgerd::server {
namespace {

using admin::v1::GetRecoveryCountersRequest;
using admin::v1::GetRecoveryCountersResponse;
using admin::v1::ListIncidentsRequest;
using admin::v1::ListIncidentsResponse;

Incident MakeIncident(uint64_t replica, uint64_t number, IncidentKind kind,
                      IncidentOutcome outcome, uint64_t second) {
  Incident incident;
  incident.id = {ReplicaId(replica), Timestamp(7), number};
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
  // As an entry that is applied.
  void Append(const std::vector<Incident>& incidents) {
    const Sequence sequence(++sequence_);
    harness_.replica().Apply(sequence, [&] {
      harness_.store().view().AppendIncidents(sequence,
                                              EncodeIncidents(incidents));
    });
    replication::ReplicaStatus status = harness_.replica().status();
    status.applied = sequence;
    harness_.replica().SetStatus(status);
  }

  GetRecoveryCountersResponse Count(const GetRecoveryCountersRequest& request) {
    grpc::ClientContext context;
    GetRecoveryCountersResponse response;
    error_ = FromGrpcStatus(
        harness_.admin().GetRecoveryCounters(&context, request, &response));
    return response;
  }

  ListIncidentsResponse List(const ListIncidentsRequest& request) {
    grpc::ClientContext context;
    ListIncidentsResponse response;
    error_ = FromGrpcStatus(
        harness_.admin().ListIncidents(&context, request, &response));
    return response;
  }

  void AppendThree() {
    Append({MakeIncident(1, 1, IncidentKind::kCrashReplay,
                         IncidentOutcome::kSuccess, 100),
            MakeIncident(2, 1, IncidentKind::kCrashReplay,
                         IncidentOutcome::kInProgress, 200)});
    Append({MakeIncident(2, 1, IncidentKind::kCrashReplay,
                         IncidentOutcome::kFailed, 200),
            MakeIncident(2, 2, IncidentKind::kDiskFull,
                         IncidentOutcome::kInProgress, 300)});
  }

  ServicesHarness harness_;
  uint64_t sequence_ = 0;
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

TEST_F(IncidentAnswersTest, CountsOfTheGroupAndOfThisReplica) {
  AppendThree();
  auto counted = Count({});
  ASSERT_TRUE(error_.ok()) << error_;
  EXPECT_EQ(counted.sequence(), 2u);
  EXPECT_EQ(counted.recovery().successful(), 1u);
  EXPECT_EQ(counted.recovery().total(), 2u);
  EXPECT_DOUBLE_EQ(counted.recovery().ratio(), 0.5);
  EXPECT_EQ(counted.recovery().max().seconds(), 2);
  ASSERT_EQ(counted.recovery().by_kind_size(), 1);
  EXPECT_EQ(counted.recovery().by_kind(0).kind(),
            admin::v1::INCIDENT_KIND_CRASH_REPLAY);
  EXPECT_EQ(counted.tolerance().in_progress(), 1u);
  EXPECT_EQ(counted.tolerance().total(), 0u);

  GetRecoveryCountersRequest request;
  request.set_scope(admin::v1::SCOPE_REPLICA);
  counted = Count(request);
  EXPECT_EQ(counted.recovery().total(), 1u);
  EXPECT_EQ(counted.tolerance().in_progress(), 0u);
}

TEST_F(IncidentAnswersTest, AWindowEndsNow) {
  const uint64_t now = harness_.clock().WallNow().value() / kNanosPerSecond;
  Append({MakeIncident(1, 1, IncidentKind::kCrashReplay,
                       IncidentOutcome::kSuccess, now - 10'000),
          MakeIncident(1, 2, IncidentKind::kCrashReplay,
                       IncidentOutcome::kSuccess, now - 100)});
  GetRecoveryCountersRequest request;
  request.mutable_window()->set_seconds(3'600);
  EXPECT_EQ(Count(request).recovery().total(), 1u);
  request.mutable_window()->set_seconds(36'000);
  EXPECT_EQ(Count(request).recovery().total(), 2u);
  // Longer than there has been time.
  request.mutable_window()->set_seconds(int64_t{1} << 40);
  EXPECT_EQ(Count(request).recovery().total(), 2u);
  request.mutable_window()->set_seconds(0);
  Count(request);
  EXPECT_EQ(FieldOf(error_), "window");
}

Incident MakeNote(uint64_t number, IncidentKind kind, uint64_t second) {
  Incident note =
      MakeIncident(1, number, kind, IncidentOutcome::kSuccess, second);
  note.ended_at = note.started_at;
  note.injected = true;
  note.detections = 0;
  return note;
}

TEST_F(IncidentAnswersTest, NotesAreCompanionsAndNoIncidents) {
  EXPECT_FALSE(Count({}).companions().has_last_verified_backup());
  Append({MakeNote(1, IncidentKind::kUnneededPromotion, 100),
          MakeNote(2, IncidentKind::kConsistencyCheck, 200),
          MakeNote(3, IncidentKind::kVerifiedBackup, 300),
          // Of a newer build.
          MakeNote(4, static_cast<IncidentKind>(77), 300)});
  const auto counted = Count({});
  EXPECT_EQ(counted.companions().unneeded_promotions(), 1u);
  EXPECT_EQ(counted.companions().consistency_checks_passed(), 1u);
  EXPECT_EQ(counted.companions().consistency_checks_failed(), 0u);
  EXPECT_EQ(counted.companions().last_verified_backup().seconds(), 300);
  EXPECT_EQ(counted.companions().unsafe_acknowledgements(), 0u);
  EXPECT_FALSE(counted.failover().has_ratio());
  EXPECT_FALSE(counted.counting().has_ratio());
  EXPECT_EQ(List({}).incidents_size(), 0);
}

TEST_F(IncidentAnswersTest, CompletionIsTheSumOfItsNotes) {
  EXPECT_FALSE(Count({}).completion().has_ratio());
  const auto note = [](uint64_t after, uint64_t through, uint64_t answered,
                       uint64_t unanswered, uint64_t second) {
    return ToRecord({.after = Sequence(after),
                     .through = Sequence(through),
                     .answered = answered,
                     .unanswered = unanswered},
                    {ReplicaId(1), Timestamp(7), after + 1}, Epoch(3),
                    Timestamp(second * kNanosPerSecond));
  };
  Append({note(0, 40, 30, 0, 100)});
  Append({note(40, 60, 9, 1, 200)});
  const auto counted = Count({});
  EXPECT_EQ(counted.completion().successful(), 39u);
  EXPECT_EQ(counted.completion().total(), 40u);
  EXPECT_DOUBLE_EQ(counted.completion().ratio(), 0.975);
  EXPECT_EQ(counted.counting().total(), 0u) << "no gap in any series";
}

TEST_F(IncidentAnswersTest, WhatTookItsTimeIsTold) {
  Incident incident = MakeIncident(1, 1, IncidentKind::kPromotion,
                                   IncidentOutcome::kSuccess, 100);
  incident.phases = {{"detect", 500'000'000}, {"elect", 1'500'000'000}};
  Append({incident});
  const auto listed = List({});
  ASSERT_EQ(listed.incidents_size(), 1);
  ASSERT_EQ(listed.incidents(0).phases_size(), 2);
  EXPECT_EQ(listed.incidents(0).phases(0).name(), "detect");
  EXPECT_EQ(listed.incidents(0).phases(0).duration().nanos(), 500'000'000);
  EXPECT_EQ(listed.incidents(0).phases(1).name(), "elect");
  EXPECT_EQ(listed.incidents(0).phases(1).duration().seconds(), 1);
}

TEST_F(IncidentAnswersTest, AVerifiedBackupOfThisGroupIsNoted) {
  const auto note = [&](const std::string& cluster, int64_t second) {
    grpc::ClientContext context;
    admin::v1::NoteVerifiedBackupRequest request;
    request.set_cluster_id(cluster);
    request.mutable_created_at()->set_seconds(second);
    request.set_last_sequence(12);
    admin::v1::NoteVerifiedBackupResponse response;
    error_ = FromGrpcStatus(
        harness_.admin().NoteVerifiedBackup(&context, request, &response));
  };
  constexpr char kCluster[] = "00000000000000000000000000000abc";
  note(kCluster, 1'700'000'000);
  ASSERT_TRUE(error_.ok()) << error_;
  const std::vector<Incident> told = harness_.incidents().Unsent();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, IncidentKind::kVerifiedBackup);
  EXPECT_EQ(told[0].started_at, Timestamp(1'700'000'000 * kNanosPerSecond));
  EXPECT_EQ(told[0].cause, "a backup up to sequence 12 was verified");
  note("00000000000000000000000000000abd", 1'700'000'000);
  EXPECT_EQ(FieldOf(error_), "cluster_id");
  note(kCluster, 0);
  EXPECT_EQ(FieldOf(error_), "created_at");
  EXPECT_EQ(harness_.incidents().Unsent().size(), 1u);
}

TEST_F(IncidentAnswersTest, AWatchLeavesNotesOut) {
  grpc::ClientContext context;
  const auto reader = harness_.admin().WatchIncidents(&context, {});
  reader->WaitForInitialMetadata();
  Append({MakeNote(1, IncidentKind::kConsistencyCheck, 100),
          MakeIncident(1, 2, IncidentKind::kDiskFull,
                       IncidentOutcome::kInProgress, 400)});
  admin::v1::WatchIncidentsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.incident().id(), "1-7-2");
  context.TryCancel();
  EXPECT_FALSE(reader->Read(&response));
}

TEST_F(IncidentAnswersTest, ListsTheNewestFirstWithWhatBecameOfThem) {
  AppendThree();
  const auto listed = List({});
  ASSERT_EQ(listed.incidents_size(), 3);
  EXPECT_TRUE(listed.next_page_token().empty());
  EXPECT_EQ(listed.incidents(0).id(), "2-7-2");
  EXPECT_EQ(listed.incidents(0).outcome(),
            admin::v1::INCIDENT_OUTCOME_IN_PROGRESS);
  EXPECT_FALSE(listed.incidents(0).has_ended_at());
  EXPECT_EQ(listed.incidents(1).id(), "2-7-1");
  EXPECT_EQ(listed.incidents(1).outcome(), admin::v1::INCIDENT_OUTCOME_FAILED);
  EXPECT_EQ(listed.incidents(1).replica_id(), 2u);
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
  EXPECT_EQ(List(request).incidents(0).id(), "2-7-1");
}

TEST_F(IncidentAnswersTest, PagesGoOnWhereTheLastOneEnded) {
  AppendThree();
  ListIncidentsRequest request;
  request.set_page_size(2);
  auto page = List(request);
  ASSERT_EQ(page.incidents_size(), 2);
  // What comes up meanwhile moves nothing.
  Append({MakeIncident(1, 2, IncidentKind::kDiskFull,
                       IncidentOutcome::kInProgress, 400)});
  request.set_page_token(page.next_page_token());
  page = List(request);
  ASSERT_EQ(page.incidents_size(), 1);
  EXPECT_EQ(page.incidents(0).id(), "1-7-1");
  EXPECT_TRUE(page.next_page_token().empty());
  request.set_page_token("nobody");
  List(request);
  EXPECT_EQ(FieldOf(error_), "page_token");
  request.set_page_size(IncidentAnswers::kPageMax + 1);
  List(request);
  EXPECT_EQ(FieldOf(error_), "page_size");
}

TEST_F(IncidentAnswersTest, AScopeOrAKindThatIsNotKnownIsRefused) {
  AppendThree();
  GetRecoveryCountersRequest counters;
  counters.set_scope(static_cast<admin::v1::Scope>(3));
  Count(counters);
  EXPECT_EQ(ReasonOf(error_), Reason::kInvalidField);
  EXPECT_EQ(FieldOf(error_), "scope");
  for (const int unknown : {7, 43, -1, 0}) {
    ListIncidentsRequest request;
    request.add_kinds(admin::v1::INCIDENT_KIND_DISK_FULL);
    request.add_kinds(static_cast<admin::v1::IncidentKind>(unknown));
    EXPECT_EQ(List(request).incidents_size(), 0) << unknown;
    EXPECT_EQ(ReasonOf(error_), Reason::kInvalidField) << unknown;
    EXPECT_EQ(FieldOf(error_), "kinds[1]") << unknown;
  }
}

TEST_F(IncidentAnswersTest, WhatTheReplicaRefusesIsSaid) {
  harness_.replica().FailReads(MakeError(Reason::kNoPrimary, "halted"));
  Count({});
  EXPECT_EQ(ReasonOf(error_), Reason::kNoPrimary);
  List({});
  EXPECT_EQ(ReasonOf(error_), Reason::kNoPrimary);
}

TEST_F(IncidentAnswersTest, AWatchSendsWhatComesFromNowOn) {
  AppendThree();
  grpc::ClientContext context;
  const auto reader = harness_.admin().WatchIncidents(&context, {});
  reader->WaitForInitialMetadata();
  Append({MakeIncident(1, 2, IncidentKind::kDiskFull,
                       IncidentOutcome::kInProgress, 400)});
  admin::v1::WatchIncidentsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.incident().id(), "1-7-2");
  Append({MakeIncident(1, 2, IncidentKind::kDiskFull, IncidentOutcome::kSuccess,
                       400)});
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.incident().outcome(), admin::v1::INCIDENT_OUTCOME_SUCCESS);
  harness_.admin_service().Drain();
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(reader->Finish())), Reason::kDraining);
}

}  // namespace
}  // namespace ledgerd::server
