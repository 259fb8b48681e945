// Recovery is counted: each kill -9 of a daemon is one crash replay, and what
// else it causes is counted by its kind, in the journal, on every replica, and
// for good.
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "admin/v1/admin.pb.h"
#include "client/ledger_client.h"
#include "proto/types.h"
#include "tests/integration/live_group.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/recovery_count.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::admin::v1;

using std::chrono::milliseconds;

constexpr milliseconds kLimit(60'000);
// A busy machine's disk is no fault that a test has made.
constexpr char kNoWriteIsSlow[] = "--journal-slow-write-ms=600000";

// The successful ones of all, of one kind: "3/4".
std::string OfKind(const v1::Rate& rate, v1::IncidentKind kind) {
  for (const v1::RateByKind& count : rate.by_kind()) {
    if (count.kind() != kind) continue;
    return absl::StrCat(count.successful(), "/", count.total());
  }
  return "0/0";
}

std::string Replays(const v1::GetRecoveryCountersResponse& counted) {
  return OfKind(counted.recovery(), v1::INCIDENT_KIND_CRASH_REPLAY);
}

// Waits until it says so.
testing::AssertionResult HasReplays(DaemonProcess& daemon,
                                    const std::string& expected) {
  std::string last = "no answer";
  const bool said = WaitUntil(kLimit, [&] {
    const auto counted = CountRecovery(daemon);
    if (!counted.has_value()) return false;
    last = counted->ShortDebugString();
    return Replays(*counted) == expected &&
           counted->counting().successful() == counted->counting().total() &&
           counted->counting().in_progress() == 0;
  });
  if (said) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "not " << expected << " crash replays: " << last << "\n"
         << daemon.Log();
}

TEST(IncidentsTest, EachKillIsOneCrashReplayAndACleanStopIsNone) {
  LiveLedger ledger({kNoWriteIsSlow});
  ASSERT_TRUE(ledger.Start().ok());
  const auto first = CountRecovery(ledger.daemon());
  ASSERT_TRUE(first.has_value()) << ledger.daemon().Log();
  EXPECT_EQ(first->recovery().total(), 0u);
  EXPECT_FALSE(first->recovery().has_ratio());
  for (int kill = 1; kill <= 3; ++kill) {
    ASSERT_TRUE(ledger.daemon().Kill9().ok());
    ASSERT_TRUE(ledger.Start().ok());
    EXPECT_TRUE(HasReplays(ledger.daemon(), absl::StrCat(kill, "/", kill)));
  }
  // What the journal says holds when it is in a checkpoint, too.
  ASSERT_EQ(ledger.daemon().Terminate(), 0) << ledger.daemon().Log();
  ASSERT_TRUE(ledger.Start().ok());
  EXPECT_TRUE(HasReplays(ledger.daemon(), "3/3"));
  const auto counted = CountRecovery(ledger.daemon());
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->recovery().total(), 3u);
  EXPECT_EQ(counted->recovery().ratio(), 1.0);
  EXPECT_EQ(counted->tolerance().total(), 0u);
  EXPECT_TRUE(counted->recovery().has_max());

  const Finished shown =
      Ledgerctl({"counters", "-o", "json",
                 "--admin-address=" + ledger.daemon().admin_address()});
  EXPECT_EQ(shown.exit_code, 0) << shown.errors;
  EXPECT_TRUE(absl::StrContains(
      shown.output,
      R"("rate":"R recovery","kind":"crash_replay","successful":3,"total":3)"))
      << shown.output;
  const Finished listed =
      Ledgerctl({"incidents", "-o", "json",
                 "--admin-address=" + ledger.daemon().admin_address()});
  EXPECT_EQ(listed.exit_code, 0) << listed.errors;
  EXPECT_TRUE(absl::StrContains(listed.output, R"("outcome":"success")"))
      << listed.output;
}

using Kinds = std::map<v1::IncidentKind, uint64_t>;

// All that have ended and were not aborted; of promotions those that succeeded:
// two replicas may begin one at once.
Kinds EndedOf(const v1::GetRecoveryCountersResponse& counted) {
  Kinds ended;
  for (const v1::Rate* rate :
       {&counted.recovery(), &counted.tolerance(), &counted.failover()}) {
    for (const v1::RateByKind& kind : rate->by_kind()) {
      const uint64_t count = kind.kind() == v1::INCIDENT_KIND_PROMOTION
                                 ? kind.successful()
                                 : kind.total();
      if (count > 0) ended[kind.kind()] += count;
    }
  }
  return ended;
}

std::string ToText(const Kinds& kinds) {
  std::string text;
  for (const auto& [kind, count] : kinds) {
    absl::StrAppend(&text, v1::IncidentKind_Name(kind), " ", count, "\n");
  }
  return text;
}

class GroupIncidentsTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  void TearDown() override {
    if (HasFailure()) std::cout << group_.Logs();
  }

  void Relaunch(size_t replica) {
    ASSERT_TRUE(group_.Launch(replica).ok());
    const absl::Status ready = group_.daemon(replica).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }

  // On every replica, and the same of everything at the same sequence.
  void ExpectReplaysEverywhere(const std::string& expected) {
    for (size_t i = 0; i < group_.size(); ++i) {
      ASSERT_TRUE(HasReplays(group_.daemon(i), expected)) << "replica " << i;
    }
    ExpectTheSameEverywhere();
  }

  void ExpectTheSameEverywhere() {
    std::vector<v1::GetRecoveryCountersResponse> all;
    ASSERT_TRUE(WaitUntil(kLimit, [&] { return CountAtOneSequence(all); }));
    for (const v1::GetRecoveryCountersResponse& one : all) {
      EXPECT_EQ(one.SerializeAsString(), all[0].SerializeAsString())
          << one.DebugString() << "\nis not\n"
          << all[0].DebugString();
    }
  }

  // False when one had applied more than another meanwhile.
  bool CountAtOneSequence(std::vector<v1::GetRecoveryCountersResponse>& all) {
    all.clear();
    for (size_t i = 0; i < group_.size(); ++i) {
      auto counted = CountRecovery(group_.daemon(i));
      if (!counted.has_value()) return false;
      all.push_back(*std::move(counted));
      if (all[i].sequence() != all[0].sequence()) return false;
    }
    return true;
  }

  // Waits until nothing is in progress, and so many of each kind have ended.
  void ExpectKinds(const Kinds& expected) {
    Kinds last;
    ASSERT_TRUE(WaitUntil(
        kLimit,
        [&] {
          const auto counted = CountRecovery(group_.daemon(0));
          if (!counted.has_value()) return false;
          last = EndedOf(*counted);
          return counted->counting().in_progress() == 0 && last == expected;
        }))
        << "counted are\n"
        << ToText(last) << "and not\n"
        << ToText(expected);
  }

  // Waits until the primary has told the group that it misses one.
  void WaitUntilMissed(size_t primary) {
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      const auto counted = CountRecovery(group_.daemon(primary));
      return counted.has_value() && counted->tolerance().in_progress() == 1;
    }));
  }

  void KillStandby(size_t primary, size_t standby) {
    ASSERT_TRUE(group_.Kill(standby).ok());
    ++expected_[v1::INCIDENT_KIND_PEER_LOST];
    ASSERT_NO_FATAL_FAILURE(WaitUntilMissed(primary));
    ++expected_[v1::INCIDENT_KIND_CRASH_REPLAY];
    ++expected_[v1::INCIDENT_KIND_CATCH_UP];
    ASSERT_NO_FATAL_FAILURE(Relaunch(standby));
    ASSERT_NO_FATAL_FAILURE(ExpectKinds(expected_));
  }

  void StopStandby(size_t primary, size_t standby) {
    ASSERT_EQ(group_.Terminate(standby), 0);
    ++expected_[v1::INCIDENT_KIND_PEER_LOST];
    ASSERT_NO_FATAL_FAILURE(WaitUntilMissed(primary));
    ++expected_[v1::INCIDENT_KIND_CATCH_UP];
    ASSERT_NO_FATAL_FAILURE(Relaunch(standby));
    ASSERT_NO_FATAL_FAILURE(ExpectKinds(expected_));
  }

  void KillPrimary(size_t primary) {
    ASSERT_TRUE(group_.Kill(primary).ok());
    ++expected_[v1::INCIDENT_KIND_PRIMARY_LOST];
    ++expected_[v1::INCIDENT_KIND_PROMOTION];
    ASSERT_TRUE(group_.WaitForPrimary({primary}).has_value());
    ++expected_[v1::INCIDENT_KIND_CRASH_REPLAY];
    ++expected_[v1::INCIDENT_KIND_CATCH_UP];
    ASSERT_NO_FATAL_FAILURE(Relaunch(primary));
    ASSERT_NO_FATAL_FAILURE(ExpectKinds(expected_));
  }

  Kinds expected_;
  // Slow enough that nobody is replaced for being slow; one whose process is
  // gone is not waited for.
  LiveGroup group_{3,
                   /*last_is_witness=*/false,
                   {"--replication-heartbeat-ms=50",
                    "--replication-timeout-ms=6000", kNoWriteIsSlow}};
};

TEST_F(GroupIncidentsTest, EveryReplicaCountsWhatAnyHasLivedThrough) {
  ASSERT_NO_FATAL_FAILURE(ExpectReplaysEverywhere("0/0"));
  // Each in turn: one of them is the primary.
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Kill(i).ok());
    ASSERT_NO_FATAL_FAILURE(Relaunch(i));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectReplaysEverywhere("3/3"));
  for (size_t i = 0; i < group_.size(); ++i) {
    const auto own = CountRecovery(group_.daemon(i), v1::SCOPE_REPLICA);
    ASSERT_TRUE(own.has_value());
    EXPECT_EQ(Replays(*own), "1/1") << "replica " << i;
  }
  // All at once.
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Kill(i).ok());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Launch(i).ok());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    const absl::Status ready = group_.daemon(i).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  ASSERT_NO_FATAL_FAILURE(ExpectReplaysEverywhere("6/6"));
}

TEST_F(GroupIncidentsTest, AKnownListOfFaultsIsCountedKindByKind) {
  const auto first = group_.WaitForPrimary();
  ASSERT_TRUE(first.has_value());
  const size_t one = (*first + 1) % group_.size();
  const size_t other = (*first + 2) % group_.size();
  ASSERT_NO_FATAL_FAILURE(ExpectKinds(expected_));
  ASSERT_NO_FATAL_FAILURE(KillStandby(*first, one));
  ASSERT_NO_FATAL_FAILURE(KillStandby(*first, other));
  ASSERT_NO_FATAL_FAILURE(KillPrimary(*first));
  const auto second = group_.WaitForPrimary();
  ASSERT_TRUE(second.has_value());
  ASSERT_NO_FATAL_FAILURE(StopStandby(*second, *first));
  ASSERT_NO_FATAL_FAILURE(KillPrimary(*second));
  const auto third = group_.WaitForPrimary();
  ASSERT_TRUE(third.has_value());

  const auto moved = group_.Switchover(*third, *second);
  ASSERT_TRUE(moved.ok()) << moved.status();
  // Planned ones are asked for.
  EXPECT_TRUE(WaitUntil(kLimit, [&] {
    const auto counted = CountRecovery(group_.daemon(0), v1::SCOPE_GROUP, true);
    return counted.has_value() &&
           OfKind(counted->failover(), v1::INCIDENT_KIND_SWITCHOVER) == "1/1";
  }));
  ASSERT_NO_FATAL_FAILURE(ExpectKinds(expected_));
  ASSERT_NO_FATAL_FAILURE(ExpectTheSameEverywhere());
  const auto counted = CountRecovery(group_.daemon(0));
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->recovery().successful(), counted->recovery().total());
  EXPECT_EQ(counted->companions().lost_entries(), 0u);
}

// Of clients' writes, and the same on every replica.
TEST_F(GroupIncidentsTest, CompletionSurvivesAKillOfAllReplicas) {
  client::LedgerClient client(
      {.addresses = group_.addresses(), .timeout = kLimit});
  uint64_t written = 0;
  const auto write = [&] {
    const auto made = client.CreateAccounts(
        {{.id = AccountId(++written), .ledger = 1, .code = 1}});
    ASSERT_TRUE(made.ok()) << made.status();
  };
  const auto all_say = [&](uint64_t least, uint64_t most) {
    v1::Rate last;
    EXPECT_TRUE(WaitUntil(
        kLimit,
        [&] {
          std::vector<v1::GetRecoveryCountersResponse> all;
          if (!CountAtOneSequence(all)) return false;
          last = all[0].completion();
          for (const v1::GetRecoveryCountersResponse& one : all) {
            if (one.completion().SerializeAsString() !=
                last.SerializeAsString()) {
              return false;
            }
          }
          return last.in_progress() == 0 && last.total() >= least &&
                 last.total() <= most && last.successful() == last.total();
        }))
        << last.DebugString() << least << " to " << most;
  };
  const auto counted = CountRecovery(group_.daemon(0));
  ASSERT_TRUE(counted.has_value());
  EXPECT_FALSE(counted->completion().has_ratio());
  // Longer than what may be missing in the end.
  uint64_t early = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < milliseconds(5'000)) {
    ASSERT_NO_FATAL_FAILURE(write());
    if (std::chrono::steady_clock::now() - begin < milliseconds(2'500)) {
      early = written;
    }
  }
  ASSERT_NO_FATAL_FAILURE(all_say(written, written));
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Kill(i).ok());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    ASSERT_TRUE(group_.Launch(i).ok());
  }
  for (size_t i = 0; i < group_.size(); ++i) {
    const absl::Status ready = group_.daemon(i).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  ASSERT_NO_FATAL_FAILURE(all_say(early, written));
  ASSERT_NO_FATAL_FAILURE(write());
  ASSERT_NO_FATAL_FAILURE(all_say(early + 1, written));
}

}  // namespace
}  // namespace ledgerd::integration
