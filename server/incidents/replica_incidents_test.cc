#include "server/incidents/replica_incidents.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/entry.h"
#include "proto/incident.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "replication/replica_observer.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/incident_testing.h"
#include "server/logging.h"
#include "server/standing.h"
#include "storage/journal.h"
#include "storage/memory_journal.h"

namespace ledgerd::server {
namespace {

class ReplicaIncidentsTest : public testing::Test {
 protected:
  ReplicaIncidentsTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    auto incidents = ReplicaIncidents::Open(
        {.data_dir = directory_,
         .replica = ReplicaId(2),
         .on_fault = [](const absl::Status&) {}},
        /*peer_silence=*/std::chrono::seconds(1), clock_, logger_);
    LEDGERD_CHECK_OK(incidents.status());
    incidents_ = *std::move(incidents);
    incidents_->Learn(*journal_, completion_);
  }

  void Append(uint64_t epoch) {
    const Entry entry =
        Entry::Seal(Command(), Epoch(epoch), Timestamp(1), journal_->last());
    LEDGERD_CHECK_OK(journal_->Append({entry}, Sequence(0)));
  }

  void BecomePrimary(uint64_t epoch) {
    replication::ReplicaStatus status;
    status.replica = status.primary = ReplicaId(2);
    status.role = replication::Role::kPrimary;
    status.epoch = Epoch(epoch);
    incidents_->Note(status, StandingOf(status, Standing()));
  }

  const std::string directory_ = testing::TempDir() + "/replica_incidents";
  ManualClock clock_;
  Logger logger_{LogLevel::kError, LogFormat::kText, [](absl::string_view) {}};
  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::Journal> journal_ =
      *storage::MemoryJournal::Open(disk_, {});
  CompletionTail completion_;
  std::unique_ptr<ReplicaIncidents> incidents_;
};

// What heartbeats have said, and where the journal ended before.
TEST_F(ReplicaIncidentsTest, AForcedPromotionSaysWhatItHasLost) {
  for (const uint64_t epoch : {1, 1, 4}) Append(epoch);
  completion_.NoteAnswered({.epoch = Epoch(4), .through = Sequence(8)});
  incidents_->group().BeforePromotion(
      {.epoch = Epoch(5), .why = replication::PromotionBegun::Why::kForced});
  // Its start, and clients' writes.
  for (int i = 0; i < 20; ++i) Append(5);
  completion_.NoteAtLeast({.epoch = Epoch(5), .through = Sequence(23)});
  BecomePrimary(5);
  const std::vector<Incident> told = incidents_->keeper().Unsent();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, IncidentKind::kForcedPromotion);
  EXPECT_EQ(told[0].outcome, IncidentOutcome::kSuccessWithLoss);
  EXPECT_EQ(told[0].lost_entries, 5u);
}

}  // namespace
}  // namespace ledgerd::server
