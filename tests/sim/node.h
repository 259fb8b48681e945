// A Node is one machine: a disk, a clock, and on them a real Replica over a
// simulated journal and state store, which can be crashed at any moment.
//
//   Node node(member, plan, surroundings);
//   node.Start();
//   node.Do([&](Replica& replica) { replica.OnRead(...); });
//
// Fault model  A process that ends loses its memory; a power cut also loses
//              what the disk had not synced: each record is kept or lost by
//              itself, also half of a group that was being written. A pause
//              delays all that the process does. The clock may run fast or
//              slow, and jump. The disk may be slow, full, fail a sync, rot, be
//              lost, or come back as it was; the rest is in
//              storage/memory_journal.h and memory_state_store.h.
// Checked      What a message claims is on the disk of its sender. What was
//              synced is there after a restart, or it is refused.
#ifndef LEDGERD_TESTS_SIM_NODE_H_
#define LEDGERD_TESTS_SIM_NODE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <variant>

#include "proto/membership.h"
#include "replication/core/invariants.h"
#include "replication/replica.h"
#include "replication/replica_observer.h"
#include "replication/simulated_work.h"
#include "replication/transport.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"
#include "tests/model/random.h"
#include "tests/sim/counts.h"
#include "tests/sim/hasty_work.h"
#include "tests/sim/history.h"
#include "tests/sim/machine.h"
#include "tests/sim/mutation.h"
#include "tests/sim/plan.h"
#include "tests/sim/scheduler.h"

namespace ledgerd::sim {

class Node;

// What all nodes have in common.
struct Surroundings {
  const Plan& plan;
  Mutation mutation;
  Scheduler& scheduler;
  model::Random& random;
  Counts& counts;
  History& history;
  std::function<void(replication::Message)> send;
  // A checkpoint of `from` is to be brought to another node.
  std::function<void(Node& from, const replication::CheckpointOrder&)>
      send_checkpoint;
  // Something has happened to its replica.
  std::function<void(Node&)> stepped;
  // A process begins: who is told of what its replica is about to do.
  std::function<replication::ReplicaObserver*(Node&)> begins = nullptr;
};

class Node final : private replication::Transport {
 public:
  using Task = std::function<void(replication::Replica&)>;

  // `founders` are the members that the group began with.
  Node(const Member& member, const Membership& founders,
       const Surroundings& around);

  // ---- the process

  void Start();
  void Crash(bool power_cut);
  // Down, and not started again before Heal.
  void PowerOff();

  // The group has gone on in a higher fork: until it loses its disk, no client
  // reaches it, and what it does is not true.
  void LeaveBehind();

  bool left_behind() const { return !machine_.is_told(); }

  void Pause(microseconds length);

  // Does `task` in the process, once it is not paused; nothing when it is down.
  template <typename F>
  void Do(F task) {
    if (!up()) return;
    if (paused()) {
      Defer(std::move(task));
      return;
    }
    work_->now = ReadClock();
    task(*replica_);
    Settle();
  }

  // A checkpoint has come whole, from `from`'s disk as it was then.
  struct Checkpoint {
    replication::CheckpointReceived received;
    std::shared_ptr<const storage::MemoryState> state;
  };

  // Null when it has none.
  std::shared_ptr<const Checkpoint> TakeCheckpoint(Epoch epoch) const;
  void Receive(const Checkpoint& checkpoint);

  // ---- the machine

  // Comes back with an empty one, as a new incarnation. Requires: down.
  void LoseDisk();

  // What is on its disk now; and put back. Requires: down.
  struct Image {
    storage::MemoryJournalDisk journal;
    std::shared_ptr<const storage::MemoryState> state;
  };

  Image TakeImage() const { return {disk_, store_->disk()}; }

  void Restore(const Image& image);

  // A record that was synced, and that later ones prove to have been, if there
  // is one, becomes unreadable, or another one's stands in its place, or what
  // was there before it. Requires: down.
  void Damage();

  // Until it has lost that disk.
  bool is_damaged() const { return damaged_; }

  bool refuses_to_start() const { return refuses_to_start_; }

  void SlowDisk(microseconds length);

  void FailNextSync() { disk_.FailNextSync(); }

  void SetDiskFull(bool full);

  // A write waits for space.
  bool waits_for_space() const {
    return full_ && up() && work_->journal_pieces() > 0;
  }

  // Nothing that its disk was asked for comes back before it does no more.
  void HangDisk(bool hangs);

  void SetDrift(double drift) { drift_ = drift; }

  void JumpClock(microseconds by) { clock_offset_ += by; }

  // Ends what is wrong with it, and starts it.
  void Heal();

  // ---- what can be seen

  const Member& member() const { return member_; }

  ReplicaId id() const { return member_.id; }

  bool up() const { return replica_ != nullptr; }

  bool paused() const { return paused_until_ > around_.scheduler.now(); }

  // Another number for each process.
  uint64_t life() const { return life_; }

  // Up, and has begun an epoch.
  bool leads() const {
    return up() &&
           std::holds_alternative<replication::Primary>(protocol().role());
  }

  bool keeps_state() const { return member_.role != MemberRole::kWitness; }

  // Requires: up().
  const replication::Replica& replica() const { return *replica_; }

  const replication::Protocol& protocol() const { return replica_->protocol(); }

  const storage::MemoryStateStore& store() const { return *store_; }

  // Before the first entry that is on its disk.
  Sequence journal_base() const { return disk_.base().sequence; }

  replication::Now ReadClock() const;

 private:
  void Send(replication::Message message) override;
  void SendCheckpoint(replication::CheckpointOrder order) override;

  // As the mutation wants it.
  void Misbehave();
  replication::ReplicaWork& ChooseWork();
  void Tick();
  // Until the pause ends.
  void Defer(Task task);
  void Settle();
  void ScheduleWork();
  microseconds WorkTime();
  void StopOnFault();
  bool IsForkedOff() const;
  // The process is gone: what it had begun is not done any more.
  void Drop();
  void CheckClaim(const replication::Message& message);
  void CheckDurable(const replication::Message& message, Sequence through);
  void Fail(const std::string& why);
  absl::Status Install(const replication::JournalWrite& write);

  Member member_;
  const Surroundings around_;
  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::MemoryStateStore> store_;
  Machine machine_;
  // Chooses what work ends next.
  std::mt19937_64 order_;
  // Counts those that were lost.
  uint64_t disks_ = 0;
  // Counts the processes.
  uint64_t life_ = 0;
  std::unique_ptr<storage::MemoryJournal> journal_;
  std::unique_ptr<replication::SimulatedWork> work_;
  std::unique_ptr<HastyWork> hasty_work_;
  std::unique_ptr<replication::Replica> replica_;
  bool working_ = false;
  // Received and not installed.
  std::map<Sequence, std::shared_ptr<const storage::MemoryState>> received_;
  microseconds paused_until_{};
  microseconds slow_until_{};
  microseconds clock_offset_{};
  double drift_ = 0;
  bool damaged_ = false;
  bool refuses_to_start_ = false;
  bool full_ = false;
  bool hangs_ = false;
  bool off_ = false;
  bool healed_ = false;
  // What the history knows of its state.
  Sequence told_;
  // Of its journal, as the process before knew: it is not less at a start.
  Sequence synced_;
  // To whom an epoch was promised.
  std::map<Epoch, ReplicaId> promises_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_NODE_H_
