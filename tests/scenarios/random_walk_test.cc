// Groups that are moved at random: messages lost, late, doubled and out of
// order, syncs that end whenever they like, crashes, partitions, checkpoints,
// changes of the members. The invariants hold all the way; then all heals, and
// the group commits again and is of one mind.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "replication/core/protocol.h"
#include "tests/scenarios/describe.h"
#include "tests/scenarios/group.h"

namespace ledgerd::scenarios {
namespace {

using replication::ConnectionBroken;
using replication::DiskFailed;
using replication::MembershipChange;
using replication::MembershipRequested;
using replication::Message;
using replication::PromotionRequested;
using replication::Proposed;
using replication::Protocol;
using replication::SwitchoverRequested;
using replication::Tick;

constexpr int kWalks = 40;
constexpr int kSteps = 500;
// Of ticks, each followed by all that comes of it.
constexpr int kHealTicks = 200;

Member Voter(uint64_t id, MemberRole role = MemberRole::kVoter) {
  return Member{ReplicaId(id), Incarnation(1), role};
}

class Walk {
 public:
  explicit Walk(uint64_t seed) : random_(seed) {}

  // What went wrong; empty when nothing did.
  std::string Run();
  void PrintEnd();

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  bool OneIn(uint64_t n) { return Below(n) == 0; }

  ReplicaId Anyone();
  const Protocol* Primary(ReplicaId* id);
  void Form();
  void Step();
  void MoveNetwork();
  void MoveProcess();
  void Want();
  void WantMembers(ReplicaId primary);
  void Heal();
  std::string Differences();
  void Keep();

  std::mt19937_64 random_;
  Group group_;
  std::vector<std::string> lines_;
};

std::string Walk::Run() {
  Form();
  for (int i = 0; i < kSteps && group_.violation().empty(); ++i) {
    Step();
    Keep();
  }
  if (!group_.violation().empty()) return group_.violation();
  Heal();
  Keep();
  if (!group_.violation().empty()) return group_.violation();
  return Differences();
}

void Walk::Keep() {
  for (std::string& line : group_.TakeLines()) {
    lines_.push_back(std::move(line));
  }
}

void Walk::PrintEnd() {
  const size_t from = lines_.size() > 150 ? lines_.size() - 150 : 0;
  for (size_t i = from; i < lines_.size(); ++i) {
    std::printf("%s\n", lines_[i].c_str());
  }
  for (const ReplicaId id : group_.ids()) {
    const Protocol* protocol = group_.Find(id);
    std::printf("%d: %s\n", static_cast<int>(id.value()),
                protocol == nullptr ? "down" : Status(*protocol).c_str());
  }
}

void Walk::Form() {
  std::vector<Member> members = {Voter(1), Voter(2), Voter(3)};
  switch (Below(4)) {
    case 0:
      members[2].role = MemberRole::kWitness;
      break;
    case 1:
      members.push_back(Voter(4));
      members.push_back(Voter(5));
      break;
    case 2:
      members.push_back(Voter(4, MemberRole::kLearner));
      break;
    default:
      break;
  }
  if (OneIn(2)) group_.set_message_bytes_max(1);
  group_.Form(members);
  for (const ReplicaId id : group_.ids()) group_.Restart(id);
}

ReplicaId Walk::Anyone() {
  const std::vector<ReplicaId> ids = group_.ids();
  return ids[Below(ids.size())];
}

void Walk::Step() {
  const uint64_t kind = Below(100);
  if (kind < 25) {
    group_.Step(Anyone(), Tick{});
  } else if (kind < 70) {
    MoveNetwork();
  } else if (kind < 84) {
    const ReplicaId id = Anyone();
    if (group_.Find(id) != nullptr) group_.Persist(id, 1 + Below(3));
  } else if (kind < 92) {
    Want();
  } else {
    MoveProcess();
  }
}

void Walk::MoveNetwork() {
  const uint64_t share = 1 + Below(4);
  const auto some = [this, share](const Message&) { return OneIn(share); };
  const uint64_t kind = Below(40);
  if (kind < 30) {
    group_.Deliver(some);
  } else if (kind < 32) {
    group_.Deliver(some, /*copy=*/true);
  } else if (kind < 34) {
    group_.Drop(some);
  } else if (kind < 35) {
    group_.Hold(some);
  } else if (kind < 37) {
    group_.Release();
  } else if (kind < 38) {
    group_.CutOff(Anyone(), Anyone());
  } else {
    group_.Heal();
  }
}

void Walk::MoveProcess() {
  const ReplicaId id = Anyone();
  const Protocol* protocol = group_.Find(id);
  if (protocol == nullptr) {
    group_.Restart(id);
    return;
  }
  const ReplicaId other = Anyone();
  switch (Below(6)) {
    case 0:
      if (OneIn(2)) group_.Step(id, DiskFailed{});
      group_.Crash(id, Below(4));
      break;
    case 1:
      group_.Step(id, ConnectionBroken{other});
      break;
    case 2:
      if (std::min(protocol->commit(), protocol->durable()) >
          group_.disk(id).checkpoint().sequence) {
        group_.Checkpoint(id);
      }
      break;
    default:
      group_.Transfer(id, other);
      break;
  }
}

const Protocol* Walk::Primary(ReplicaId* id) {
  for (const ReplicaId candidate : group_.ids()) {
    const Protocol* protocol = group_.Find(candidate);
    if (protocol == nullptr || !protocol->takes_proposals()) continue;
    *id = candidate;
    return protocol;
  }
  return nullptr;
}

void Walk::Want() {
  ReplicaId id;
  if (Primary(&id) == nullptr) {
    if (OneIn(3)) group_.Step(Anyone(), PromotionRequested{});
    return;
  }
  const uint64_t kind = Below(20);
  if (kind < 12) {
    Command command;
    command.kind = EntryKind::kExpireTransfers;
    group_.Step(id, Proposed{std::vector<Command>(1 + Below(3), command)});
  } else if (kind < 17) {
    group_.Read(Anyone());
  } else if (kind < 18) {
    group_.Step(id, SwitchoverRequested{Anyone()});
  } else {
    WantMembers(id);
  }
}

// Learners become voters; voters go while three stay.
void Walk::WantMembers(ReplicaId primary) {
  const Membership& now = group_.Find(primary)->membership();
  MembershipRequested request;
  request.id = Anyone();
  request.incarnation = Incarnation(1);
  const Member* member = now.Find(request.id);
  if (member == nullptr) {
    return;
  }
  if (member->role == MemberRole::kLearner) {
    request.change = MembershipChange::kMakeVoter;
  } else if (now.voter_count() > 3) {
    request.change = MembershipChange::kRemove;
  } else {
    return;
  }
  group_.Step(primary, request);
}

void Walk::Heal() {
  group_.Heal();
  group_.Release();
  for (const ReplicaId id : group_.ids()) {
    if (group_.Find(id) == nullptr) group_.Restart(id);
  }
  group_.set_quiet(true);
  bool proposed = false;
  for (int i = 0; i < kHealTicks; ++i) {
    for (const ReplicaId id : group_.ids()) group_.Step(id, Tick{});
    group_.Settle();
    for (const ReplicaId from : group_.ids()) {
      for (const ReplicaId to : group_.ids()) group_.Transfer(from, to);
    }
    ReplicaId id;
    if (i > kHealTicks / 2 && !proposed && Primary(&id) != nullptr) {
      group_.Step(id, Proposed{std::vector<Command>(1)});
      proposed = true;
    }
  }
}

// Of the members of the last membership, after all has healed.
std::string Walk::Differences() {
  ReplicaId id;
  const Protocol* primary = Primary(&id);
  if (primary == nullptr) return "no primary after all has healed";
  if (primary->commit() != primary->last().sequence) {
    return "not all is committed after all has healed";
  }
  for (const Member& member : primary->membership().members) {
    const Protocol* protocol = group_.Find(member.id);
    if (!(protocol->last() == primary->last()) ||
        protocol->commit() != primary->commit()) {
      return "replicas differ after all has healed";
    }
  }
  return "";
}

TEST(RandomWalkTest, TheInvariantsHoldAndTheGroupHeals) {
  std::mt19937_64 random(TestSeed());
  for (int i = 0; i < kWalks; ++i) {
    const uint64_t seed = random();
    Walk walk(seed);
    const std::string wrong = walk.Run();
    if (wrong.empty()) continue;
    walk.PrintEnd();
    FAIL() << wrong << ", in walk " << i;
  }
}

}  // namespace
}  // namespace ledgerd::scenarios
