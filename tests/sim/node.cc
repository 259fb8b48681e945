#include "tests/sim/node.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ledgerd::sim {
namespace {

using replication::Message;
using replication::Replica;

constexpr microseconds kTick = milliseconds(10);
// What a good disk takes at most, in microseconds.
constexpr uint64_t kGoodDisk = 1000;
// Simulated clocks begin here: zero is "none".
constexpr microseconds kEpoch = seconds(1'000'000);

std::vector<ReplicaId> Ids(const Membership& founders) {
  std::vector<ReplicaId> ids;
  for (const Member& member : founders.members) ids.push_back(member.id);
  return ids;
}

storage::MemoryJournalDisk::Mistake MistakeOf(Mutation mutation) {
  using Mistake = storage::MemoryJournalDisk::Mistake;
  switch (mutation) {
    case Mutation::kDamagedCutAsTorn:
      return Mistake::kDamagedIsCut;
    case Mutation::kDamagedIsOpened:
      return Mistake::kDamagedIsOpened;
    case Mutation::kTornIsDamaged:
      return Mistake::kTornIsDamaged;
    case Mutation::kForeignIsOpened:
      return Mistake::kForeignIsOpened;
    case Mutation::kDirectoryNotSynced:
      return Mistake::kSuperblockBefore;
    default:
      return Mistake::kNone;
  }
}

}  // namespace

Node::Node(const Member& member, const Membership& founders,
           const Surroundings& around)
    : member_(member),
      around_(around),
      disk_(around.plan.seed + member.id.value(), Ids(founders)),
      store_(std::make_unique<storage::MemoryStateStore>(
          storage::MemoryStateStore::Options{.cold = around.plan.cold})),
      machine_(around.history, around.mutation),
      order_(around.plan.seed * 31 + member.id.value()) {
  disk_.SetMembership(founders);
  Misbehave();
}

void Node::Misbehave() { disk_.SetMistake(MistakeOf(around_.mutation)); }

void Node::LoseDisk() {
  Drop();
  member_.incarnation = member_.incarnation.Next();
  const uint64_t seed =
      around_.plan.seed + member_.id.value() * 1000 + ++disks_;
  disk_ = storage::MemoryJournalDisk(seed);
  store_ = std::make_unique<storage::MemoryStateStore>(
      storage::MemoryStateStore::Options{.cold = around_.plan.cold});
  promises_.clear();
  synced_ = Sequence(0);
  machine_.SetTold(true);
  damaged_ = false;
  refuses_to_start_ = false;
  Misbehave();
}

void Node::Restore(const Image& image) {
  synced_ = Sequence(0);
  disk_ = image.journal;
  disk_.SetFull(false);
  store_ = std::make_unique<storage::MemoryStateStore>(
      storage::MemoryStateStore::Options{.cold = around_.plan.cold});
  store_->InstallCheckpoint(image.state);
}

void Node::Damage() {
  const Sequence first = disk_.base().sequence.Next();
  const Sequence last = disk_.proven();
  if (last < first) return;
  const Sequence at(around_.random.Between(first.value(), last.value()));
  // Of a stale write at the end, or a misdirected one there, nothing tells.
  const uint64_t kind = at == disk_.last() ? 0 : around_.random.Below(3);
  damaged_ = true;
  if (kind == 0) {
    around_.counts.Add("rotten record");
    disk_.Rot(at);
  } else if (kind == 1) {
    around_.counts.Add("misdirected write");
    disk_.Misdirect(disk_.last(), at);
  } else {
    const bool older = disk_.MakeStale(at);
    around_.counts.Add(older ? "stale write, older entry" : "stale write");
  }
}

replication::Now Node::ReadClock() const {
  const microseconds now = around_.scheduler.now();
  const microseconds drifted(
      static_cast<int64_t>(static_cast<double>(now.count()) * drift_));
  const microseconds wall = kEpoch + now + drifted + clock_offset_;
  return {Timestamp(static_cast<uint64_t>(wall.count()) * 1000),
          replication::Deadline(now)};
}

// ---- the process

void Node::Start() {
  if (up() || off_ || refuses_to_start_) return;
  replication::ReplicaObserver* const observer =
      around_.begins == nullptr ? nullptr : around_.begins(*this);
  if (around_.mutation == Mutation::kAppliedPointApart) {
    store_->CrashWithAppliedPointApart();
  } else {
    store_->Crash();
  }
  storage::MemoryJournal::Options options;
  options.retention_entries = around_.plan.retention_entries;
  auto journal = storage::MemoryJournal::Open(disk_, options);
  if (!journal.ok() && damaged_) {
    around_.counts.Add("refused to start");
    refuses_to_start_ = true;
    return;
  }
  if (!journal.ok()) {
    Fail(absl::StrCat("refuses to start: ", journal.status().message()));
    return;
  }
  journal_ = *std::move(journal);
  if (journal_->last().sequence < synced_) {
    Fail(absl::StrCat("had synced sequence ", synced_.value(),
                      ", and starts with less"));
  }
  work_ = std::make_unique<replication::SimulatedWork>(*journal_, *store_);
  work_->now = ReadClock();
  work_->install = [this](const replication::JournalWrite& write) {
    return Install(write);
  };
  received_.clear();
  replication::ReplicaOptions replica;
  replica.self = id();
  replica.incarnation = member_.incarnation;
  replica.checkpoint.events = around_.plan.checkpoint_events;
  replica.keeps_state = keeps_state();
  replica.timing = around_.plan.timing;
  replica.flow = around_.plan.flow;
  replica.slow_write_ticks = around_.plan.disk.slow_write_ticks;
  replica.observer = observer;
  replication::Transport& transport = *this;
  replica_ = std::make_unique<Replica>(replica, *journal_, *store_, machine_,
                                       ChooseWork(), &transport);
  replica_->OnDiskFull(full_);
  ++life_;
  working_ = false;
  paused_until_ = {};
  told_ = Sequence(0);
  const absl::Status status = replica_->Start(work_->now);
  if (!status.ok()) {
    Fail(absl::StrCat("cannot start: ", status.message()));
    Drop();
    return;
  }
  around_.counts.Add("start");
  Settle();
  Tick();
}

replication::ReplicaWork& Node::ChooseWork() {
  if (around_.mutation != Mutation::kAnswerBeforeSync) return *work_;
  hasty_work_ =
      std::make_unique<HastyWork>(*work_, [this](replication::WriteId write) {
        around_.scheduler.After(microseconds(1), [this, life = life_, write] {
          if (life != life_) return;
          Do([this, write](Replica& replica) {
            replica.OnPersisted(write, ReadClock());
          });
        });
      });
  return *hasty_work_;
}

void Node::Tick() {
  const auto length =
      static_cast<int64_t>(static_cast<double>(kTick.count()) / (1 + drift_));
  around_.scheduler.After(microseconds(length), [this, life = life_] {
    if (life != life_ || !up()) return;
    // Those of a pause are not made up for: replica_threads.h.
    if (!paused()) {
      Do([this](Replica& replica) { replica.OnTick(ReadClock()); });
    }
    Tick();
  });
}

void Node::Defer(Task task) {
  const microseconds left = paused_until_ - around_.scheduler.now();
  around_.scheduler.After(
      left, [this, life = life_, task = std::move(task)]() mutable {
        if (life == life_) Do(std::move(task));
      });
}

// What follows by itself from what has just been done.
void Node::Settle() {
  while (replica_->Apply()) {
  }
  const Sequence applied = store_->applied().entry.sequence;
  if (applied != told_ && machine_.is_told()) {
    told_ = applied;
    around_.history.OnState(applied, store_->state_hash());
  }
  synced_ = protocol().durable();
  around_.stepped(*this);
  ScheduleWork();
  StopOnFault();
}

void Node::StopOnFault() {
  const absl::Status& fault = replica_->fault();
  if (fault.ok()) return;
  if (IsForkedOff()) {
    around_.counts.Add("refused by a higher fork");
    refuses_to_start_ = true;
  } else if (protocol().alarms().contains(
                 replication::Alarm::kDiffersBelowCommit)) {
    Fail(absl::StrCat("has halted: ", fault.message()));
    return;
  } else {
    around_.counts.Add("stopped itself");
  }
  // Not here: the replica is still on the stack.
  around_.scheduler.After(microseconds(1), [this, life = life_] {
    if (life != life_) return;
    Drop();
    around_.scheduler.After(milliseconds(around_.random.Between(10, 500)),
                            [this] { Start(); });
  });
}

// As it has to be after a forced promotion of another (rule 15).
bool Node::IsForkedOff() const {
  return around_.plan.operators.forces && protocol().halted() &&
         protocol().alarms().contains(replication::Alarm::kForkedOff);
}

microseconds Node::WorkTime() {
  if (around_.mutation == Mutation::kNotOfTheSeed) {
    static uint64_t work_of_this_process = 0;
    return microseconds(50 + ++work_of_this_process % 100);
  }
  const auto max = static_cast<uint64_t>(around_.plan.disk.latency_max.count());
  if (slow_until_ > around_.scheduler.now()) {
    return milliseconds(around_.random.Between(20, 800));
  }
  // With what is on its way at once kept small, a slow disk would need minutes.
  return microseconds(
      around_.random.Between(50, healed_ ? std::min(max, kGoodDisk) : max));
}

void Node::ScheduleWork() {
  if (working_ || work_->journal_pieces() + work_->other_pieces() == 0) return;
  if (hangs_) return;
  working_ = true;
  around_.scheduler.After(WorkTime(), [this, life = life_] {
    if (life != life_ || !up()) return;
    if (hangs_) {
      working_ = false;
      return;
    }
    Do([this](Replica& replica) {
      working_ = false;
      work_->DoOne(replica, order_);
    });
  });
}

void Node::Drop() {
  replica_.reset();
  work_.reset();
  journal_.reset();
  ++life_;
}

void Node::Crash(bool power_cut) {
  if (!up()) return;
  // In the middle of a write.
  if (work_->journal_pieces() > 0 && around_.random.OneIn(2)) {
    around_.counts.Add("crash in a write");
    disk_.CrashInAppend(true);
    work_->DoJournal(*replica_);
    disk_.CrashInAppend(false);
  }
  Drop();
  if (power_cut) disk_.PowerCut();
}

void Node::PowerOff() {
  Crash(/*power_cut=*/false);
  off_ = true;
}

void Node::LeaveBehind() { machine_.SetTold(false); }

void Node::Pause(microseconds length) {
  paused_until_ = std::max(paused_until_, around_.scheduler.now() + length);
}

void Node::SlowDisk(microseconds length) {
  slow_until_ = around_.scheduler.now() + length;
}

void Node::SetDiskFull(bool full) {
  full_ = full;
  disk_.SetFull(full);
  if (up()) replica_->OnDiskFull(full);
}

void Node::HangDisk(bool hangs) {
  hangs_ = hangs;
  if (up()) ScheduleWork();
}

void Node::Heal() {
  off_ = false;
  healed_ = true;
  SetDiskFull(false);
  slow_until_ = {};
  Start();
}

// ---- Transport

void Node::Send(Message message) {
  CheckClaim(message);
  const auto* told = std::get_if<replication::PromoteNow>(&message.body);
  if (told != nullptr && told->failed) around_.counts.Add("successor named");
  around_.send(std::move(message));
}

void Node::SendCheckpoint(replication::CheckpointOrder order) {
  around_.send_checkpoint(*this, order);
}

std::shared_ptr<const Node::Checkpoint> Node::TakeCheckpoint(
    Epoch epoch) const {
  const std::shared_ptr<const storage::MemoryState> state = store_->disk();
  if (state->applied().entry.sequence == Sequence(0)) return nullptr;
  const storage::Superblock superblock = journal_->superblock();
  const storage::AppliedPoint& applied = state->applied();
  Checkpoint checkpoint;
  checkpoint.state = state;
  checkpoint.received.from = id();
  checkpoint.received.epoch = epoch;
  checkpoint.received.checkpoint = applied.entry;
  checkpoint.received.timestamp = applied.timestamp;
  // That which held there.
  const bool newest =
      superblock.membership.since.sequence <= applied.entry.sequence;
  checkpoint.received.membership =
      newest ? superblock.membership : superblock.membership_before;
  return std::make_shared<const Checkpoint>(std::move(checkpoint));
}

void Node::Receive(const Checkpoint& checkpoint) {
  Do([this, checkpoint](Replica& replica) {
    received_[checkpoint.received.checkpoint.sequence] = checkpoint.state;
    replica.OnEvent(checkpoint.received, ReadClock());
  });
}

absl::Status Node::Install(const replication::JournalWrite& write) {
  around_.counts.Add("checkpoint installed");
  storage::Superblock superblock = journal_->superblock();
  superblock.checkpoint = *write.install;
  superblock.promised_epoch = write.superblock->promised;
  superblock.fork = write.superblock->fork.value();
  superblock.membership = write.superblock->membership;
  superblock.membership_before = write.superblock->membership_before;
  const absl::Status status = journal_->Install(superblock);
  if (status.ok() && keeps_state()) {
    store_->InstallCheckpoint(received_.at(write.install->sequence));
  }
  return status;
}

// ---- what must hold

void Node::CheckClaim(const Message& message) {
  if (const auto* ack = std::get_if<replication::Acknowledged>(&message.body)) {
    CheckDurable(message, ack->through);
  } else if (const auto* beat =
                 std::get_if<replication::HeartbeatAnswer>(&message.body)) {
    CheckDurable(message, beat->through);
  } else if (const auto* promise =
                 std::get_if<replication::Promise>(&message.body)) {
    CheckDurable(message, promise->last.sequence);
    const auto given = promises_.emplace(message.epoch, message.to);
    if (given.first->second != message.to) {
      Fail(absl::StrCat("promises epoch ", message.epoch.value(), " twice"));
    }
  } else if (std::holds_alternative<replication::PromiseRequest>(
                 message.body) ||
             std::holds_alternative<replication::Append>(message.body)) {
    CheckDurable(message, Sequence(0));
  }
}

// Rule 1.
void Node::CheckDurable(const Message& message, Sequence through) {
  if (journal_->superblock().promised_epoch < message.epoch) {
    Fail(absl::StrCat("speaks in epoch ", message.epoch.value(),
                      ", which it has not synced"));
  }
  if (journal_->last().sequence < through) {
    Fail(absl::StrCat("says that it has ", through.value(),
                      ", which is not on its disk"));
  }
}

void Node::Fail(const std::string& why) {
  around_.history.Fail(absl::StrCat("replica ", id().value(), " ", why));
}

}  // namespace ledgerd::sim
