#include "server/repair/scrubber.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "proto/incident.h"
#include "server/incidents/incident_testing.h"
#include "server/repair/state_damage.h"
#include "server/scrub_passes.h"

namespace ledgerd::server {
namespace {

using storage::SegmentDamage;
using storage::SegmentNumber;

using Steps = std::vector<std::string>;

// What a scrubber finds, and what is done about it; each step is noted.
class ScrubberTest : public testing::Test {
 protected:
  ScrubberPorts Ports() {
    ScrubberPorts ports;
    ports.segments = [] {
      return std::vector<SegmentNumber>{SegmentNumber(1)};
    };
    ports.find = [this](SegmentNumber, const storage::Pace& pace)
        -> absl::StatusOr<std::vector<SegmentDamage>> {
      if (absl::Status go_on = pace(1); !go_on.ok()) return go_on;
      Note("look");
      const MutexLock lock(mutex_);
      if (!unmendable_.ok()) return unmendable_;
      std::vector<SegmentDamage> found;
      if (!mends_.empty()) found.push_back(damage_);
      return found;
    };
    ports.mend = [this](const SegmentDamage&, Peers::Deadline) {
      const MutexLock lock(mutex_);
      absl::Status mended = mends_.front();
      mends_.pop_front();
      return mended;
    };
    ports.verify_state = [this](const storage::Pace&) {
      Note("state");
      const MutexLock lock(mutex_);
      return state_;
    };
    if (mends_state_) {
      ports.mend_state = [this] {
        Note("mend state");
        if (while_mending_state_) std::exchange(while_mending_state_, {})();
        const MutexLock lock(mutex_);
        absl::Status mended = state_mends_.front();
        if (state_mends_.size() > 1) state_mends_.pop_front();
        if (mended.ok()) state_ = absl::OkStatus();
        return mended;
      };
      ports.end_mending_state = [this] { Note("end"); };
    }
    ports.state_at = [] { return std::string("the state of sequence 9"); };
    ports.alarm = [this](DamageAlarms::Place place, const absl::Status&) {
      Note(place == DamageAlarms::Place::kState ? "state alarm" : "alarm");
    };
    ports.clear = [this](DamageAlarms::Place) { Note("clear"); };
    ports.halt = [this](const absl::Status& why) {
      Note("halt: " + std::string(why.message()));
    };
    ports.now = [] { return Timestamp(77); };
    return ports;
  }

  void Start(std::chrono::seconds interval) {
    scrubber_ =
        std::make_unique<Scrubber>(ScrubberOptions{.interval = interval},
                                   Ports(), *keeper_, world_.logger);
  }

  // The journal, where each try to mend it ends as these say.
  void Damage(std::deque<absl::Status> mends) {
    const MutexLock lock(mutex_);
    mends_ = std::move(mends);
  }

  void DamageState(absl::Status damage) {
    const MutexLock lock(mutex_);
    state_ = std::move(damage);
  }

  // Each try ends as these say, and those after them as the last.
  void MendState(std::deque<absl::Status> mends) {
    const MutexLock lock(mutex_);
    mends_state_ = true;
    state_mends_ = std::move(mends);
  }

  void Note(const std::string& step) {
    {
      const MutexLock lock(mutex_);
      steps_.push_back(step);
    }
    changed_.SignalAll();
  }

  // Waits for it, and takes what came before and with it.
  Steps StepsUntil(const std::string& last) {
    const MutexLock lock(mutex_);
    auto found = std::find(steps_.begin(), steps_.end(), last);
    while (found == steps_.end()) {
      changed_.Wait(mutex_);
      found = std::find(steps_.begin(), steps_.end(), last);
    }
    Steps steps(steps_.begin(), found + 1);
    steps_.erase(steps_.begin(), found + 1);
    return steps;
  }

  using Records = std::vector<std::pair<IncidentKind, IncidentOutcome>>;

  // How each incident was last told.
  Records Told() {
    std::map<uint64_t, Incident> last;
    for (const Incident& incident : keeper_->Unsent()) {
      last[incident.id.number] = incident;
    }
    Records records;
    for (const auto& [number, incident] : last) {
      records.emplace_back(incident.kind, incident.outcome);
    }
    return records;
  }

  static SegmentDamage MakeDamage() {
    SegmentDamage damage{.segment = std::make_shared<storage::Segment>()};
    damage.run.before.sequence = Sequence(4);
    damage.run.last.sequence = Sequence(5);
    return damage;
  }

  IncidentWorld world_;
  std::unique_ptr<IncidentKeeper> keeper_ = world_.Start();
  const SegmentDamage damage_ = MakeDamage();
  Mutex mutex_;
  CondVar changed_;
  Steps steps_ LEDGERD_GUARDED_BY(mutex_);
  // What becomes of each try to mend.
  std::deque<absl::Status> mends_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status unmendable_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status state_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<absl::Status> state_mends_ LEDGERD_GUARDED_BY(mutex_);
  bool mends_state_ = false;  // Before the start.
  // By the scrubber, once.
  std::function<void()> while_mending_state_;
  std::unique_ptr<Scrubber> scrubber_;
};

TEST_F(ScrubberTest, APassIsTheJournalThenTheState) {
  Start(std::chrono::seconds(1));
  EXPECT_EQ(StepsUntil("state"), Steps({"look", "state"}));
  EXPECT_EQ(StepsUntil("state"), Steps({"look", "state"})) << "again and again";
  EXPECT_EQ(scrubber_->passes(), (ScrubPasses{Timestamp(77), Timestamp(77)}));
  EXPECT_TRUE(Told().empty());
}

TEST_F(ScrubberTest, TurnedOffItLooksWhereItIsToldTo) {
  Start(std::chrono::seconds(0));
  scrubber_->LookNow();
  EXPECT_EQ(StepsUntil("look"), Steps({"look"}));
  EXPECT_EQ(scrubber_->passes(), ScrubPasses());
}

TEST_F(ScrubberTest, WhatIsMendedIsCountedAsThat) {
  Damage({absl::OkStatus()});
  Start(std::chrono::seconds(0));
  scrubber_->LookNow();
  EXPECT_EQ(StepsUntil("clear"), Steps({"look", "alarm", "clear"}));
  // Whether it is mended is looked at.
  EXPECT_EQ(StepsUntil("look"), Steps({"look"}));
  scrubber_->End();
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kSuccess},
                     {IncidentKind::kRepair, IncidentOutcome::kSuccess}}));
}

TEST_F(ScrubberTest, WhatIsLostHalts) {
  Damage({absl::DataLossError("entry 5")});
  Start(std::chrono::seconds(0));
  scrubber_->LookNow();
  EXPECT_EQ(StepsUntil("halt: entry 5"),
            Steps({"look", "alarm", "halt: entry 5"}));
  scrubber_->End();
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress},
                     {IncidentKind::kRepair, IncidentOutcome::kFailed}}));
}

TEST_F(ScrubberTest, AStopDoesNotWaitForWhoIsOff) {
  Damage({absl::UnavailableError("it is off")});
  Start(std::chrono::seconds(0));
  scrubber_->LookNow();
  EXPECT_EQ(StepsUntil("alarm"), Steps({"look", "alarm"}));
  scrubber_->End();
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress},
                     {IncidentKind::kRepair, IncidentOutcome::kInProgress}}));
}

TEST_F(ScrubberTest, WhatNoEntryMendsIsToldOf) {
  {
    const MutexLock lock(mutex_);
    unmendable_ = absl::DataLossError("two records");
  }
  Start(std::chrono::seconds(1));
  EXPECT_EQ(StepsUntil("state"), Steps({"look", "alarm", "state"}));
  EXPECT_EQ(StepsUntil("state"), Steps({"look", "alarm", "state"}));
  scrubber_->End();
  EXPECT_EQ(
      Told(),
      Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress}}));
}

TEST_F(ScrubberTest, DamageOfTheStateIsOneIncident) {
  DamageState(absl::DataLossError("db/7.sst"));
  Start(std::chrono::seconds(1));
  EXPECT_EQ(StepsUntil("state alarm"), Steps({"look", "state", "state alarm"}));
  EXPECT_EQ(StepsUntil("state alarm"), Steps({"look", "state", "state alarm"}));
  EXPECT_EQ(scrubber_->passes(), (ScrubPasses{.last = Timestamp(77)}))
      << "no pass has found everything whole";
  scrubber_->End();
  EXPECT_EQ(
      Told(),
      Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress}}));
}

TEST_F(ScrubberTest, ADamagedStateIsReplacedAndCountedAsThat) {
  MendState({absl::OkStatus()});
  DamageState(absl::DataLossError("db/7.sst"));
  Start(std::chrono::seconds(1));
  EXPECT_EQ(StepsUntil("clear"),
            Steps({"look", "state", "state alarm", "mend state", "clear"}));
  EXPECT_EQ(StepsUntil("state"), Steps({"look", "state"}));
  scrubber_->End();
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kSuccess},
                     {IncidentKind::kRepair, IncidentOutcome::kSuccess}}));
}

TEST_F(ScrubberTest, WhatAReadMetIsSeenToWithoutAPass) {
  MendState({absl::OkStatus()});
  Start(std::chrono::seconds(0));
  scrubber_->NoteStateDamage({absl::DataLossError("db/7.sst")});
  EXPECT_EQ(StepsUntil("clear"), Steps({"state alarm", "mend state", "clear"}));
}

TEST_F(ScrubberTest, WhatAReadMetIsRecordedWhereNobodyIsAsked) {
  Start(std::chrono::seconds(0));
  const StateDamage::Met met = {.damage = absl::DataLossError("db/7.sst")};
  scrubber_->NoteStateDamage(met);
  EXPECT_EQ(StepsUntil("state alarm"), Steps({"state alarm"}));
  scrubber_->NoteStateDamage(met);
  EXPECT_EQ(StepsUntil("state alarm"), Steps({"state alarm"}));
  scrubber_->End();
  EXPECT_EQ(
      Told(),
      Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress}}));
}

// The state may be whole, and is left alone.
TEST_F(ScrubberTest, AReadThatFailedIsADiskErrorOnceForEachMessage) {
  MendState({absl::OkStatus()});
  Start(std::chrono::seconds(0));
  for (const char* message : {"db/7.sst", "db/7.sst", "db/8.sst"}) {
    scrubber_->NoteStateDamage({.damage = absl::InternalError(message)});
    EXPECT_EQ(StepsUntil("state alarm"), Steps({"state alarm"}));
  }
  scrubber_->End();
  EXPECT_EQ(
      Told(),
      Records({{IncidentKind::kDiskError, IncidentOutcome::kInProgress},
               {IncidentKind::kDiskError, IncidentOutcome::kInProgress}}));
}

TEST_F(ScrubberTest, WhyNobodyMendsItNamesTheState) {
  MendState({absl::DataLossError("nobody has one")});
  Start(std::chrono::seconds(0));
  scrubber_->NoteStateDamage({.damage = absl::DataLossError("db/7.sst")});
  EXPECT_EQ(StepsUntil("mend state"), Steps({"state alarm", "mend state"}));
  scrubber_->End();
  std::set<std::string> why;
  for (const Incident& told : keeper_->Unsent()) {
    if (told.outcome == IncidentOutcome::kFailed) why.insert(told.resolution);
  }
  EXPECT_EQ(why,
            std::set<std::string>({"the state of sequence 9: nobody has one"}));
}

TEST_F(ScrubberTest, AStateThatNobodyElseHasIsAskedForInEachPass) {
  MendState({absl::DataLossError("nobody has one")});
  DamageState(absl::DataLossError("db/7.sst"));
  Start(std::chrono::seconds(1));
  const Steps steps = {"look", "state", "state alarm", "mend state"};
  EXPECT_EQ(StepsUntil("mend state"), steps);
  EXPECT_EQ(StepsUntil("mend state"), steps);
  scrubber_->End();
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress},
                     {IncidentKind::kRepair, IncidentOutcome::kFailed}}))
      << "once";
}

TEST_F(ScrubberTest, SomebodyHasAStateInTheEnd) {
  MendState({absl::DataLossError("nobody has one"), absl::OkStatus()});
  DamageState(absl::DataLossError("db/7.sst"));
  Start(std::chrono::seconds(1));
  EXPECT_EQ(StepsUntil("clear"),
            Steps({"look", "state", "state alarm", "mend state", "look",
                   "state", "state alarm", "mend state", "clear"}));
  scrubber_->End();
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kSuccess},
                     {IncidentKind::kRepair, IncidentOutcome::kFailed}}));
}

// Else it would neither go on nor halt.
TEST_F(ScrubberTest, WhatIsHeldForKnownDamageIsSeenTo) {
  MendState({absl::DataLossError("nobody has one"), absl::OkStatus()});
  Start(std::chrono::seconds(0));
  const StateDamage::Met met = {.damage = absl::DataLossError("db/7.sst")};
  scrubber_->NoteStateDamage(met);
  EXPECT_EQ(StepsUntil("mend state"), Steps({"state alarm", "mend state"}));
  scrubber_->NoteStateDamage(met);
  EXPECT_EQ(StepsUntil("state alarm"), Steps({"state alarm"}));
  scrubber_->NoteStateDamage({.damage = met.damage, .holds = true});
  EXPECT_EQ(StepsUntil("clear"), Steps({"state alarm", "mend state", "clear"}));
}

TEST_F(ScrubberTest, WhatTheNewStateMeetsAtOnceIsSeenTo) {
  MendState({absl::OkStatus()});
  while_mending_state_ = [this] {
    scrubber_->NoteStateDamage(
        {.damage = absl::DataLossError("the old db/8.sst"), .holds = true});
    scrubber_->ForgetStateDamage();
    scrubber_->NoteStateDamage({absl::DataLossError("the new db/7.sst")});
  };
  Start(std::chrono::seconds(0));
  scrubber_->NoteStateDamage({absl::DataLossError("db/7.sst")});
  const Steps steps = {"state alarm", "mend state", "clear"};
  EXPECT_EQ(StepsUntil("clear"), steps);
  EXPECT_EQ(StepsUntil("clear"), steps);
  scrubber_->End();
  std::set<std::string> causes;
  for (const Incident& told : keeper_->Unsent()) causes.insert(told.cause);
  EXPECT_EQ(causes, std::set<std::string>({"db/7.sst", "the new db/7.sst"}));
}

TEST_F(ScrubberTest, AStopDoesNotWaitForWhoMayHaveAState) {
  MendState({absl::UnavailableError("it is off")});
  Start(std::chrono::seconds(0));
  scrubber_->NoteStateDamage({absl::DataLossError("db/7.sst")});
  EXPECT_EQ(StepsUntil("mend state"), Steps({"state alarm", "mend state"}));
  scrubber_->End();
  EXPECT_EQ(StepsUntil("end"), Steps({"end"}));
  EXPECT_EQ(Told(),
            Records({{IncidentKind::kCorruption, IncidentOutcome::kInProgress},
                     {IncidentKind::kRepair, IncidentOutcome::kAborted}}));
}

}  // namespace
}  // namespace ledgerd::server
