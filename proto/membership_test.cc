#include "proto/membership.h"

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

Membership Example() {
  Membership membership;
  membership.members = {
      {ReplicaId(1), Incarnation(1), MemberRole::kVoter},
      {ReplicaId(2), Incarnation(3), MemberRole::kWitness},
      {ReplicaId(5), Incarnation(1), MemberRole::kLearner},
      {ReplicaId(7), Incarnation(1), MemberRole::kVoter},
  };
  membership.paused = true;
  membership.paused_until = Timestamp(77);
  return membership;
}

TEST(MembershipTest, ComesBackAsItWasEncoded) {
  const auto decoded = DecodeMembership(EncodeMembership(Example()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, Example());
}

TEST(MembershipTest, LearnersDoNotCount) {
  EXPECT_EQ(Example().voter_count(), 3u);
  EXPECT_EQ(Example().majority(), 2u);
  EXPECT_EQ(Example().Find(ReplicaId(3)), nullptr);
  EXPECT_EQ(Example().Find(ReplicaId(2))->incarnation, Incarnation(3));
}

TEST(MembershipTest, WhoIsGivenUpHasNone) {
  EXPECT_TRUE(IsGivenUp(GivenUp()));
  EXPECT_TRUE(GivenUp().members.empty());
  EXPECT_FALSE(IsGivenUp(Membership()));
  EXPECT_FALSE(IsGivenUp(Example()));
}

TEST(MembershipTest, APauseEndsByItselfOrNever) {
  Membership membership = Example();
  EXPECT_TRUE(membership.IsPausedAt(Timestamp(76)));
  EXPECT_FALSE(membership.IsPausedAt(Timestamp(77)));
  membership.paused_until = Timestamp(0);
  EXPECT_TRUE(membership.IsPausedAt(kTimestampMax));
  membership.paused = false;
  EXPECT_FALSE(membership.IsPausedAt(Timestamp(1)));
}

TEST(MembershipTest, RefusesWhatIsNone) {
  const std::string good = EncodeMembership(Example());
  EXPECT_FALSE(DecodeMembership("").ok());
  EXPECT_FALSE(DecodeMembership(good + "x").ok());
  EXPECT_FALSE(DecodeMembership(good.substr(0, good.size() - 1)).ok());
  std::string bad = good;
  bad[16 + 12] = 0;  // A role of nobody.
  EXPECT_FALSE(DecodeMembership(bad).ok());
  bad = good;
  bad[16] = 9;  // The first id is above the others.
  EXPECT_FALSE(DecodeMembership(bad).ok());
}

TEST(MembershipTest, TravelsInAnEntry) {
  const Entry entry =
      Entry::Seal(MakeMembershipCommand(EntryKind::kPause, Example()), Epoch(1),
                  Timestamp(1), EntryId{});
  EXPECT_EQ(*DecodeMembership(entry.payload()), Example());
}

}  // namespace
}  // namespace ledgerd
