// Groups of real daemons on networks that are cut, silently: nobody is told, in
// both directions or in one. Whoever has a majority goes on, whoever has none
// acknowledges nothing, and after it all are one group again.
//
// Run twice: with a network in the kernel (group_partition_kernel_test) and
// with one of proxies, where a direction that is cut leaves the other whole.
// LEDGERD_PARTITIONS sets how often a primary is cut off from all (2 by
// default).
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/integration/counted_incidents.h"
#include "tests/integration/cuttable_network.h"
#include "tests/integration/group_network.h"
#include "tests/integration/group_under_load.h"

namespace ledgerd::integration {
namespace {

constexpr size_t kReplicas = 3;
constexpr std::chrono::milliseconds kGapWanted(3'000);

class GroupPartitionTest : public GroupUnderLoad {
 protected:
  explicit GroupPartitionTest(std::vector<std::string> flags = {})
      : GroupUnderLoad(kReplicas, /*last_is_witness=*/false, std::move(flags),
                       MakeCuttableNetwork(kReplicas)) {}

  void SetUp() override {
    Start();
    ASSERT_FALSE(HasFatalFailure());
    load_.Start();
    ASSERT_NO_FATAL_FAILURE(FindPrimary());
  }

  void FindPrimary() {
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    primary_ = *primary;
  }

  // What one replica says does not reach the others.
  void CutWords(size_t replica, bool cut) {
    for (size_t i = 0; i < group_.size(); ++i) {
      if (i != replica) group_.network().Cut(replica, i, cut);
    }
  }

  // What the others say does not reach one.
  void CutHearing(size_t replica, bool cut) {
    for (size_t i = 0; i < group_.size(); ++i) {
      if (i != replica) group_.network().Cut(i, replica, cut);
    }
  }

  // From clients, too.
  void CutFromAll(size_t replica, bool cut) {
    CutWords(replica, cut);
    CutHearing(replica, cut);
    group_.network().Cut(replica, GroupNetwork::kClients, cut);
    group_.network().Cut(GroupNetwork::kClients, replica, cut);
  }

  // Another takes over meanwhile, and payments go on.
  void ExpectAnother() {
    const auto next = group_.WaitForPrimary({primary_});
    ASSERT_TRUE(next.has_value()) << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(Progress(100));
  }

  // The one that was primary had entries that nobody else had.
  void ExpectRollback() {
    EXPECT_TRUE(WaitUntil(kProgressLimit,
                          [&] {
                            return HasIncident(group_.daemon(primary_),
                                               "rollback", "success");
                          }))
        << IncidentsOf(group_.daemon(primary_), "rollback") << group_.Logs();
  }

  // After cuts that have had their effect.
  void SettleAndCompare() {
    const auto swallowed = group_.network().swallowed();
    if (swallowed.has_value()) {
      std::cout << *swallowed << " packets were swallowed\n";
      EXPECT_GT(*swallowed, 0u) << "nothing was cut";
    }
    ASSERT_NO_FATAL_FAILURE(Progress(100));
    ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
    ASSERT_NO_FATAL_FAILURE(CompareStates(kReplicas));
  }

  size_t primary_ = 0;
};

TEST_F(GroupPartitionTest, APrimaryThatIsCutOffFromTheOthersIsReplaced) {
  NoteFault();
  CutWords(primary_, true);
  CutHearing(primary_, true);
  ASSERT_NO_FATAL_FAILURE(ExpectAnother());
  CutWords(primary_, false);
  CutHearing(primary_, false);
  ExpectRollback();
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
}

TEST_F(GroupPartitionTest, APrimaryThatNobodyHearsIsReplaced) {
  NoteFault();
  CutWords(primary_, true);
  ASSERT_NO_FATAL_FAILURE(ExpectAnother());
  CutWords(primary_, false);
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
}

// Its heartbeats go on, and are not enough to be followed.
TEST_F(GroupPartitionTest, APrimaryThatHearsNobodyIsReplaced) {
  NoteFault();
  CutHearing(primary_, true);
  ASSERT_NO_FATAL_FAILURE(ExpectAnother());
  CutHearing(primary_, false);
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
}

// Where nobody is to take over: after so long a silence that a busy machine
// does not make it.
class PatientPartitionTest : public GroupPartitionTest {
 protected:
  PatientPartitionTest()
      : GroupPartitionTest({"--replication-timeout-ms=3000"}) {}

  // As the primary says: not for longer than its timeout.
  bool IsHeard(size_t replica) {
    const auto status = group_.WaitForStatus(primary_);
    for (const auto& member : status.replicas()) {
      if (member.replica_id() != replica + 1) continue;
      return member.connected() && member.since_heartbeat().seconds() < 4;
    }
    return false;
  }
};

TEST_F(PatientPartitionTest, AStandbyThatIsCutOffHoldsNobodyUp) {
  const size_t standby = (primary_ + 1) % group_.size();
  const uint64_t epoch = group_.WaitForStatus(primary_).epoch();
  CutWords(standby, true);
  CutHearing(standby, true);
  ASSERT_TRUE(WaitUntil(kProgressLimit, [&] { return !IsHeard(standby); }))
      << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(500));
  EXPECT_EQ(group_.WaitForPrimary({standby}), primary_);
  EXPECT_EQ(group_.WaitForStatus(primary_).epoch(), epoch);
  CutWords(standby, false);
  CutHearing(standby, false);
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
}

// It asks each time whether to promote, and nobody would leave the primary.
TEST_F(PatientPartitionTest, AStandbyThatComesAndGoesDeposesNobody) {
  const size_t standby = (primary_ + 1) % group_.size();
  const uint64_t epoch = group_.WaitForStatus(primary_).epoch();
  for (int times = 0; times < 2; ++times) {
    for (const bool cut : {true, false}) {
      CutWords(standby, cut);
      CutHearing(standby, cut);
      ASSERT_TRUE(WaitUntil(kProgressLimit, [&] {
        return IsHeard(standby) != cut;
      })) << group_.Logs();
      ASSERT_NO_FATAL_FAILURE(Progress(100));
    }
  }
  EXPECT_EQ(group_.WaitForPrimary(), primary_);
  EXPECT_EQ(group_.WaitForStatus(primary_).epoch(), epoch);
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
}

// The third one hears both.
TEST_F(PatientPartitionTest, AStandbyThatHearsTheOtherOneAloneDeposesNobody) {
  const size_t standby = (primary_ + 1) % group_.size();
  const uint64_t epoch = group_.WaitForStatus(primary_).epoch();
  const auto cut_between = [&](bool cut) {
    group_.network().Cut(primary_, standby, cut);
    group_.network().Cut(standby, primary_, cut);
  };
  cut_between(true);
  ASSERT_TRUE(WaitUntil(kProgressLimit, [&] { return !IsHeard(standby); }))
      << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(500));
  EXPECT_EQ(group_.WaitForPrimary({standby}), primary_);
  EXPECT_EQ(group_.WaitForStatus(primary_).epoch(), epoch);
  cut_between(false);
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
}

// Its clients are told nothing either.
TEST_F(GroupPartitionTest, APrimaryThatIsCutOffFromAllIsReplaced) {
  const int partitions = NumberFromEnvironment("LEDGERD_PARTITIONS", 2);
  for (int i = 0; i < partitions; ++i) {
    ASSERT_NO_FATAL_FAILURE(FindPrimary());
    NoteFault();
    CutFromAll(primary_, true);
    ASSERT_NO_FATAL_FAILURE(ExpectAnother());
    CutFromAll(primary_, false);
    ASSERT_NO_FATAL_FAILURE(WaitForRole(primary_, admin::v1::ROLE_STANDBY));
  }
  ASSERT_NO_FATAL_FAILURE(SettleAndCompare());
  TellFigures({.longest = kGapWanted});
}

}  // namespace
}  // namespace ledgerd::integration
