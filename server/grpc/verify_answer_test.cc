#include "server/grpc/verify_answer.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/incident.h"
#include "replication/state_marks.h"
#include "server/damage_alarms.h"
#include "server/fake_replica.h"
#include "server/incidents/incident_testing.h"
#include "server/served_group.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::server {
namespace {

using replication::StateMark;

// One other replica, which has a state of its own.
class OnePeer final : public Peers {
 public:
  absl::StatusOr<StateMark> StateOf(ReplicaId /*replica*/,
                                    Sequence /*sequence*/,
                                    Deadline /*deadline*/) override {
    return mark_;
  }

  void Say(absl::StatusOr<StateMark> mark) { mark_ = std::move(mark); }

  absl::StatusOr<std::vector<Entry>> EntriesOf(ReplicaId /*replica*/,
                                               Sequence /*from*/,
                                               Sequence /*through*/,
                                               Deadline /*deadline*/) override {
    return absl::UnimplementedError("not asked for here");
  }

 private:
  absl::StatusOr<StateMark> mark_ = absl::UnavailableError("it is off");
};

class VerifyAnswerTest : public testing::Test {
 protected:
  VerifyAnswerTest() {
    replication::ReplicaStatus status = replica_.status();
    status.replica = ReplicaId(1);
    status.membership.members = {{.id = ReplicaId(1)}, {.id = ReplicaId(2)}};
    replica_.SetStatus(status);
    group_.incidents = keeper_.get();
  }

  // What the group is told, the newest last.
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const Incident& incident : keeper_->Unsent()) {
      told.push_back(
          absl::StrCat(Name(incident.kind), " ", Name(incident.outcome)));
    }
    return told;
  }

  absl::Status Verify() {
    response_.Clear();
    return VerifyReplicas(group_, std::chrono::steady_clock::now(),
                          Timestamp(5), response_);
  }

  static StateMark Mark(uint64_t hash) {
    return {.entry = {Epoch(1), Sequence(7), {}}, .state_hash = hash};
  }

  FakeReplica replica_;
  storage::MemoryStateStore store_;
  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::Journal> journal_ =
      *storage::MemoryJournal::Open(disk_, {});
  SharedAddresses addresses_;
  DamageAlarms damage_;
  replication::StateMarks marks_;
  OnePeer peer_;
  ServedGroup group_{
      replica_, store_,       *journal_, addresses_,
      damage_,  ClusterId(1), "",        std::chrono::system_clock::now(),
      &marks_,  &peer_};
  IncidentWorld world_;
  std::unique_ptr<IncidentKeeper> keeper_ = world_.Start();
  admin::v1::VerifyReplicasResponse response_;
};

TEST_F(VerifyAnswerTest, BothHashesOfEachReplicaAreTold) {
  marks_.Note(Mark(100));
  peer_.Say(Mark(100));
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(response_.sequence(), 7u);
  EXPECT_TRUE(response_.match());
  ASSERT_EQ(response_.hashes_size(), 2);
  EXPECT_EQ(response_.hashes(1).replica_id(), 2u);
  EXPECT_EQ(response_.hashes(1).state_hash(), std::string(15, '\0') + "d");
  EXPECT_EQ(response_.hashes(1).journal_hash(), std::string(32, '\0'));
  EXPECT_TRUE(damage_.Get().empty());
}

TEST_F(VerifyAnswerTest, ReplicasThatDifferAreAnAlarm) {
  marks_.Note(Mark(100));
  peer_.Say(Mark(101));
  ASSERT_TRUE(Verify().ok());
  EXPECT_FALSE(response_.match());
  ASSERT_EQ(damage_.Get().size(), 1u);
  EXPECT_EQ(damage_.Get().front().name, "STATE_MISMATCH");
  EXPECT_EQ(damage_.Get().front().message,
            "replicas differ at sequence 7: the state of replica 1, replica 2 "
            "is not that of the others");
}

TEST_F(VerifyAnswerTest, TheAlarmEndsWhenAllAreFoundEqual) {
  marks_.Note(Mark(100));
  peer_.Say(Mark(101));
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(damage_.Get().size(), 1u);
  peer_.Say(absl::UnavailableError("it is off"));
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(damage_.Get().size(), 1u) << "who is off may differ still";
  peer_.Say(Mark(100));
  ASSERT_TRUE(Verify().ok());
  EXPECT_TRUE(damage_.Get().empty());
}

TEST_F(VerifyAnswerTest, EachComparisonIsNotedAndADifferenceIsAnIncident) {
  marks_.Note(Mark(100));
  peer_.Say(Mark(101));
  ASSERT_TRUE(Verify().ok());
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(Told(), (std::vector<std::string>{"consistency_check failed",
                                              "state_mismatch in_progress",
                                              "consistency_check failed"}))
      << "found twice, it is one";
  EXPECT_EQ(keeper_->Unsent()[1].detections, 2u);
  peer_.Say(Mark(100));
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(Told().size(), 4u);
  EXPECT_EQ(Told()[2], "state_mismatch success");
  EXPECT_EQ(Told()[3], "consistency_check success");
}

TEST_F(VerifyAnswerTest, OneThatIsOffIsNamedAndNoAlarm) {
  marks_.Note(Mark(100));
  ASSERT_TRUE(Verify().ok());
  EXPECT_FALSE(response_.match());
  EXPECT_EQ(response_.hashes(1).error(), "it is off");
  EXPECT_TRUE(damage_.Get().empty());
  EXPECT_TRUE(Told().empty());
}

TEST_F(VerifyAnswerTest, AWitnessSendsToThePrimary) {
  EXPECT_EQ(ReasonOf(Verify()), Reason::kNotPrimary);
}

}  // namespace
}  // namespace ledgerd::server
