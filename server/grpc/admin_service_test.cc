// The operators' calls, health and reflection, through gRPC and back.
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "proto/backup_manifest.h"
#include "proto/errors.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"

namespace ledgerd::server {
namespace {

using grpc::health::v1::HealthCheckResponse;

class AdminServiceTest : public ::testing::Test {
 protected:
  // Appends an entry of one transfer, and commits it.
  Entry Append(uint64_t id) {
    Transfer transfer;
    transfer.id = TransferId(id);
    const Entry entry = Entry::Seal(
        MakeCommand<Transfer>(EntryKind::kCreateTransfers, {transfer}),
        Epoch(3), Timestamp(id), harness_.journal().last());
    LEDGERD_CHECK_OK(harness_.journal().Append({entry}, Sequence(0)));
    return entry;
  }

  void Commit(const Entry& entry) {
    replication::ReplicaStatus status = harness_.replica().status();
    status.commit = entry.id();
    harness_.replica().SetStatus(status);
  }

  // The sequences that a call sends, and how it ends.
  std::vector<uint64_t> Read(const admin::v1::ReadJournalRequest& request,
                             absl::Status& end) {
    grpc::ClientContext context;
    const auto reader = harness_.admin().ReadJournal(&context, request);
    std::vector<uint64_t> sequences;
    while (reader->Read(&response_)) {
      sequences.push_back(response_.entry().sequence());
    }
    end = FromGrpcStatus(reader->Finish());
    return sequences;
  }

  HealthCheckResponse::ServingStatus Health(const GrpcServer& server,
                                            const std::string& name) {
    grpc::health::v1::Health::Stub stub(harness_.Connect(server));
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    HealthCheckResponse response;
    request.set_service(name);
    const grpc::Status status = stub.Check(&context, request, &response);
    if (!status.ok()) return HealthCheckResponse::SERVICE_UNKNOWN;
    return response.status();
  }

  ServicesHarness harness_;
  admin::v1::ReadJournalResponse response_;
};

TEST_F(AdminServiceTest, TellsItsStatus) {
  replication::ReplicaStatus status = harness_.replica().status();
  status.commit.sequence = Sequence(9);
  status.commit.hash = Sha256("nine");
  status.applied = Sequence(8);
  status.fault = absl::DataLossError("bad record");
  status.role = replication::Role::kHalted;
  harness_.replica().SetStatus(status);
  grpc::ClientContext context;
  admin::v1::GetStatusResponse response;
  ASSERT_TRUE(harness_.admin().GetStatus(&context, {}, &response).ok());
  EXPECT_EQ(response.replica_id(), 1u);
  EXPECT_EQ(response.role(), admin::v1::ROLE_HALTED);
  EXPECT_EQ(response.epoch(), 3u);
  EXPECT_EQ(response.commit_sequence(), 9u);
  EXPECT_EQ(response.commit_hash(), std::string(AsBytes(Sha256("nine"))));
  EXPECT_EQ(response.applied_sequence(), 8u);
  EXPECT_EQ(response.primary_address(), harness_.client_port().address());
  EXPECT_EQ(response.replicas_size(), 1);
  EXPECT_GT(response.disk_free_bytes(), 0u);
  ASSERT_EQ(response.alarms_size(), 1);
  EXPECT_EQ(response.alarms(0).name(), "REPLICA_HALTED");
}

TEST_F(AdminServiceTest, AFullDiskIsAnAlarm) {
  replication::ReplicaStatus status = harness_.replica().status();
  status.state_full = true;
  status.full_since = Timestamp(5 * kNanosPerSecond + 7);
  harness_.replica().SetStatus(status);
  grpc::ClientContext context;
  admin::v1::GetStatusResponse response;
  ASSERT_TRUE(harness_.admin().GetStatus(&context, {}, &response).ok());
  ASSERT_EQ(response.alarms_size(), 1);
  EXPECT_EQ(response.alarms(0).name(), "DISK_FULL");
  EXPECT_EQ(response.alarms(0).replica_id(), 1u);
  EXPECT_EQ(response.alarms(0).blocks(), "writes");
  EXPECT_EQ(response.alarms(0).raised_at().seconds(), 5);
  EXPECT_EQ(response.alarms(0).raised_at().nanos(), 7);
  EXPECT_NE(response.alarms(0).message().find("of the state:"),
            std::string::npos);
}

TEST_F(AdminServiceTest, DamageThatReadsHaveMetIsAnAlarm) {
  harness_.damage().Raise(DamageAlarms::Place::kState,
                          absl::DataLossError("db/7.sst: bad checksum"),
                          Timestamp(5 * kNanosPerSecond + 7));
  grpc::ClientContext context;
  admin::v1::GetStatusResponse response;
  ASSERT_TRUE(harness_.admin().GetStatus(&context, {}, &response).ok());
  ASSERT_EQ(response.alarms_size(), 1);
  EXPECT_EQ(response.alarms(0).name(), "STATE_DAMAGED");
  EXPECT_EQ(response.alarms(0).replica_id(), 1u);
  EXPECT_EQ(response.alarms(0).message(), "db/7.sst: bad checksum");
  EXPECT_EQ(response.alarms(0).blocks(), "");
  EXPECT_EQ(response.alarms(0).raised_at().seconds(), 5);
  EXPECT_EQ(response.alarms(0).raised_at().nanos(), 7);
}

TEST_F(AdminServiceTest, ADamagedEntryIsRefusedAndAnAlarmAndSeenTo) {
  Append(1);
  harness_.journal_disk().Rot(Sequence(1));
  Commit(Append(2));
  absl::Status end;
  EXPECT_TRUE(Read({}, end).empty());
  EXPECT_TRUE(absl::IsDataLoss(end)) << end;
  grpc::ClientContext context;
  admin::v1::GetStatusResponse response;
  ASSERT_TRUE(harness_.admin().GetStatus(&context, {}, &response).ok());
  ASSERT_EQ(response.alarms_size(), 1);
  EXPECT_EQ(response.alarms(0).name(), "JOURNAL_DAMAGED");
  EXPECT_EQ(response.alarms(0).message(), end.message());
  EXPECT_EQ(harness_.looks_at_journal(), 1);
}

TEST_F(AdminServiceTest, ReadsCommittedEntriesAlone) {
  Append(1);
  const Entry second = Append(2);
  Append(3);
  Commit(second);
  absl::Status end;
  EXPECT_EQ(Read({}, end), (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(end.ok()) << end;
  EXPECT_EQ(response_.entry().raw(), std::string(second.bytes()));
  EXPECT_EQ(response_.entry().hash(), std::string(AsBytes(second.hash())));
  EXPECT_EQ(response_.entry().previous_hash(),
            std::string(AsBytes(second.previous_hash())));
  EXPECT_EQ(response_.entry().operation(), "create_transfers");
  ledger::v1::CreateTransfersRequest request;
  ASSERT_TRUE(request.ParseFromString(response_.entry().request()));
  EXPECT_EQ(request.transfers(0).id().low(), 2u);
}

TEST_F(AdminServiceTest, ReadsARange) {
  for (uint64_t id = 1; id <= 4; ++id) Append(id);
  Commit(Append(5));
  admin::v1::ReadJournalRequest request;
  request.set_from_sequence(2);
  request.set_to_sequence(4);
  absl::Status end;
  EXPECT_EQ(Read(request, end), (std::vector<uint64_t>{2, 3, 4}));
  request.set_from_sequence(9);
  request.set_to_sequence(0);
  EXPECT_EQ(Read(request, end), (std::vector<uint64_t>{}));
  EXPECT_TRUE(end.ok()) << end;
}

TEST_F(AdminServiceTest, FollowsTheCommitPoint) {
  Commit(Append(1));
  admin::v1::ReadJournalRequest request;
  request.set_follow(true);
  request.set_to_sequence(3);
  grpc::ClientContext context;
  const auto reader = harness_.admin().ReadJournal(&context, request);
  ASSERT_TRUE(reader->Read(&response_));
  Append(2);
  Commit(Append(3));
  ASSERT_TRUE(reader->Read(&response_));
  ASSERT_TRUE(reader->Read(&response_));
  EXPECT_EQ(response_.entry().sequence(), 3u);
  EXPECT_FALSE(reader->Read(&response_));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(AdminServiceTest, AFollowerEndsAtACleanStop) {
  Commit(Append(1));
  admin::v1::ReadJournalRequest request;
  request.set_follow(true);
  grpc::ClientContext context;
  const auto reader = harness_.admin().ReadJournal(&context, request);
  ASSERT_TRUE(reader->Read(&response_));
  harness_.Stop();
  EXPECT_FALSE(reader->Read(&response_));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(reader->Finish())), Reason::kDraining);
}

TEST_F(AdminServiceTest, ACancelledFollowerDoesNotHoldAStopUp) {
  Commit(Append(1));
  admin::v1::ReadJournalRequest request;
  request.set_follow(true);
  grpc::ClientContext context;
  const auto reader = harness_.admin().ReadJournal(&context, request);
  ASSERT_TRUE(reader->Read(&response_));
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

// An idle client never hears of the stop, so nobody must wait for it.
TEST_F(AdminServiceTest, IdleClientsDoNotHoldAStopUp) {
  for (GrpcServer* port : {&harness_.client_port(), &harness_.admin_port()}) {
    const auto idle = ServicesHarness::Connect(*port);
    ASSERT_TRUE(idle->WaitForConnected(std::chrono::system_clock::now() +
                                       std::chrono::minutes(1)));
    port->Shutdown(std::chrono::hours(1));
  }
}

TEST_F(AdminServiceTest, ABackupHasWhatIsCommittedAndEndsWithItsManifest) {
  const Entry first = Append(1);
  const Entry second = Append(2);
  Append(3);  // Not committed.
  Commit(second);
  grpc::ClientContext context;
  const auto reader = harness_.admin().CreateBackup(&context, {});
  admin::v1::CreateBackupResponse response;
  std::string data;
  while (reader->Read(&response)) {
    if (!response.chunk().manifest().empty()) break;
    EXPECT_EQ(response.chunk().path(), "journal/00000000000000000001");
    EXPECT_EQ(response.chunk().offset(), data.size());
    data += response.chunk().data();
  }
  EXPECT_EQ(data, std::string(first.bytes()) + std::string(second.bytes()));
  const auto manifest = ParseBackupManifest(response.chunk().manifest());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->cluster, ClusterId(0xabc));
  EXPECT_EQ(manifest->checkpoint, EntryId());
  EXPECT_EQ(manifest->last, second.id());
  ASSERT_EQ(manifest->files.size(), 1u);
  EXPECT_EQ(manifest->files[0].hash, Sha256(data));
  EXPECT_FALSE(reader->Read(&response)) << "the manifest is not the last";
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(AdminServiceTest, AWitnessHasNothingToBackUp) {
  replication::ReplicaStatus status = harness_.replica().status();
  status.role = replication::Role::kWitness;
  harness_.replica().SetStatus(status);
  grpc::ClientContext context;
  const auto reader = harness_.admin().CreateBackup(&context, {});
  admin::v1::CreateBackupResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

// Its files' hashes would be right, of what is damaged.
TEST_F(AdminServiceTest, ADamagedStateIsNotBackedUp) {
  Commit(Append(1));
  replication::ReplicaStatus status = harness_.replica().status();
  status.state_held = true;
  harness_.replica().SetStatus(status);
  grpc::ClientContext context;
  const auto reader = harness_.admin().CreateBackup(&context, {});
  admin::v1::CreateBackupResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AdminServiceTest, HealthIsByName) {
  GrpcServer& server = harness_.client_port();
  const std::string name = "ledger.v1.LedgerService";
  EXPECT_EQ(Health(server, ""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Health(server, name), HealthCheckResponse::NOT_SERVING);
  server.SetServing(name, true);
  EXPECT_EQ(Health(server, name), HealthCheckResponse::SERVING);
  EXPECT_EQ(Health(harness_.admin_port(), name),
            HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health(server, "other"), HealthCheckResponse::SERVICE_UNKNOWN);
  server.StopServing();
  server.SetServing(name, true);
  EXPECT_EQ(Health(server, name), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health(server, ""), HealthCheckResponse::NOT_SERVING);
}

TEST_F(AdminServiceTest, ATakenPortIsRefused) {
  GrpcServerOptions options;
  const std::string address = harness_.client_port().address();
  options.listener.address = address;
  const auto server = GrpcServer::Start(options);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(server.status().message()).find(address),
            std::string::npos);
}

}  // namespace
}  // namespace ledgerd::server
