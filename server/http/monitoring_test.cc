#include "server/http/monitoring.h"

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "proto/entry.h"
#include "proto/errors.h"
#include "proto/incident.h"
#include "proto/results.h"
#include "replication/clock.h"
#include "server/damage_alarms.h"
#include "server/fake_replica.h"
#include "server/incidents/completion.h"
#include "server/incidents/completion_tail.h"
#include "server/journal_counts.h"
#include "server/request_counts.h"
#include "server/scrub_passes.h"
#include "storage/faulty_files.h"
#include "storage/journal_archiver.h"
#include "storage/journal_testing.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"
#include "storage/segment_archive.h"
#include "storage/segment_journal.h"

namespace ledgerd::server {
namespace {

using replication::Role;

constexpr Standing kPrimary = {.writes = true, .reads = true, .ready = true};
constexpr Standing kStandby = {.writes = false, .reads = true, .ready = true};

class MonitoringTest : public testing::Test {
 protected:
  HttpAnswer Ask(const std::string& target) {
    return monitoring_.Answer(
        ParseHead("GET " + target + " HTTP/1.1\r\n\r\n").request);
  }

  int StatusOf(const std::string& target) { return Ask(target).status; }

  void Become(Role role) {
    replication::ReplicaStatus status = replica_.status();
    status.role = role;
    replica_.SetStatus(status);
  }

  void Apply(uint64_t commit, uint64_t applied) {
    replication::ReplicaStatus status = replica_.status();
    status.commit.sequence = Sequence(commit);
    status.applied = Sequence(applied);
    replica_.SetStatus(status);
  }

  FakeReplica replica_;
  storage::MemoryStateStore store_{storage::MemoryStateStore::Options()};
  storage::MemoryJournalDisk disk_;
  const std::unique_ptr<storage::Journal> journal_ =
      *storage::MemoryJournal::Open(disk_, {});
  SharedAddresses addresses_;
  DamageAlarms damage_;
  ServedGroup group_{replica_,
                     store_,
                     *journal_,
                     addresses_,
                     damage_,
                     ClusterId(7),
                     testing::TempDir(),
                     std::chrono::system_clock::now()};
  const replication::SystemClock clock_{};
  RequestCounts requests_;
  JournalCounts journal_writes_;
  Monitoring monitoring_{
      group_, clock_, {.requests = &requests_, .journal = &journal_writes_}};
};

TEST_F(MonitoringTest, APrimaryThatServes) {
  EXPECT_EQ(StatusOf("/livez"), 200);
  EXPECT_EQ(StatusOf("/readyz"), 503) << "nobody has looked at it yet";
  monitoring_.SetStanding(kPrimary);
  EXPECT_EQ(StatusOf("/readyz"), 200);
  EXPECT_EQ(StatusOf("/primary"), 200);
  EXPECT_EQ(StatusOf("/standby"), 503);
  EXPECT_EQ(Ask("/primary").body, "primary\n");
}

TEST_F(MonitoringTest, AStandbyIsAskedHowFarBehindItMayBe) {
  Become(Role::kStandby);
  Apply(/*commit=*/20, /*applied=*/15);
  monitoring_.SetStanding(kStandby);
  EXPECT_EQ(StatusOf("/readyz"), 200);
  EXPECT_EQ(StatusOf("/primary"), 503);
  EXPECT_EQ(StatusOf("/standby"), 200);
  EXPECT_EQ(StatusOf("/standby?lag=5"), 200);
  EXPECT_EQ(StatusOf("/standby?lag=4"), 503);
  EXPECT_EQ(Ask("/standby?lag=4").body, "standby, 5 entries behind\n");
  EXPECT_EQ(StatusOf("/standby?lag=soon"), 400);
  monitoring_.SetStanding({.writes = false, .reads = false, .ready = true});
  EXPECT_EQ(StatusOf("/standby"), 503) << "it has not caught up";
}

TEST_F(MonitoringTest, OneThatStopsIsAliveAndNotReady) {
  monitoring_.SetStanding(kPrimary);
  monitoring_.StopServing();
  monitoring_.SetStanding(kPrimary);
  EXPECT_EQ(StatusOf("/livez"), 200);
  EXPECT_EQ(StatusOf("/readyz"), 503);
  EXPECT_EQ(StatusOf("/primary"), 503);
}

TEST_F(MonitoringTest, OneThatHasHaltedSaysWhy) {
  replication::ReplicaStatus status = replica_.status();
  status.role = Role::kHalted;
  status.fault = absl::InternalError("fdatasync: EIO");
  replica_.SetStatus(status);
  EXPECT_EQ(StatusOf("/livez"), 503);
  EXPECT_TRUE(absl::StrContains(Ask("/livez").body, "fdatasync: EIO"));
}

TEST_F(MonitoringTest, AnotherPathNamesThoseThatThereAre) {
  EXPECT_EQ(StatusOf("/"), 404);
  EXPECT_TRUE(absl::StrContains(Ask("/").body, "/metrics"));
}

TEST_F(MonitoringTest, MetricsSayWhatOperatorsAreTold) {
  monitoring_.SetStanding(kPrimary);
  Apply(/*commit=*/20, /*applied=*/19);
  Incident incident;
  incident.id = {ReplicaId(1), Timestamp(7), 1};
  incident.outcome = IncidentOutcome::kSuccess;
  incident.started_at = Timestamp(kNanosPerSecond);
  incident.ended_at = Timestamp(2 * kNanosPerSecond);
  replica_.Apply(Sequence(1), [&] {
    store_.view().AppendIncidents(Sequence(1), EncodeIncidents({incident}));
  });
  const HttpAnswer answer = Ask("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(absl::StartsWith(answer.type, "text/plain; version=0.0.4"));
  for (const char* line :
       {"# TYPE ledgerd_is_primary gauge\nledgerd_is_primary 1\n",
        "ledgerd_role{role=\"primary\"} 1\n", "ledgerd_commit_sequence 20\n",
        "ledgerd_applied_sequence 19\n",
        "# TYPE ledgerd_recovery_successful_total counter\n",
        "ledgerd_recovery_successful_total{kind=\"crash_replay\"} 1\n",
        "ledgerd_recovery_total{kind=\"crash_replay\"} 1\n",
        "ledgerd_counting_total{kind=\"crash_replay\"} 1\n",
        "ledgerd_lost_entries_total 0\n"}) {
    EXPECT_TRUE(absl::StrContains(answer.body, line)) << line << "is not in\n"
                                                      << answer.body;
  }
}

TEST_F(MonitoringTest, WhatIsCountedWhileItServesIsTold) {
  EXPECT_FALSE(absl::StrContains(Ask("/metrics").body, "ledgerd_request"))
      << "nothing has been asked for yet";
  requests_.Add(Method::kCreateTransfers, std::chrono::milliseconds(3),
                absl::OkStatus());
  requests_.Add(Method::kLookupAccounts, std::chrono::milliseconds(30),
                MakeError(Reason::kOverloaded, "full"));
  std::vector<TransferResult> results(5);
  for (auto& result : results) result.status = TransferStatus::kCreated;
  results[4].status = TransferStatus::kExceedsCredits;
  requests_.Add(results);
  journal_writes_.Add({.entries = 3, .took = std::chrono::milliseconds(2)});
  journal_writes_.Add({.entries = 1, .took = std::chrono::milliseconds(7)});
  const std::string told = Ask("/metrics").body;
  constexpr char kPaid[] =
      "ledgerd_request_seconds_bucket{method=\"CreateTransfers\",code=\"OK\","
      "le=";
  for (const std::string& line :
       {std::string("# TYPE ledgerd_request_seconds histogram\n"),
        std::string(kPaid) + "\"0.002\"} 0\n",
        std::string(kPaid) + "\"0.005\"} 1\n",
        std::string(kPaid) + "\"+Inf\"} 1\n",
        std::string("ledgerd_request_seconds_count{method=\"LookupAccounts\","
                    "code=\"RESOURCE_EXHAUSTED\"} 1\n"),
        std::string("# TYPE ledgerd_rejected_total counter\n"
                    "ledgerd_rejected_total{reason=\"OVERLOADED\"} 1\n"),
        std::string("ledgerd_transfers_total{status=\"created\"} 4\n"),
        std::string("ledgerd_transfers_total{status=\"exceeds_credits\"} 1\n"),
        std::string("ledgerd_journal_sync_seconds_count 2\n"),
        std::string("ledgerd_journal_sync_seconds_bucket{le=\"0.005\"} 1\n"),
        std::string("ledgerd_journal_group_entries_sum 4\n"),
        std::string("ledgerd_journal_group_entries_bucket{le=\"1\"} 1\n"),
        std::string("ledgerd_journal_group_entries_bucket{le=\"4\"} 2\n")}) {
    EXPECT_TRUE(absl::StrContains(told, line)) << line << "is not in\n" << told;
  }
}

TEST_F(MonitoringTest, TheDeltaAndWhatWasFoundOnTheDisk) {
  replication::ReplicaStatus status = replica_.status();
  status.delta_bytes = 4'096;
  replica_.SetStatus(status);
  damage_.Raise(DamageAlarms::Place::kState, absl::DataLossError("7.sst"),
                Timestamp(1));
  damage_.Raise(DamageAlarms::Place::kState, absl::InternalError("EIO"),
                Timestamp(2));
  EXPECT_TRUE(damage_.Clear("STATE_DAMAGED"));
  const std::string told = Ask("/metrics").body;
  EXPECT_TRUE(absl::StrContains(told, "ledgerd_delta_bytes 4096\n")) << told;
  EXPECT_TRUE(absl::StrContains(told, "ledgerd_corruption_detected_total 1\n"));
  EXPECT_FALSE(absl::StrContains(told, "ledgerd_verify_last_success"))
      << "none has ended";
  group_.scrub_passes = [] {
    return ScrubPasses{.last = Timestamp(9 * kNanosPerSecond),
                       .last_clean = Timestamp(7 * kNanosPerSecond)};
  };
  EXPECT_TRUE(
      absl::StrContains(Ask("/metrics").body,
                        "ledgerd_verify_last_success_timestamp_seconds 7\n"));
}

// As what the tail knows would, when an epoch begins.
TEST_F(MonitoringTest, CountersOfClientsWritesNeverFall) {
  const CompletionNote note = {
      .through = Sequence(3), .answered = 2, .unanswered = 1};
  replica_.Apply(Sequence(4), [&] {
    store_.view().AppendIncidents(
        Sequence(4),
        EncodeIncidents({ToRecord(note, {ReplicaId(1), Timestamp(7), 1},
                                  Epoch(1), Timestamp(1))}));
  });
  CompletionTail tail;
  group_.completion = &tail;
  EntryId last;
  for (const uint64_t epoch : {1, 2}) {
    Command command;
    command.kind =
        epoch == 1 ? EntryKind::kCreateTransfers : EntryKind::kEpochStart;
    const Entry entry =
        Entry::Seal(std::move(command), Epoch(epoch), Timestamp(2), last);
    last = entry.id();
    tail.NoteApplied(entry);
    const std::string told = Ask("/metrics").body;
    EXPECT_TRUE(
        absl::StrContains(told, "ledgerd_completion_successful_total 2\n"))
        << told;
    EXPECT_TRUE(absl::StrContains(told, "ledgerd_completion_total 3\n"));
  }
}

TEST_F(MonitoringTest, PlannedChangesOfThePrimaryArePromotionsToo) {
  Incident planned;
  planned.id = {ReplicaId(1), Timestamp(7), 1};
  planned.kind = IncidentKind::kSwitchover;
  planned.outcome = IncidentOutcome::kSuccess;
  planned.planned = true;
  planned.started_at = Timestamp(kNanosPerSecond);
  planned.ended_at = Timestamp(2 * kNanosPerSecond);
  replica_.Apply(Sequence(1), [&] {
    store_.view().AppendIncidents(Sequence(1), EncodeIncidents({planned}));
  });
  const std::string told = Ask("/metrics").body;
  EXPECT_TRUE(absl::StrContains(told, "ledgerd_promotions_total 1\n")) << told;
  EXPECT_FALSE(absl::StrContains(told, "ledgerd_failover_total")) << told;
}

TEST_F(MonitoringTest, AnArchiveThatIsBehindIsToldAndCounted) {
  EXPECT_FALSE(absl::StrContains(Ask("/metrics").body, "archive"));
  storage::FaultyFiles files;
  storage::FormatTestJournal(files, 4 * storage::kBlockBytes);
  const auto journal = storage::SegmentJournal::Open(
      files, storage::TestPaths(), storage::TestIdentity(),
      {.segment_bytes = 4 * storage::kBlockBytes,
       .keep_until_archived = true,
       .prepare_in_background = false});
  ASSERT_TRUE(journal.ok()) << journal.status();
  for (int i = 0; i < 4; ++i) {
    EntryId at = (*journal)->last();
    ASSERT_TRUE(
        (*journal)->Append(storage::MakeEntries(1, 1, at), Sequence(0)).ok());
  }
  storage::Superblock superblock = (*journal)->superblock();
  superblock.checkpoint = (*journal)->last();
  ASSERT_TRUE((*journal)->WriteSuperblock(superblock).ok());
  storage::FaultyFiles away;
  away.MakeDirectory("/a");
  away.SetCapacity(0);
  storage::JournalArchiver archiver(
      **journal, storage::TestIdentity(), storage::SegmentArchive(away, "/a"),
      [](const std::optional<storage::ArchiveFailure>&) {});
  while (archiver.progress().failed_tries == 0) std::this_thread::yield();
  group_.archiver = &archiver;
  const std::string behind = Ask("/metrics").body;
  for (const char* line :
       {"ledgerd_alarm{alarm=\"ARCHIVE_BEHIND\",blocks=\"\"} 1\n",
        "ledgerd_archived_sequence 0\n",
        "# TYPE ledgerd_archive_failures_total counter\n"}) {
    EXPECT_TRUE(absl::StrContains(behind, line)) << line << behind;
  }
  EXPECT_FALSE(absl::StrContains(behind, "ledgerd_archive_failures_total 0"));
  away.SetCapacity(100 * storage::kBlockBytes);
  while (archiver.progress().through < Sequence(3)) std::this_thread::yield();
  const std::string again = Ask("/metrics").body;
  EXPECT_FALSE(absl::StrContains(again, "ARCHIVE_BEHIND")) << again;
  EXPECT_TRUE(absl::StrContains(again, "ledgerd_archived_sequence 3\n"));
}

TEST_F(MonitoringTest, WithoutAStateThereAreNoCountersAndAllElse) {
  replica_.FailReads(absl::UnavailableError("a witness"));
  const HttpAnswer answer = Ask("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(absl::StrContains(answer.body, "ledgerd_is_primary 0\n"));
  EXPECT_FALSE(absl::StrContains(answer.body, "ledgerd_recovery"));
}

}  // namespace
}  // namespace ledgerd::server
