// An old copy of a standby's disk is put back in its place: it has forgotten
// what it once acknowledged. As long as a replica lives that remembers, that is
// noticed, and the standby has no vote until it has everything again. (Where
// nobody remembers, nothing is promised: replication.md, rule 14.)
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "tests/integration/cuttable_network.h"
#include "tests/integration/group_network.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr size_t kReplicas = 3;
// In which somebody would be promoted many times over (after 0.5 .. 1 s).
constexpr std::chrono::seconds kNobodyFor(3);

class GroupOldDiskTest : public GroupUnderLoad {
 protected:
  GroupOldDiskTest()
      : GroupUnderLoad(kReplicas, /*last_is_witness=*/false, {},
                       MakeCuttableNetwork(kReplicas)) {}

  // Payments go on, and one standby has a copy of its disk made.
  void SetUp() override {
    Start();
    ASSERT_FALSE(HasFatalFailure());
    load_.Start();
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    primary_ = *primary;
    old_ = (primary_ + 1) % kReplicas;
    third_ = (primary_ + 2) % kReplicas;
    ASSERT_TRUE(group_.Kill(old_).ok());
    std::filesystem::copy(group_.data_directory(old_), copy(),
                          std::filesystem::copy_options::recursive);
    ASSERT_TRUE(group_.Launch(old_).ok());
    ASSERT_NO_FATAL_FAILURE(WaitUntilItAcknowledges());
  }

  std::string copy() const { return group_.directory().Path("copy"); }

  // All that the primary has now, and so more than the copy.
  void WaitUntilItAcknowledges() {
    const uint64_t goal = group_.WaitForStatus(primary_).commit_sequence();
    ASSERT_TRUE(WaitUntil(kProgressLimit, [&] {
      const auto now = group_.Status(old_);
      return now.has_value() && now->role() == admin::v1::ROLE_STANDBY &&
             now->commit_sequence() >= goal;
    })) << group_.Logs();
  }

  // Requires: it has been killed.
  void PutCopyBack() {
    std::filesystem::remove_all(group_.data_directory(old_));
    std::filesystem::rename(copy(), group_.data_directory(old_));
    ASSERT_TRUE(group_.Launch(old_).ok());
  }

  void CutBetween(size_t one, size_t other, bool cut) {
    group_.network().Cut(one, other, cut);
    group_.network().Cut(other, one, cut);
  }

  bool KnowsThatItIsOld() {
    const auto status = group_.Status(old_);
    if (!status.has_value()) return false;
    for (const admin::v1::Alarm& alarm : status->alarms()) {
      if (alarm.name() == "DISK_IS_OLD") return true;
    }
    return false;
  }

  bool IsConnected(size_t one, size_t other) {
    const auto status = group_.Status(one);
    if (!status.has_value()) return false;
    for (const admin::v1::ReplicaStatus& replica : status->replicas()) {
      if (replica.replica_id() == other + 1) return replica.connected();
    }
    return false;
  }

  // The others are one replica short without it, and it is not old any more.
  void KillPrimaryAndCheck() {
    ASSERT_NO_FATAL_FAILURE(WaitForRole(old_, admin::v1::ROLE_STANDBY));
    ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
      return !KnowsThatItIsOld();
    })) << group_.Logs();
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(KillPrimary(*primary));
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    ASSERT_TRUE(group_.Launch(*primary).ok());
    ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
    ASSERT_NO_FATAL_FAILURE(CompareStates(kReplicas));
  }

  size_t primary_ = 0;
  size_t old_ = 0;
  size_t third_ = 0;
};

TEST_F(GroupOldDiskTest, ItCatchesUpAndVotesAgain) {
  ASSERT_NO_FATAL_FAILURE(Progress(500));
  ASSERT_TRUE(group_.Kill(old_).ok());
  ASSERT_NO_FATAL_FAILURE(PutCopyBack());
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(KillPrimaryAndCheck());
}

// What only the primary and the standby have acknowledged would be lost if its
// old disk voted for the third one, which never had it.
TEST_F(GroupOldDiskTest, ItDoesNotVoteForWhoLacksWhatItAcknowledged) {
  CutBetween(third_, primary_, true);
  CutBetween(third_, old_, true);
  ASSERT_NO_FATAL_FAILURE(Progress(500));
  NoteFault();
  ASSERT_TRUE(group_.Kill(old_).ok());
  // Nobody is to feed it when it comes back.
  ASSERT_TRUE(WaitUntil(kProgressLimit,
                        [this] {
                          const auto status = group_.Status(primary_);
                          return status.has_value() &&
                                 status->role() != admin::v1::ROLE_PRIMARY;
                        }))
      << "it has no majority, and goes on\n"
      << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(PutCopyBack());
  // The one that was primary has told it.
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] { return KnowsThatItIsOld(); }))
      << group_.Logs();

  CutBetween(primary_, old_, true);
  CutBetween(third_, old_, false);
  ASSERT_TRUE(WaitUntil(kProgressLimit, [this] {
    return IsConnected(third_, old_) && IsConnected(old_, third_);
  })) << group_.Logs();
  EXPECT_FALSE(WaitUntil(kNobodyFor, [this] {
    return group_.Primary({primary_}).has_value();
  })) << group_.Logs();
  EXPECT_TRUE(KnowsThatItIsOld());

  CutBetween(primary_, old_, false);
  CutBetween(primary_, third_, false);
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(KillPrimaryAndCheck());
}

}  // namespace
}  // namespace ledgerd::integration
