// A known list of faults, done to a simulated group one after the other while
// clients pay, and what the recovery counters say of it: R, E, T and C kind by
// kind, and what was lost and rolled back; of each replica and of the group,
// the same on all, exactly as the list has it. The same as
// tests/integration/fault_list_test over real processes; here also what takes
// long, and power that is cut.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "admin/v1/admin.pb.h"
#include "proto/base/test_seed.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "replication/replica.h"
#include "server/grpc/incident_messages.h"
#include "server/incidents/recovery_counters.h"
#include "tests/integration/fault_list.h"
#include "tests/sim/incident_group.h"

namespace ledgerd::sim {
namespace {

namespace v1 = ::admin::v1;

using integration::FaultList;
using integration::ToText;
using replication::Replica;

constexpr int kRounds = 1;
// Raised again within 10 s of its end, the same cause is the same incident.
constexpr microseconds kForgotten = seconds(11);
// For how long a fault may hold writes up, and not.
constexpr microseconds kShort = seconds(2);
constexpr microseconds kLong = seconds(4);

struct Case {
  // How long a primary may be silent: below the 3 s for which a fault may hold
  // writes up, or above.
  uint32_t timeout_ticks = 0;
  v1::IncidentOutcome silent_primary = v1::INCIDENT_OUTCOME_SUCCESS;

  friend std::ostream& operator<<(std::ostream& out, const Case& its) {
    return out << its.timeout_ticks * 10 << " ms";
  }
};

class Lived {
 public:
  Lived(uint64_t seed, const Case& its)
      : case_(its),
        random_(seed),
        group_({.seed = seed, .timeout_ticks = its.timeout_ticks}) {}

  void Run() {
    ASSERT_NO_FATAL_FAILURE(WaitForPrimary({}));
    ASSERT_NO_FATAL_FAILURE(Settle());
    for (int round = 0; round < kRounds; ++round) {
      for (const Fault& fault : Round()) {
        group_.RunFor(kForgotten);
        ASSERT_NO_FATAL_FAILURE((this->*fault.fault)()) << fault.what;
        ASSERT_NO_FATAL_FAILURE(Settle()) << fault.what;
      }
    }
    EXPECT_EQ(group_.CheckStates(), "");
  }

 private:
  struct Fault {
    const char* what;
    void (Lived::*fault)();
  };

  // In an order in which whoever loses its role has followed before.
  static std::vector<Fault> Round() {
    return {
        {"the primary is killed", &Lived::PrimaryIsKilled},
        {"a standby is killed", &Lived::StandbyIsKilled},
        {"a standby loses its power", &Lived::StandbyLosesPower},
        {"a standby is killed twice within 10 s", &Lived::StandbyIsKilledTwice},
        {"a standby is stopped", &Lived::StandbyIsStopped},
        {"a standby stands still", &Lived::StandbyStandsStill},
        {"the primary stands still", &Lived::PrimaryStandsStill},
        {"a standby is cut off", &Lived::StandbyIsCutOff},
        {"the primary is cut off", &Lived::PrimaryIsCutOff},
        {"a standby's disk is full", &Lived::StandbysDiskIsFull},
        {"the primary's disk is full", &Lived::PrimarysDiskIsFull},
        {"the primary's disk is full for long",
         &Lived::PrimarysDiskIsFullForLong},
        {"a standby is stopped while its disk is full",
         &Lived::StopsWhileItsDiskIsFull},
        {"a standby's disk fails", &Lived::StandbysDiskFails},
        {"a standby finds damage", &Lived::StandbyFindsDamage},
        {"a standby's disk hangs", &Lived::StandbysDiskHangs},
        {"a standby is killed while its disk hangs",
         &Lived::KilledWhileItsDiskHangs},
        {"the primary is overloaded", &Lived::PrimaryIsOverloaded},
        {"a standby's clock is wrong", &Lived::ClockIsWrong},
        {"a standby is left behind", &Lived::StandbyIsLeftBehind},
        {"all lose their power", &Lived::AllLosePower},
        {"an operator switches over", &Lived::OperatorSwitchesOver},
    };
  }

  struct Counted {
    size_t rows = 0;
    std::string text;
  };

  // ---- what it comes to

  std::string Count(size_t replica, std::optional<size_t> of, bool planned) {
    // What is counted only grows, and is the same where it is as much.
    Counted& counted_before = counted_[{replica, of, planned}];
    const size_t rows = group_.node(replica).store().state().incidents().size();
    if (!counted_before.text.empty() && counted_before.rows == rows) {
      return counted_before.text;
    }
    server::CounterOptions options;
    if (of.has_value()) options.replica = ReplicaId(*of + 1);
    options.include_planned = planned;
    v1::GetRecoveryCountersResponse counted;
    server::ToMessage(server::CountIncidents(group_.Records(replica), options),
                      counted);
    return ToText(counted);
  }

  std::string Expected(std::optional<size_t> of, bool planned) const {
    return ToText(list_.Count({.replica = of, .planned = planned}));
  }

  // The primary counts as the list does.
  void IsGoingOn() {
    const std::string expected = Expected({}, false);
    group_.RunUntil([&] { return Count(primary_, {}, false) == expected; });
    ASSERT_EQ(Count(primary_, {}, false), expected) << Logs();
  }

  // Clients wait, all replicas have the same, and all count as the list does.
  void Settle() {
    ASSERT_TRUE(group_.Hold()) << group_.violation();
    const std::string expected = Expected({}, true);
    group_.RunUntil([&] {
      return group_.AreEqual() && Count(primary_, {}, true) == expected;
    });
    ASSERT_EQ(group_.violation(), "");
    for (size_t i = 0; i < IncidentGroup::kReplicas; ++i) {
      ASSERT_EQ(Count(i, {}, true), expected) << Logs();
      for (size_t of = 0; of < IncidentGroup::kReplicas; ++of) {
        EXPECT_EQ(Count(i, of, false), Expected(of, false)) << of;
      }
    }
    ASSERT_EQ(group_.Primary(), primary_);
    ASSERT_EQ(group_.candidates(), promotions_) << "others have tried";
    turn_ = random_.Below(2);
  }

  std::string Logs() {
    std::string logs;
    for (size_t i = 0; i < IncidentGroup::kReplicas; ++i) {
      const std::string& log = group_.daemon(i).log();
      logs += log.substr(log.size() - std::min<size_t>(log.size(), 2'000));
    }
    return logs;
  }

  size_t OneStandby() const {
    return (primary_ + 1 + turn_) % IncidentGroup::kReplicas;
  }

  void Begins(size_t replica, v1::IncidentKind kind) {
    list_.Begin(replica, kind);
  }

  void Ends(size_t replica, v1::IncidentKind kind,
            v1::IncidentOutcome outcome = v1::INCIDENT_OUTCOME_SUCCESS) {
    list_.End(replica, kind, outcome);
  }

  void Adds(size_t replica, v1::IncidentKind kind,
            v1::IncidentOutcome outcome = v1::INCIDENT_OUTCOME_SUCCESS) {
    list_.Add(replica, kind, outcome);
  }

  void WillBeMissed() { Begins(primary_, v1::INCIDENT_KIND_PEER_LOST); }

  void IsMissedNoMore() { Ends(primary_, v1::INCIDENT_KIND_PEER_LOST); }

  void WaitForPrimary(const std::set<size_t>& but) {
    ASSERT_TRUE(group_.RunUntil([&] {
      const auto primary = group_.Primary();
      return primary.has_value() && !but.contains(*primary);
    })) << group_.violation();
    primary_ = *group_.Primary();
    promotions_.emplace(primary_,
                        group_.node(primary_).protocol().epoch().value());
  }

  void AnotherTakesOver(v1::IncidentOutcome lost) {
    ASSERT_NO_FATAL_FAILURE(WaitForPrimary({primary_}));
    Adds(primary_, v1::INCIDENT_KIND_PRIMARY_LOST, lost);
    Adds(primary_, v1::INCIDENT_KIND_PROMOTION);
  }

  uint64_t CommitOf(size_t replica) {
    return group_.node(replica).protocol().commit().value();
  }

  // Once more is committed than it has.
  void ComesBack(size_t replica, bool crashed) {
    const uint64_t last =
        group_.node(primary_).protocol().last().sequence.value();
    ASSERT_TRUE(group_.RunUntil([&] { return CommitOf(primary_) > last; }));
    group_.Start(replica);
    if (crashed) Adds(replica, v1::INCIDENT_KIND_CRASH_REPLAY);
    Adds(replica, v1::INCIDENT_KIND_CATCH_UP);
  }

  // ---- the faults

  void PrimaryIsKilled() {
    const size_t old = primary_;
    group_.Kill(old);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(v1::INCIDENT_OUTCOME_SUCCESS));
    ASSERT_NO_FATAL_FAILURE(ComesBack(old, /*crashed=*/true));
  }

  void StandbyIsKilled() {
    const size_t standby = OneStandby();
    WillBeMissed();
    group_.Kill(standby);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    IsMissedNoMore();
  }

  void StandbyLosesPower() {
    const size_t standby = OneStandby();
    WillBeMissed();
    group_.CutPower(standby);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    IsMissedNoMore();
  }

  // The same peer is lost once, and seen to be so twice.
  void StandbyIsKilledTwice() {
    const size_t standby = OneStandby();
    ASSERT_NO_FATAL_FAILURE(StandbyIsKilled());
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    list_.SeeAgain(primary_, v1::INCIDENT_KIND_PEER_LOST);
    group_.Kill(standby);
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    IsMissedNoMore();
  }

  void StandbyIsStopped() {
    const size_t standby = OneStandby();
    WillBeMissed();
    group_.Stop(standby);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/false));
    IsMissedNoMore();
  }

  void StandbyStandsStill() {
    WillBeMissed();
    group_.node(OneStandby()).Pause(seconds(15));
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    IsMissedNoMore();
  }

  // Clients wait for it meanwhile: it would take what they ask of it as soon as
  // it goes on, before it knows of another.
  void PrimaryStandsStill() {
    const size_t old = primary_;
    group_.node(old).Pause(seconds(15));
    ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(case_.silent_primary));
    ASSERT_TRUE(group_.RunUntil([&] {
      return !group_.node(old).paused() && !group_.node(old).leads();
    }));
    group_.GoOn();
  }

  void StandbyIsCutOff() {
    WillBeMissed();
    group_.CutOff(OneStandby());
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    group_.network().Join();
    IsMissedNoMore();
  }

  // What only it has is cut off its journal.
  void PrimaryIsCutOff() {
    const size_t old = primary_;
    group_.CutOff(old);
    const uint64_t entries = 1 + random_.Below(3);
    for (uint64_t i = 0; i < entries; ++i) ProposeTo(old);
    ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(case_.silent_primary));
    ASSERT_TRUE(group_.RunUntil([&] { return !group_.node(old).leads(); }));
    const uint64_t last = group_.node(old).protocol().last().sequence.value();
    ASSERT_EQ(last - CommitOf(old), entries);
    group_.GoOn();
    ASSERT_TRUE(group_.RunUntil([&] { return CommitOf(primary_) > last; }));
    group_.network().Join();
    Adds(old, v1::INCIDENT_KIND_ROLLBACK);
    list_.AddRolledBack(old, entries);
  }

  // An entry of its own.
  void ProposeTo(size_t replica) {
    group_.Do(replica, [this, replica](Replica& leader) {
      std::vector<replication::Proposal> proposals(1);
      Account account;
      account.id = AccountId(1'000 + ++accounts_);
      account.ledger = 1;
      account.code = 1;
      proposals.front().command = MakeCommand<Account>(
          EntryKind::kCreateAccounts, std::vector<Account>{account});
      const replication::Now now = group_.node(replica).ReadClock();
      proposals.front().deadline = now.steady + std::chrono::minutes(1);
      proposals.front().done = [](const absl::StatusOr<EntryResult>&) {};
      leader.OnProposals(std::move(proposals), now);
    });
    group_.RunFor(milliseconds(5));
  }

  void StandbysDiskIsFull() {
    const size_t standby = OneStandby();
    Begins(standby, v1::INCIDENT_KIND_DISK_FULL);
    group_.node(standby).SetDiskFull(true);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    group_.RunFor(kLong);
    group_.node(standby).SetDiskFull(false);
    Ends(standby, v1::INCIDENT_KIND_DISK_FULL);
  }

  // A primary whose journal does not get on sends no heartbeats (rule 4): where
  // less than `length` of silence is borne, one with space takes over, and
  // writes are held up no longer.
  void PrimarysDiskIsFullFor(microseconds length, v1::IncidentOutcome outcome) {
    const size_t old = primary_;
    group_.node(old).SetDiskFull(true);
    group_.GoOn();
    ASSERT_TRUE(
        group_.RunUntil([&] { return group_.node(old).waits_for_space(); }));
    if (case_.silent_primary == v1::INCIDENT_OUTCOME_SUCCESS) {
      ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(case_.silent_primary));
      outcome = v1::INCIDENT_OUTCOME_SUCCESS;
    } else {
      group_.RunFor(length);
    }
    group_.node(old).SetDiskFull(false);
    Adds(old, v1::INCIDENT_KIND_DISK_FULL, outcome);
  }

  void PrimarysDiskIsFull() {
    PrimarysDiskIsFullFor(kShort, v1::INCIDENT_OUTCOME_SUCCESS);
  }

  void PrimarysDiskIsFullForLong() {
    PrimarysDiskIsFullFor(kLong, v1::INCIDENT_OUTCOME_FAILED);
  }

  void StopsWhileItsDiskIsFull() {
    const size_t standby = OneStandby();
    Begins(standby, v1::INCIDENT_KIND_DISK_FULL);
    group_.node(standby).SetDiskFull(true);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    WillBeMissed();
    group_.Stop(standby);
    group_.node(standby).SetDiskFull(false);
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/false));
    Ends(standby, v1::INCIDENT_KIND_DISK_FULL, v1::INCIDENT_OUTCOME_ABORTED);
    IsMissedNoMore();
  }

  // It starts again by itself, and is not heard before more is committed than
  // it has.
  void HaltsAndComesBack(size_t standby, v1::IncidentKind kind) {
    Node& node = group_.node(standby);
    ASSERT_TRUE(group_.RunUntil([&] { return !node.up(); }));
    group_.RunFor(milliseconds(2));
    group_.CutOff(standby);
    ASSERT_TRUE(group_.RunUntil([&] {
      return node.up() &&
             CommitOf(primary_) > node.protocol().last().sequence.value();
    }));
    group_.RunFor(milliseconds(20));
    group_.network().Join();
    Adds(standby, kind);
    Adds(standby, v1::INCIDENT_KIND_CRASH_REPLAY);
    Adds(standby, v1::INCIDENT_KIND_CATCH_UP);
    Adds(primary_, v1::INCIDENT_KIND_PEER_LOST);
  }

  void StandbysDiskFails() {
    const size_t standby = OneStandby();
    group_.node(standby).FailNextSync();
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(
        HaltsAndComesBack(standby, v1::INCIDENT_KIND_DISK_ERROR));
  }

  void StandbyFindsDamage() {
    const size_t standby = OneStandby();
    group_.GoOn();
    group_.Do(standby, [](Replica& replica) {
      replica.Halt(absl::DataLossError("a table is damaged"));
    });
    ASSERT_NO_FATAL_FAILURE(
        HaltsAndComesBack(standby, v1::INCIDENT_KIND_CORRUPTION));
  }

  void StandbysDiskHangs() {
    const size_t standby = OneStandby();
    Begins(standby, v1::INCIDENT_KIND_STALL);
    group_.node(standby).HangDisk(true);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    group_.RunFor(kLong);
    group_.node(standby).HangDisk(false);
    Ends(standby, v1::INCIDENT_KIND_STALL);
  }

  void KilledWhileItsDiskHangs() {
    const size_t standby = OneStandby();
    Begins(standby, v1::INCIDENT_KIND_STALL);
    group_.node(standby).HangDisk(true);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    WillBeMissed();
    group_.Kill(standby);
    group_.node(standby).HangDisk(false);
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    Ends(standby, v1::INCIDENT_KIND_STALL, v1::INCIDENT_OUTCOME_FAILED);
    IsMissedNoMore();
  }

  void PrimaryIsOverloaded() {
    Begins(primary_, v1::INCIDENT_KIND_OVERLOAD);
    group_.daemon(primary_).Refuse(random_.Between(1, 100));
    group_.GoOn();
    Ends(primary_, v1::INCIDENT_KIND_OVERLOAD);
  }

  void ClockIsWrong() {
    const size_t standby = OneStandby();
    const microseconds by = seconds(random_.OneIn(2) ? 2 : -2);
    Begins(standby, v1::INCIDENT_KIND_CLOCK_SKEW);
    group_.node(standby).JumpClock(by);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    group_.node(standby).JumpClock(-by);
    Ends(standby, v1::INCIDENT_KIND_CLOCK_SKEW);
  }

  void StandbyIsLeftBehind() {
    const size_t standby = OneStandby();
    const Sequence last = group_.node(standby).protocol().last().sequence;
    WillBeMissed();
    group_.Kill(standby);
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    const auto reaches_back = [&] {
      return group_.node(primary_).journal_base() <= last;
    };
    for (int i = 0; i < 1'000 && reaches_back(); ++i) {
      group_.RunFor(seconds(1));
    }
    ASSERT_FALSE(reaches_back()) << group_.violation();
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    Adds(standby, v1::INCIDENT_KIND_RESYNC);
    IsMissedNoMore();
  }

  // Two are a majority, and the third has something to catch up with.
  void AllLosePower() {
    const size_t last = OneStandby();
    for (size_t i = 0; i < IncidentGroup::kReplicas; ++i) {
      group_.CutPower(i);
      Adds(i, v1::INCIDENT_KIND_CRASH_REPLAY);
    }
    for (size_t i = 0; i < IncidentGroup::kReplicas; ++i) {
      if (i != last) group_.Start(i);
    }
    group_.GoOn();
    ASSERT_NO_FATAL_FAILURE(WaitForPrimary({}));
    Adds(primary_, v1::INCIDENT_KIND_PROMOTION);
    ASSERT_NO_FATAL_FAILURE(ComesBack(last, /*crashed=*/false));
  }

  void OperatorSwitchesOver() {
    const size_t old = primary_;
    const size_t target = OneStandby();
    group_.GoOn();
    group_.Do(old, [this, old, target](Replica& replica) {
      replica.OnEvent(replication::SwitchoverRequested{ReplicaId(target + 1)},
                      group_.node(old).ReadClock());
    });
    ASSERT_NO_FATAL_FAILURE(WaitForPrimary({old}));
    ASSERT_EQ(primary_, target);
    Adds(target, v1::INCIDENT_KIND_SWITCHOVER);
  }

  const Case case_;
  model::Random random_;
  IncidentGroup group_;
  FaultList list_;
  size_t primary_ = 0;
  size_t turn_ = 0;
  uint64_t accounts_ = 0;
  std::map<std::tuple<size_t, std::optional<size_t>, bool>, Counted> counted_;
  // Who has begun which epoch.
  std::set<std::pair<size_t, uint64_t>> promotions_;
};

class IncidentListTest : public testing::TestWithParam<Case> {};

TEST_P(IncidentListTest, IsCountedKindByKind) {
  Lived lived(TestSeed(), GetParam());
  lived.Run();
}

INSTANTIATE_TEST_SUITE_P(Silences, IncidentListTest,
                         testing::Values(Case{50, v1::INCIDENT_OUTCOME_SUCCESS},
                                         Case{400,
                                              v1::INCIDENT_OUTCOME_FAILED}));

}  // namespace
}  // namespace ledgerd::sim
