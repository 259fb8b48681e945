// What operators do to a group of real daemons, by ledgerctl: switchovers under
// load, a pause, a replica more and less, a forced promotion. Nothing that was
// acknowledged is lost or done twice.
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/integration/counted_incidents.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

class GroupAdminTest : public GroupUnderLoad {
 protected:
  GroupAdminTest() : GroupUnderLoad(3) {}

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    for (size_t i = 0; i < group_.size(); ++i) {
      admin_addresses_.push_back(group_.daemon(i).admin_address());
    }
  }

  // Of one replica; `output` and `errors` are then in finished_.
  int Ctl(size_t replica, std::vector<std::string> arguments) {
    arguments.push_back("--admin-address=" + admin_addresses_[replica]);
    finished_ = Ledgerctl(std::move(arguments));
    return finished_.exit_code;
  }

  // What the primary says of `id`; its role is unspecified when it is none.
  admin::v1::ReplicaStatus Member(uint64_t id) {
    const auto primary = group_.Primary();
    if (!primary.has_value()) return {};
    const auto status = group_.Status(*primary);
    if (!status.has_value()) return {};
    for (const auto& replica : status->replicas()) {
      if (replica.replica_id() == id) return replica;
    }
    return {};
  }

  // As of one entry, by their states' and journals' hashes.
  void ExpectAllEqual(size_t asked, size_t replicas) {
    ASSERT_EQ(Ctl(asked, {"verify", "-o", "json"}), 0)
        << finished_.output << finished_.errors << group_.Logs();
    size_t equal = 0;
    for (size_t at = 0; (at = finished_.output.find("\"verdict\":\"equal\"",
                                                    at)) != std::string::npos;
         ++at) {
      ++equal;
    }
    EXPECT_EQ(equal, replicas) << finished_.output;
  }

  std::vector<std::string> admin_addresses_;
  Finished finished_;
};

TEST_F(GroupAdminTest, SwitchoversUnderLoadLoseNothing) {
  load_.Start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    const auto before = group_.WaitForPrimary();
    ASSERT_TRUE(before.has_value());
    const size_t target = (*before + 1) % group_.size();
    // Asked of a standby, which names the primary.
    ASSERT_EQ(Ctl((*before + 2) % group_.size(),
                  {"switchover", absl::StrCat("--to=", target + 1)}),
              0)
        << finished_.errors << group_.Logs();
    std::cout << finished_.output;
    EXPECT_EQ(group_.WaitForPrimary({*before}), target);
  }
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

TEST_F(GroupAdminTest, ReplicasAreComparedUnderLoad) {
  load_.Start();
  for (size_t asked = 0; asked < group_.size(); ++asked) {
    ASSERT_NO_FATAL_FAILURE(Progress(200));
    ASSERT_NO_FATAL_FAILURE(ExpectAllEqual(asked, group_.size()));
  }
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  // One that is off is named, and the others are equal still.
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  const size_t off = (*primary + 1) % group_.size();
  ASSERT_TRUE(group_.Kill(off).ok());
  EXPECT_EQ(Ctl(*primary, {"verify"}), 5) << finished_.output;
}

TEST_F(GroupAdminTest, APausedGroupIsPromotedByHand) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  const size_t standby = (*primary + 1) % group_.size();
  ASSERT_EQ(Ctl(standby, {"pause"}), 0) << finished_.errors;
  ASSERT_TRUE(WaitUntil(kProgressLimit, [&] {
    for (size_t i = 0; i < group_.size(); ++i) {
      const auto status = group_.Status(i);
      if (!status.has_value() || !status->failover_paused()) return false;
    }
    return true;
  })) << group_.Logs();
  ASSERT_TRUE(group_.Kill(*primary).ok());
  // Refused as long as it may be alive.
  ASSERT_TRUE(WaitUntil(kProgressLimit,
                        [&] { return Ctl(standby, {"switchover"}) == 0; }))
      << finished_.errors << group_.Logs();
  EXPECT_EQ(group_.WaitForPrimary({*primary}), standby);
  ASSERT_EQ(Ctl(standby, {"resume"}), 0) << finished_.errors;
  EXPECT_FALSE(group_.Status(standby)->failover_paused());
}

TEST_F(GroupAdminTest, AReplicaIsAddedUnderLoadAndRemovedAgain) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  EXPECT_EQ(Ctl(*primary, {"replica", "add", "4"}), 4) << "not heard yet";
  const auto status = group_.Status(*primary);
  ASSERT_TRUE(status.has_value()) << group_.Logs();
  std::string members;
  for (const auto& replica : status->replicas()) {
    absl::StrAppend(&members, members.empty() ? "" : ",", replica.replica_id(),
                    "@", replica.peer_address());
  }
  const std::string directory = group_.directory().Path("data4");
  const absl::Status formatted = FormatDataDirectory(
      directory, {"--join", "--replica-id=4",
                  absl::StrCat("--cluster-id=", status->cluster_id())});
  ASSERT_TRUE(formatted.ok()) << formatted;
  const auto fourth = DaemonProcess::Launch(
      {.data_directory = directory,
       .more_flags = {"--members=" + members, "--admin-address=127.0.0.1:0",
                      "--replication-address=127.0.0.1:0"}});
  ASSERT_TRUE(fourth.ok()) << fourth.status();
  ASSERT_TRUE(WaitUntil(kProgressLimit,
                        [&] {
                          return Ctl(*primary, {"replica", "add", "4"}) == 0;
                        }))
      << finished_.errors << (*fourth)->Log() << group_.Logs();
  ASSERT_TRUE(
      WaitUntil(kProgressLimit,
                [&] { return Member(4).role() == admin::v1::ROLE_STANDBY; }))
      << "it is given no vote\n"
      << (*fourth)->Log() << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(ExpectAllEqual(*primary, 4));
  ASSERT_EQ(Ctl(*primary, {"replica", "remove", "4"}), 0) << finished_.errors;
  EXPECT_EQ(Member(4).role(), admin::v1::ROLE_UNSPECIFIED);
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

// The one that is down is to go, and the operator names another.
TEST_F(GroupAdminTest, ARemovalThatWouldEndTheGroupIsRefused) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  const size_t down = (*primary + 1) % group_.size();
  const size_t works = (*primary + 2) % group_.size();
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(100));
  ASSERT_TRUE(group_.Kill(down).ok());
  const auto remove = [&](size_t replica) {
    return Ctl(*primary, {"replica", "remove", absl::StrCat(replica + 1)});
  };
  ASSERT_TRUE(WaitUntil(kProgressLimit, [&] {
    return !Member(down + 1).connected();
  })) << group_.Logs();
  EXPECT_EQ(remove(works), 4) << finished_.output;
  EXPECT_NE(finished_.errors.find(absl::StrCat("Silent: ", down + 1, ". ")),
            std::string::npos)
      << finished_.errors;
  EXPECT_EQ(remove(down), 0) << finished_.errors;
  ASSERT_NO_FATAL_FAILURE(Progress(100));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

TEST_F(GroupAdminTest, TheLastReplicaIsPromotedByForce) {
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value());
  const size_t last = (*primary + 1) % group_.size();
  const std::vector<std::string> promote = {"promote", "--accept-loss",
                                            "--others-are-off"};
  EXPECT_EQ(Ctl(last, promote), 4) << "the primary is alive";
  ASSERT_TRUE(group_.WaitUntilEqual()) << group_.Logs();
  for (size_t i = 0; i < group_.size(); ++i) {
    if (i == last) continue;
    ASSERT_TRUE(group_.Kill(i).ok());
  }
  ASSERT_TRUE(
      WaitUntil(kProgressLimit, [&] { return Ctl(last, promote) == 0; }))
      << finished_.errors << group_.Logs();
  EXPECT_EQ(group_.WaitForPrimary(), last);
  ASSERT_EQ(group_.Status(last)->replicas_size(), 1);
  EXPECT_TRUE(WaitUntil(kProgressLimit, [&] {
    return HasIncident(group_.daemon(last), "forced_promotion",
                       "success_with_loss");
  })) << IncidentsOf(group_.daemon(last), "forced_promotion");
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(100));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(group_.size()));
}

}  // namespace
}  // namespace ledgerd::integration
