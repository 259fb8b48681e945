#include "server/repair/state_repair.h"

#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "server/repair/state_damage.h"

namespace ledgerd::server {
namespace {

using Steps = std::vector<std::string>;

EntryId At(uint64_t sequence) { return {Epoch(1), Sequence(sequence), {}}; }

// Two others; what each gives, and what the replica says; each step is noted.
class StateRepairTest : public testing::Test {
 protected:
  StateRepair::Ports Ports() {
    StateRepair::Ports ports;
    ports.others = [] {
      return std::vector<ReplicaId>{ReplicaId(1), ReplicaId(2)};
    };
    ports.hold = [this](std::function<void(absl::StatusOr<Sequence>)> done) {
      steps_.emplace_back("hold");
      done(held_);
      if (absl::IsUnavailable(held_.status())) held_ = Sequence(70);
    };
    ports.release = [this](const absl::Status& why) {
      steps_.push_back(absl::IsDataLoss(why) ? "release: lost" : "release");
    };
    ports.fetch = [this](ReplicaId replica, Sequence at_least,
                         const std::stop_token& stop) {
      steps_.push_back("fetch from " + std::to_string(replica.value()));
      EXPECT_EQ(at_least, Sequence(70));
      if (wait_to_be_stopped_) {
        while (!stop.stop_requested()) std::this_thread::yield();
      }
      return given_.at(replica);
    };
    ports.verify = [this](const EntryId& checkpoint,
                          const storage::Pace& pace) {
      steps_.push_back("verify " + std::to_string(checkpoint.sequence.value()));
      EXPECT_TRUE(pace(1).ok());
      const auto damaged = damaged_.find(checkpoint.sequence);
      return damaged == damaged_.end() ? absl::OkStatus() : damaged->second;
    };
    ports.replace = [this](EntryId checkpoint,
                           std::function<void(absl::Status)> done) {
      steps_.push_back("replace " +
                       std::to_string(checkpoint.sequence.value()));
      done(replaced_);
    };
    ports.hand_over = [this] { steps_.emplace_back("hand over"); };
    return ports;
  }

  Steps steps_;
  absl::StatusOr<Sequence> held_ = Sequence(70);
  std::map<ReplicaId, absl::StatusOr<EntryId>> given_ = {
      {ReplicaId(1), At(71)}, {ReplicaId(2), At(72)}};
  std::map<Sequence, absl::Status> damaged_;
  absl::Status replaced_;
  bool wait_to_be_stopped_ = false;
};

TEST_F(StateRepairTest, TheFirstWholeOneTakesItsPlace) {
  StateRepair repair(Ports());
  EXPECT_TRUE(repair.Mend().ok());
  EXPECT_EQ(steps_, Steps({"hold", "fetch from 1", "verify 71", "replace 71"}));
}

TEST_F(StateRepairTest, AnOwnCheckpointIsWaitedFor) {
  held_ = absl::UnavailableError("a checkpoint of its own is under way");
  StateRepair repair(Ports());
  EXPECT_TRUE(repair.Mend().ok());
  EXPECT_EQ(steps_,
            Steps({"hold", "hold", "fetch from 1", "verify 71", "replace 71"}));
}

TEST_F(StateRepairTest, WhatIsDamagedThereTooIsNotTaken) {
  damaged_[Sequence(71)] = absl::DataLossError("its 7.sst");
  StateRepair repair(Ports());
  EXPECT_TRUE(repair.Mend().ok());
  EXPECT_EQ(steps_, Steps({"hold", "fetch from 1", "verify 71", "fetch from 2",
                           "verify 72", "replace 72"}));
}

TEST_F(StateRepairTest, WhatNobodyHasIsLostAndNamed) {
  damaged_[Sequence(71)] = absl::DataLossError("its 7.sst");
  given_.at(ReplicaId(2)) = absl::DataLossError("its 8.sst");
  StateRepair repair(Ports());
  const absl::Status mended = repair.Mend();
  EXPECT_EQ(mended,
            absl::DataLossError("no other replica gives a whole state in its "
                                "place: replica 1: its 7.sst; replica 2: its "
                                "8.sst"));
  EXPECT_EQ(steps_.back(), "release: lost");
}

TEST_F(StateRepairTest, WhoeverMayHaveOneIsWaitedFor) {
  damaged_[Sequence(71)] = absl::DataLossError("its 7.sst");
  given_.at(ReplicaId(2)) = absl::UnavailableError("it is off");
  StateRepair repair(Ports());
  EXPECT_TRUE(absl::IsUnavailable(repair.Mend()));
  EXPECT_EQ(steps_.back(), "release");
}

TEST_F(StateRepairTest, APrimaryHandsOverFirst) {
  held_ = absl::FailedPreconditionError("the primary");
  StateRepair repair(Ports());
  EXPECT_TRUE(absl::IsUnavailable(repair.Mend()));
  EXPECT_EQ(steps_, Steps({"hold", "hand over", "release"}));
}

TEST_F(StateRepairTest, WhatIsRefusedIsTriedAgain) {
  replaced_ = absl::FailedPreconditionError("it became the primary");
  StateRepair repair(Ports());
  EXPECT_TRUE(absl::IsUnavailable(repair.Mend()));
}

TEST_F(StateRepairTest, AnEndIsNotWaitedFor) {
  wait_to_be_stopped_ = true;
  given_.at(ReplicaId(1)) = absl::CancelledError("stopped");
  StateRepair repair(Ports());
  std::thread ending([&] { repair.End(); });
  EXPECT_TRUE(absl::IsCancelled(repair.Mend()));
  ending.join();
  EXPECT_EQ(steps_, Steps({"hold", "fetch from 1", "release"}));
}

TEST(StateDamageTest, WhatWasMetBeforeIsTold) {
  StateDamage damage;
  damage.Note({absl::InternalError("no damage")});
  damage.Note({absl::DataLossError("first")});
  damage.Note({absl::DataLossError("second")});
  Steps told;
  damage.TellTo([&](const StateDamage::Met& met) {
    told.emplace_back(met.damage.message());
  });
  damage.Note({absl::DataLossError("third")});
  damage.Note({absl::InternalError("no damage either")});
  damage.TellTo(nullptr);
  damage.Note({absl::DataLossError("fourth")});
  EXPECT_EQ(told, Steps({"first", "third", "no damage either"}));
}

TEST(StateDamageTest, AReadThatFailedBeforeIsToldWhereThereIsNoDamage) {
  StateDamage damage;
  damage.Note({absl::InternalError("the device")});
  damage.Note({absl::InternalError("the device again")});
  Steps told;
  damage.TellTo([&](const StateDamage::Met& met) {
    told.emplace_back(met.damage.message());
  });
  EXPECT_EQ(told, Steps({"the device"}));
}

}  // namespace
}  // namespace ledgerd::server
