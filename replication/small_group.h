// SmallGroup is three voters whose messages and work happen one by one, for
// tests of what replicas do together.
//
//   SmallGroup group;
//   group.MakeOnePrimary();
//   group.RunUntil([&] { return group.replica(2).status().commit ...; });
#ifndef LEDGERD_REPLICATION_SMALL_GROUP_H_
#define LEDGERD_REPLICATION_SMALL_GROUP_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "replication/replica.h"
#include "replication/simulated_work.h"
#include "replication/toy_machine.h"
#include "replication/transport.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::replication {

class SmallGroup {
 public:
  // `cold`: entries see only what was fetched for them.
  explicit SmallGroup(bool cold = false) {
    const storage::MemoryStateStore::Options options = {.cold = cold};
    for (uint64_t id = 1; id <= 3; ++id) {
      nodes_[id - 1] = std::make_unique<Node>(id, wire_, options);
    }
    for (const auto& node : nodes_) {
      LEDGERD_CHECK_OK(node->replica->Start(node->work->now));
    }
  }

  Replica& replica(uint64_t id) { return *nodes_[id - 1]->replica; }

  storage::MemoryStateStore& store(uint64_t id) {
    return nodes_[id - 1]->store;
  }

  storage::MemoryJournalDisk& disk(uint64_t id) { return nodes_[id - 1]->disk; }

  Now now(uint64_t id) { return nodes_[id - 1]->work->now; }

  // One piece of work or one message, or time when there are none.
  void DoOne() {
    for (const auto& node : nodes_) {
      node->replica->Apply();
      if (node->reads_back ? node->work->DoOne(*node->replica, random_)
                           : DoJournal(*node)) {
        return;
      }
    }
    if (wire_.empty()) return Tick();
    Message message = std::move(wire_.front());
    wire_.pop_front();
    if (lost_ && (message.to == *lost_ || message.from == *lost_)) return;
    Node& to = *nodes_[message.to.value() - 1];
    to.replica->OnEvent(Received{std::move(message)}, to.work->now);
  }

  void Tick() {
    for (uint64_t id = 1; id <= 3; ++id) Tick(id, Replica::kTick);
  }

  // So long after the one before.
  void Tick(uint64_t id, std::chrono::milliseconds after) {
    Node& node = *nodes_[id - 1];
    node.work->now.steady += after;
    node.replica->OnTick(node.work->now);
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
    const auto result =
        replica(from).OnEvent(SwitchoverRequested{ReplicaId(to)}, now(from));
    ASSERT_TRUE(result.has_value());
    ASSERT_EQ(result->refusal, Refusal::kNone);
  }

  // Account `id`, asked of replica 1.
  void Create(uint64_t id, Done done) {
    std::vector<Account> accounts(1);
    accounts[0].id = AccountId(id);
    std::vector<Proposal> proposals(1);
    proposals[0].command =
        MakeCommand<Account>(EntryKind::kCreateAccounts, accounts);
    proposals[0].deadline = Deadline::max();
    proposals[0].done = std::move(done);
    replica(1).OnProposals(std::move(proposals), now(1));
  }

  // Nothing more is heard of it, nor by it.
  void Lose(uint64_t id) { lost_ = ReplicaId(id); }

  // Its process ends, and starts again with what is on its disk. What it has to
  // read back it does not get before ReadBack.
  void Restart(uint64_t id) {
    Node& node = *nodes_[id - 1];
    node.store.Crash();
    node.Open();
    node.reads_back = false;
    LEDGERD_CHECK_OK(node.replica->Start(node.work->now));
  }

  void ReadBack(uint64_t id) { nodes_[id - 1]->reads_back = true; }

  // What it was told that it holds, in order.
  const std::vector<absl::Status>& held(uint64_t id) const {
    return nodes_[id - 1]->held;
  }

  // On their way.
  template <typename Body>
  size_t CountOnTheWay() const {
    size_t count = 0;
    for (const Message& message : wire_) {
      if (std::holds_alternative<Body>(message.body)) ++count;
    }
    return count;
  }

 private:
  using Wire = std::deque<Message>;

  struct Node final : Transport {
    Node(uint64_t number, Wire& messages,
         const storage::MemoryStateStore::Options& options)
        : id(number),
          wire(messages),
          disk(id, {ReplicaId(1), ReplicaId(2), ReplicaId(3)}),
          store(options) {
      Open();
    }

    void Open() {
      replica.reset();
      journal = *storage::MemoryJournal::Open(disk, {});
      ReplicaOptions options;
      options.self = ReplicaId(id);
      options.on_held = [this](const absl::Status& damage) {
        held.push_back(damage);
      };
      const Now at =
          work == nullptr ? Now{Timestamp(1), Deadline{}} : work->now;
      work = std::make_unique<SimulatedWork>(*journal, store);
      work->now = at;
      replica = std::make_unique<Replica>(options, *journal, store, machine,
                                          *work, this);
    }

    void Send(Message message) override { wire.push_back(std::move(message)); }

    void SendCheckpoint(CheckpointOrder /*order*/) override {}

    const uint64_t id;
    Wire& wire;
    storage::MemoryJournalDisk disk;
    std::unique_ptr<storage::MemoryJournal> journal;
    storage::MemoryStateStore store;
    ToyMachine machine;
    std::unique_ptr<SimulatedWork> work;
    std::unique_ptr<Replica> replica;
    bool reads_back = true;
    std::vector<absl::Status> held;
  };

  static bool DoJournal(Node& node) {
    if (node.work->journal_pieces() == 0) return false;
    node.work->DoJournal(*node.replica);
    return true;
  }

  std::mt19937_64 random_{1};
  Wire wire_;
  std::optional<ReplicaId> lost_;
  std::array<std::unique_ptr<Node>, 3> nodes_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_SMALL_GROUP_H_
