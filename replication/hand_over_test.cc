// What a primary that hands its role over does with writes that wait: they are
// held until it knows whom to name (rule 12).
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/errors.h"
#include "replication/replica.h"
#include "replication/simulated_work.h"
#include "replication/toy_machine.h"
#include "replication/transport.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::replication {
namespace {

// Three voters whose messages and work happen one by one.
class HandOverTest : public testing::Test {
 protected:
  HandOverTest() {
    for (uint64_t id = 1; id <= 3; ++id) {
      nodes_[id - 1] = std::make_unique<Node>(id, wire_);
    }
    for (const auto& node : nodes_) {
      LEDGERD_CHECK_OK(node->replica->Start(node->work.now));
    }
  }

  Replica& replica(uint64_t id) { return *nodes_[id - 1]->replica; }

  // One piece of work or one message, or time when there are none.
  void DoOne() {
    for (const auto& node : nodes_) {
      node->replica->Apply();
      if (node->work.DoOne(*node->replica, random_)) return;
    }
    if (wire_.empty()) return Tick();
    Message message = std::move(wire_.front());
    wire_.pop_front();
    if (lost_ && (message.to == *lost_ || message.from == *lost_)) return;
    Node& to = *nodes_[message.to.value() - 1];
    to.replica->OnEvent(Received{std::move(message)}, to.work.now);
  }

  void Tick() {
    for (const auto& node : nodes_) {
      node->work.now.steady += std::chrono::milliseconds(10);
      node->replica->OnTick(node->work.now);
    }
  }

  void RunUntil(const std::function<bool()>& holds) {
    constexpr int kStepsMax = 1'000'000;
    for (int step = 0; step < kStepsMax; ++step) {
      if (holds()) return;
      DoOne();
    }
    FAIL() << "it never holds";
  }

  // Replica 1, whoever was first.
  void MakeOnePrimary() {
    ASSERT_NO_FATAL_FAILURE(RunUntil([this] { return Primary() != 0; }));
    if (Primary() != 1) {
      ASSERT_NO_FATAL_FAILURE(HandOver(Primary(), 1));
      ASSERT_NO_FATAL_FAILURE(RunUntil([this] { return Primary() == 1; }));
    }
    ASSERT_NO_FATAL_FAILURE(RunUntil([this] {
      return replica(2).status().primary == ReplicaId(1) &&
             replica(3).status().primary == ReplicaId(1);
    }));
  }

  uint64_t Primary() {
    for (uint64_t id = 1; id <= 3; ++id) {
      if (replica(id).status().role == Role::kPrimary) return id;
    }
    return 0;
  }

  void HandOver(uint64_t from, uint64_t to) {
    const auto result = replica(from).OnEvent(
        SwitchoverRequested{ReplicaId(to)}, nodes_[from - 1]->work.now);
    ASSERT_TRUE(result.has_value());
    ASSERT_EQ(result->refusal, Refusal::kNone);
  }

  // Until it is primary no more, and knows no other.
  void HandOverAndStepDown() {
    ASSERT_NO_FATAL_FAILURE(HandOver(1, 2));
    ASSERT_NO_FATAL_FAILURE(RunUntil(
        [this] { return replica(1).status().role != Role::kPrimary; }));
    ASSERT_EQ(replica(1).status().primary, ReplicaId(0));
  }

  // What a write is told by replica 1.
  std::optional<Reason> Told() {
    std::optional<Reason> told;
    std::vector<Proposal> proposals(1);
    proposals[0].command = MakeCommand<Account>(EntryKind::kCreateAccounts,
                                                std::vector<Account>(1));
    proposals[0].deadline = Deadline::max();
    proposals[0].done = [&told](const absl::StatusOr<EntryResult>& result) {
      told = ReasonOf(result.status());
    };
    replica(1).OnProposals(std::move(proposals), nodes_[0]->work.now);
    return told;
  }

  // Nothing more is heard of it, nor by it.
  void Lose(uint64_t id) { lost_ = ReplicaId(id); }

 private:
  using Wire = std::deque<Message>;

  struct Node final : Transport {
    Node(uint64_t id, Wire& messages)
        : wire(messages), disk(id, {ReplicaId(1), ReplicaId(2), ReplicaId(3)}) {
      ReplicaOptions options;
      options.self = ReplicaId(id);
      replica = std::make_unique<Replica>(options, *journal, store, machine,
                                          work, this);
    }

    void Send(Message message) override { wire.push_back(std::move(message)); }

    void SendCheckpoint(CheckpointOrder /*order*/) override {}

    Wire& wire;
    storage::MemoryJournalDisk disk;
    std::unique_ptr<storage::MemoryJournal> journal =
        *storage::MemoryJournal::Open(disk, {});
    storage::MemoryStateStore store{storage::MemoryStateStore::Options()};
    ToyMachine machine;
    SimulatedWork work{*journal, store};
    std::unique_ptr<Replica> replica;
  };

  std::mt19937_64 random_{1};
  Wire wire_;
  std::optional<ReplicaId> lost_;
  std::array<std::unique_ptr<Node>, 3> nodes_;
};

TEST_F(HandOverTest, WritesAreHeldUntilTheNewPrimaryIsKnown) {
  ASSERT_NO_FATAL_FAILURE(MakeOnePrimary());
  EXPECT_TRUE(replica(1).WantsProposals());
  ASSERT_NO_FATAL_FAILURE(HandOverAndStepDown());
  EXPECT_FALSE(replica(1).WantsProposals()) << "it could name nobody";
  ASSERT_NO_FATAL_FAILURE(
      RunUntil([this] { return replica(1).WantsProposals(); }));
  EXPECT_EQ(replica(1).status().primary, ReplicaId(2));
  EXPECT_EQ(Told(), Reason::kNotPrimary);
}

TEST_F(HandOverTest, WhoIsNotHeardIsNotWaitedForForever) {
  ASSERT_NO_FATAL_FAILURE(MakeOnePrimary());
  ASSERT_NO_FATAL_FAILURE(HandOverAndStepDown());
  Lose(1);
  for (uint32_t tick = 1; tick < Timing().timeout_ticks; ++tick) Tick();
  EXPECT_FALSE(replica(1).WantsProposals());
  Tick();
  EXPECT_TRUE(replica(1).WantsProposals());
  EXPECT_EQ(Told(), Reason::kNoPrimary);
}

TEST_F(HandOverTest, WhoLostItsMajorityHoldsNothing) {
  ASSERT_NO_FATAL_FAILURE(MakeOnePrimary());
  Lose(1);
  ASSERT_NO_FATAL_FAILURE(
      RunUntil([this] { return replica(1).status().role != Role::kPrimary; }));
  EXPECT_TRUE(replica(1).WantsProposals());
  EXPECT_EQ(Told(), Reason::kNoPrimary);
}

TEST_F(HandOverTest, AHaltEndsTheHold) {
  ASSERT_NO_FATAL_FAILURE(MakeOnePrimary());
  ASSERT_NO_FATAL_FAILURE(HandOverAndStepDown());
  replica(1).Halt(absl::DataLossError("a fault"));
  EXPECT_TRUE(replica(1).WantsProposals());
}

}  // namespace
}  // namespace ledgerd::replication
