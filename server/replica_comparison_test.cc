#include "server/replica_comparison.h"

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

using replication::StateMark;
using replication::StateMarks;

StateMark Mark(uint64_t sequence, uint64_t hash) {
  return {.entry = {Epoch(1), Sequence(sequence), {}}, .state_hash = hash};
}

// Others that have the state that they are told to have, at whatever entry.
class FakePeers final : public Peers {
 public:
  explicit FakePeers(std::map<uint64_t, uint64_t> hashes)
      : hashes_(std::move(hashes)) {}

  absl::StatusOr<StateMark> StateOf(ReplicaId replica, Sequence sequence,
                                    Deadline /*deadline*/) override {
    const auto hash = hashes_.find(replica.value());
    if (hash == hashes_.end()) return absl::UnavailableError("it is off");
    return Mark(sequence.value(), hash->second);
  }

  absl::StatusOr<std::vector<Entry>> EntriesOf(ReplicaId /*replica*/,
                                               Sequence /*from*/,
                                               Sequence /*through*/,
                                               Deadline /*deadline*/) override {
    return absl::UnimplementedError("not asked for here");
  }

 private:
  const std::map<uint64_t, uint64_t> hashes_;
};

class ReplicaComparisonTest : public testing::Test {
 protected:
  ReplicaComparisonTest() { marks_.Note(Mark(7, 100)); }

  Comparison Compare(std::map<uint64_t, uint64_t> hashes) {
    FakePeers peers(std::move(hashes));
    const auto compared =
        CompareReplicas(membership_, ReplicaId(1), marks_, &peers,
                        std::chrono::steady_clock::now());
    EXPECT_TRUE(compared.ok()) << compared.status();
    return *compared;
  }

  StateMarks marks_;
  Membership membership_{.members = {{.id = ReplicaId(1)},
                                     {.id = ReplicaId(2)},
                                     {.id = ReplicaId(3)}}};
};

using Ids = std::vector<ReplicaId>;

TEST_F(ReplicaComparisonTest, EqualReplicasMatch) {
  const Comparison compared = Compare({{2, 100}, {3, 100}});
  EXPECT_EQ(compared.sequence, Sequence(7));
  EXPECT_EQ(compared.replicas.size(), 3u);
  EXPECT_TRUE(compared.match());
  EXPECT_EQ(compared.Differing(), Ids());
}

TEST_F(ReplicaComparisonTest, TheOneThatDiffersIsNamed) {
  const Comparison compared = Compare({{2, 100}, {3, 101}});
  EXPECT_FALSE(compared.match());
  EXPECT_EQ(compared.Differing(), Ids({ReplicaId(3)}));
}

TEST_F(ReplicaComparisonTest, ItMayBeTheOneThatAsks) {
  const Comparison compared = Compare({{2, 101}, {3, 101}});
  EXPECT_FALSE(compared.match());
  EXPECT_EQ(compared.Differing(), Ids({ReplicaId(1)}));
}

TEST_F(ReplicaComparisonTest, OfTwoNobodyKnowsWhichIsRight) {
  EXPECT_EQ(Compare({{2, 101}}).Differing(), Ids({ReplicaId(1), ReplicaId(2)}));
  EXPECT_EQ(Compare({{2, 101}, {3, 102}}).Differing().size(), 3u);
}

TEST_F(ReplicaComparisonTest, OneThatDoesNotAnswerIsNoMatch) {
  const Comparison compared = Compare({{2, 100}});
  EXPECT_FALSE(compared.match());
  EXPECT_EQ(compared.Differing(), Ids()) << "but nothing differs either";
}

TEST_F(ReplicaComparisonTest, WitnessesAreLeftOut) {
  membership_.members[2].role = MemberRole::kWitness;
  const Comparison compared = Compare({{2, 100}});
  EXPECT_TRUE(compared.match());
  EXPECT_EQ(compared.replicas.size(), 2u);
}

TEST_F(ReplicaComparisonTest, AReplicaAloneIsEqualToItself) {
  membership_.members.resize(1);
  const auto compared = CompareReplicas(membership_, ReplicaId(1), marks_,
                                        nullptr, Peers::Deadline());
  ASSERT_TRUE(compared.ok()) << compared.status();
  EXPECT_TRUE(compared->match());
}

TEST_F(ReplicaComparisonTest, AWitnessCannotCompare) {
  const StateMarks none;
  EXPECT_TRUE(absl::IsFailedPrecondition(
      CompareReplicas(membership_, ReplicaId(1), none, nullptr,
                      Peers::Deadline())
          .status()));
}

}  // namespace
}  // namespace ledgerd::server
