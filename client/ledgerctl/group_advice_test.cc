#include "client/ledgerctl/group_advice.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

// As the primary of so many voters says when all is well.
v1::GetStatusResponse Group(int voters) {
  v1::GetStatusResponse status;
  status.set_replica_id(1);
  status.set_role(v1::ROLE_PRIMARY);
  status.set_primary_id(1);
  status.set_fault_margin((voters - 1) / 2);
  for (int id = 1; id <= voters; ++id) {
    auto& replica = *status.add_replicas();
    replica.set_replica_id(id);
    replica.set_role(id == 1 ? v1::ROLE_PRIMARY : v1::ROLE_STANDBY);
    replica.set_connected(true);
    replica.set_peer_address("10.0.0." + std::to_string(id) + ":7302");
    if (id > 1) replica.mutable_since_heartbeat()->set_nanos(20'000'000);
  }
  return status;
}

bool Says(const std::vector<Advice>& advice, size_t i,
          const std::string& words) {
  return i < advice.size() && Words(advice[i]).find(words) != std::string::npos;
}

TEST(GroupAdviceTest, NoneWhenAllIsWell) {
  for (const int voters : {1, 2, 3, 5}) {
    EXPECT_TRUE(AdviceOf(Group(voters)).empty()) << voters;
  }
}

TEST(GroupAdviceTest, WhoIsMissingAndWhere) {
  auto status = Group(3);
  status.mutable_replicas(2)->set_connected(false);
  status.set_fault_margin(0);
  const auto advice = AdviceOf(status);
  ASSERT_EQ(advice.size(), 2u);
  EXPECT_TRUE(Says(advice, 0,
                   "replica 3 (standby) at 10.0.0.3:7302 does not answer: "
                   "start it"))
      << Words(advice[0]);
  EXPECT_TRUE(Says(advice, 1, "when one more voter fails")) << Words(advice[1]);
}

TEST(GroupAdviceTest, WhoIsSilent) {
  auto status = Group(5);
  status.set_fault_margin(1);
  status.mutable_replicas(1)->mutable_since_heartbeat()->set_seconds(7);
  const auto advice = AdviceOf(status);
  ASSERT_EQ(advice.size(), 1u);
  EXPECT_TRUE(Says(advice, 0, "has said nothing for 7020 ms"))
      << Words(advice[0]);
}

TEST(GroupAdviceTest, StandbysHaveLittleToSayToEachOther) {
  auto status = Group(3);
  status.set_replica_id(2);
  status.set_role(v1::ROLE_STANDBY);
  status.set_fault_margin(0);
  status.mutable_replicas(2)->mutable_since_heartbeat()->set_seconds(100);
  EXPECT_TRUE(AdviceOf(status).empty()) << Words(AdviceOf(status)[0]);
  status.mutable_replicas(0)->mutable_since_heartbeat()->set_seconds(3);
  const auto advice = AdviceOf(status);
  ASSERT_EQ(advice.size(), 1u);
  EXPECT_TRUE(Says(advice, 0, "replica 1 (primary)")) << Words(advice[0]);
}

TEST(GroupAdviceTest, APairHasNoMarginToWarnOf) {
  auto status = Group(2);
  EXPECT_TRUE(AdviceOf(status).empty());
  status.mutable_replicas(1)->set_connected(false);
  status.set_fault_margin(-1);
  const auto advice = AdviceOf(status);
  ASSERT_EQ(advice.size(), 2u);
  EXPECT_TRUE(Says(advice, 1, "1 more must")) << Words(advice[1]);
}

TEST(GroupAdviceTest, WithoutAPrimaryHowManyAnswer) {
  auto status = Group(3);
  status.set_role(v1::ROLE_STANDBY);
  status.set_primary_id(0);
  status.set_fault_margin(-1);
  status.mutable_replicas(0)->set_role(v1::ROLE_STANDBY);
  status.mutable_replicas(1)->set_connected(false);
  status.mutable_replicas(2)->set_connected(false);
  const auto advice = AdviceOf(status);
  ASSERT_EQ(advice.size(), 3u);
  EXPECT_TRUE(Says(advice, 0, "1 of 3 voters answer replica 1"))
      << Words(advice[0]);
  EXPECT_TRUE(Says(advice, 0, "2 are needed")) << Words(advice[0]);
  EXPECT_TRUE(Says(advice, 0, "'ledgerctl switchover'")) << Words(advice[0]);
  EXPECT_TRUE(Says(advice, 2, "replica 3")) << Words(advice[2]);
}

}  // namespace
}  // namespace ledgerd::client
