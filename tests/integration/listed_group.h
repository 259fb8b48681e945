// A fixture: a group of daemons on machines whose faults a test switches on and
// off, clients that pay, and the list of what was done to the group, by which
// its recovery counters have to go.
//
//   class MyTest : public ListedGroup { ... : ListedGroup(flags) };
//   StartAndSettle();
//   WillBeMissed(standby);  group_.Kill(standby);
//   IsGoingOn();                       // the primary counts one in progress
//   ComesBack(standby, /*crashed=*/true);  IsMissedNoMore();
//   Settle();                          // all replicas count what the list has
//
// Shape    One fault after the other. Clients wait while the group is at rest,
//          between a Settle and the load_.GoOn that the fault brings.
#ifndef LEDGERD_TESTS_INTEGRATION_LISTED_GROUP_H_
#define LEDGERD_TESTS_INTEGRATION_LISTED_GROUP_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "admin/v1/admin.pb.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/fault_list.h"
#include "tests/integration/faulty_machines.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/recovery_count.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {

class ListedGroup : public GroupUnderLoad {
 protected:
  using Counted = admin::v1::GetRecoveryCountersResponse;

  static constexpr size_t kReplicas = 3;
  static constexpr std::chrono::milliseconds kLimit{60'000};
  static constexpr std::chrono::milliseconds kPatience{30'000};

  explicit ListedGroup(std::vector<std::string> flags)
      : GroupUnderLoad(kReplicas, /*last_is_witness=*/false, std::move(flags),
                       std::make_unique<FaultyMachines>(kReplicas),
                       /*clients=*/1) {}

  // Requires: nothing has happened to it yet.
  void StartAndSettle() {
    ASSERT_NO_FATAL_FAILURE(Start());
    load_.Start();
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    primary_ = *primary;
    ASSERT_NO_FATAL_FAILURE(Settle());
  }

  // ---- what there is to do it to

  size_t OneStandby() const { return (primary_ + 1 + turn_) % kReplicas; }

  size_t OtherStandby() const { return (primary_ + 2 - turn_) % kReplicas; }

  MachineFaults& MachineOf(size_t replica) {
    return dynamic_cast<FaultyMachines&>(group_.network()).of(replica);
  }

  void Signal(size_t replica, int signal) {
    group_.daemon(replica).process().Signal(signal);
  }

  void CutOff(size_t replica, bool cut) {
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i == replica) continue;
      group_.network().Cut(replica, i, cut);
      group_.network().Cut(i, replica, cut);
    }
  }

  // ---- what it comes to

  // Replica `replica` is about to raise one, because of `of`: waits until that
  // would be another one than that before. So do clients: whom nobody feeds by
  // then would be left behind the journal.
  void Begins(size_t replica, admin::v1::IncidentKind kind, size_t of) {
    load_.Hold();
    WaitUntilForgotten({replica, kind, of});
    now_.insert({replica, kind, of});
    list_.Begin(replica, kind);
  }

  void Begins(size_t replica, admin::v1::IncidentKind kind) {
    Begins(replica, kind, replica);
  }

  void Succeeds(size_t replica, admin::v1::IncidentKind kind) {
    list_.End(replica, kind, admin::v1::INCIDENT_OUTCOME_SUCCESS);
  }

  void Succeeded(size_t replica, admin::v1::IncidentKind kind) {
    list_.Add(replica, kind, admin::v1::INCIDENT_OUTCOME_SUCCESS);
  }

  // Before `replica` is made to fall silent.
  void WillBeMissed(size_t replica) {
    Begins(primary_, admin::v1::INCIDENT_KIND_PEER_LOST, replica);
  }

  void IsMissedNoMore() {
    Succeeds(primary_, admin::v1::INCIDENT_KIND_PEER_LOST);
  }

  // Clients pay meanwhile: waits until the primary counts as the list does.
  void IsGoingOn() {
    load_.GoOn();
    const std::string expected = ToText(list_.Count({}));
    std::string last;
    ASSERT_TRUE(WaitUntil(kLimit,
                          [&] {
                            const auto counted =
                                CountRecovery(group_.daemon(primary_));
                            if (counted.has_value()) last = ToText(*counted);
                            return last == expected;
                          }))
        << "counted is\n"
        << last << "and not\n"
        << expected;
  }

  // Whoever takes over from the primary.
  void AnotherTakesOver(admin::v1::IncidentOutcome lost) {
    const size_t old = primary_;
    const auto next = group_.WaitForPrimary({old});
    ASSERT_TRUE(next.has_value());
    primary_ = *next;
    now_.insert({primary_, admin::v1::INCIDENT_KIND_PRIMARY_LOST, old});
    list_.Add(primary_, admin::v1::INCIDENT_KIND_PRIMARY_LOST, lost);
    Succeeded(primary_, admin::v1::INCIDENT_KIND_PROMOTION);
  }

  // Before that.
  void PrimaryWillBeLost() {
    for (const size_t standby : {OneStandby(), OtherStandby()}) {
      WaitUntilForgotten(
          {standby, admin::v1::INCIDENT_KIND_PRIMARY_LOST, primary_});
    }
  }

  // A replica whose process has ended, after which more was committed.
  void ComesBack(size_t replica, bool crashed) {
    const uint64_t end = group_.WaitForStatus(primary_).journal_last_sequence();
    load_.GoOn();
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      return group_.WaitForStatus(primary_).commit_sequence() > end;
    }));
    ASSERT_TRUE(group_.Launch(replica).ok());
    const absl::Status ready = group_.daemon(replica).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
    if (crashed) Succeeded(replica, admin::v1::INCIDENT_KIND_CRASH_REPLAY);
    Succeeded(replica, admin::v1::INCIDENT_KIND_CATCH_UP);
  }

  // How often a replica's process has seen a fault of that kind so far.
  size_t TimesSeen(size_t replica, const std::string& kind) {
    const std::string log = group_.daemon(replica).Log();
    const std::string word = "incident kind=" + kind + " ";
    size_t times = 0;
    for (size_t at = log.find(word); at != std::string::npos;
         at = log.find(word, at + 1)) {
      ++times;
    }
    return times;
  }

  // Clients wait, all replicas have the same, and each says of itself and of
  // the group what the list says.
  void Settle() {
    load_.Hold();
    ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
    const Counted expected = list_.Count({});
    std::vector<Counted> all;
    if (!WaitUntil(kLimit, [&] {
          return CountAtOneSequence(all) &&
                 ToText(all[0]) == ToText(expected) && AllSayWithPlanned();
        })) {
      std::cout << group_.Logs();
    }
    ASSERT_EQ(all.size(), kReplicas);
    for (const Counted& one : all) {
      ASSERT_EQ(ToText(one), ToText(expected));
      EXPECT_EQ(one.SerializeAsString(), all[0].SerializeAsString());
    }
    for (size_t i = 0; i < kReplicas; ++i) {
      EXPECT_EQ(Say(i, admin::v1::SCOPE_REPLICA, false),
                ToText(list_.Count({.replica = i})))
          << "replica " << i + 1;
      EXPECT_EQ(Say(i, admin::v1::SCOPE_GROUP, true),
                ToText(list_.Count({.planned = true})));
    }
    ASSERT_EQ(group_.Primary(), primary_);
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i != primary_) has_followed_.insert(i);
    }
    for (const Cause& cause : now_) last_[cause] = Clock::now();
    now_.clear();
  }

  FaultList list_;
  size_t primary_ = 0;
  // Since their processes began.
  std::set<size_t> has_followed_;
  // Which standby is hit first: 0 or 1.
  size_t turn_ = Draw(2);

 private:
  // By whom, of what kind, because of whom.
  using Cause = std::tuple<size_t, admin::v1::IncidentKind, size_t>;

  // Raised again within 10 s of its end, the same cause is the same incident:
  // that is a rule about time, so time is what is waited for.
  static constexpr std::chrono::seconds kSameCause{11};

  void WaitUntilForgotten(const Cause& cause) const {
    const auto before = last_.find(cause);
    if (before == last_.end()) return;
    WaitUntil(2 * kSameCause, [&before] {
      return Clock::now() >= before->second + kSameCause;
    });
  }

  std::string Say(size_t replica, admin::v1::Scope scope, bool planned) {
    const auto counted = CountRecovery(group_.daemon(replica), scope, planned);
    return counted.has_value() ? ToText(*counted) : "no answer";
  }

  // A switchover changes only these.
  bool AllSayWithPlanned() {
    const std::string expected = ToText(list_.Count({.planned = true}));
    for (size_t i = 0; i < kReplicas; ++i) {
      if (Say(i, admin::v1::SCOPE_GROUP, true) != expected) return false;
    }
    return true;
  }

  // False when one had applied more than another meanwhile.
  bool CountAtOneSequence(std::vector<Counted>& all) {
    all.clear();
    for (size_t i = 0; i < kReplicas; ++i) {
      auto counted = CountRecovery(group_.daemon(i));
      if (!counted.has_value()) return false;
      // A replica that had a checkpoint knows of clients' writes only what was
      // noted.
      counted->clear_completion();
      all.push_back(*std::move(counted));
    }
    return std::all_of(all.begin(), all.end(), [&](const Counted& one) {
      return one.sequence() == all[0].sequence();
    });
  }

  std::set<Cause> now_;
  std::map<Cause, Clock::time_point> last_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_LISTED_GROUP_H_
