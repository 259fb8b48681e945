// In which order a replica's thread takes what other replicas send; and what is
// told of damage that is met when one of them asks for entries.
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "proto/system_limits.h"
#include "replication/replica_threads.h"
#include "replication/toy_machine.h"
#include "replication/transport.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::replication {
namespace {

using std::chrono::seconds;

constexpr Epoch kEpoch(1);
constexpr ReplicaId kSelf(1);
constexpr ReplicaId kPrimary(2);

// Keeps the answers to heartbeats.
class AnswerKeeper final : public Transport {
 public:
  // Called on the replica's thread for each.
  std::function<void(const HeartbeatAnswer&)> on_answer;
  // Called for each question what another one remembers.
  std::function<void(ReplicaId asked, ProcessId asker)> on_recall;

  void Send(Message message) override {
    if (const auto* recall = std::get_if<Recall>(&message.body)) {
      on_recall(message.to, recall->process);
    }
    const auto* answer = std::get_if<HeartbeatAnswer>(&message.body);
    if (answer == nullptr) return;
    if (on_answer) on_answer(*answer);
    const MutexLock lock(mutex_);
    answers_.push_back(*answer);
    changed_.SignalAll();
  }

  void SendCheckpoint(CheckpointOrder /*order*/) override {}

  bool Has(Round round) {
    const MutexLock lock(mutex_);
    return Find(round) != nullptr;
  }

  HeartbeatAnswer Wait(Round round) {
    const MutexLock lock(mutex_);
    while (Find(round) == nullptr) changed_.Wait(mutex_);
    return *Find(round);
  }

 private:
  const HeartbeatAnswer* Find(Round round) const LEDGERD_REQUIRES(mutex_) {
    for (const HeartbeatAnswer& answer : answers_) {
      if (answer.round == round) return &answer;
    }
    return nullptr;
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<HeartbeatAnswer> answers_ LEDGERD_GUARDED_BY(mutex_);
};

class TurnTest : public testing::Test {
 protected:
  TurnTest() {
    ReplicaThreadsOptions options;
    options.replica.self = kSelf;
    options.on_unread = [this](const absl::Status& error) {
      const MutexLock lock(mutex_);
      unread_ = error;
    };
    replica_ = std::make_unique<ReplicaThreads>(
        std::move(options), *journal_, store_, machine_, clock_, &transport_);
  }

  void SetUp() override {
    // The others remember nothing of it.
    transport_.on_recall = [this](ReplicaId asked, ProcessId asker) {
      Recalled recalled;
      recalled.asked_by = asker;
      Deliver(asked, std::move(recalled));
    };
    ASSERT_TRUE(replica_->Start().ok());
    // Once it has promised the epoch it answers.
    for (Round round(1); !transport_.Has(round); round = round.Next()) {
      Beat(round);
      std::this_thread::yield();
      if (transport_.Has(round)) break;
    }
  }

  ~TurnTest() override { replica_->Stop(seconds(60)).IgnoreError(); }

  void Deliver(ReplicaId from, Body body, Epoch epoch = kEpoch) {
    Message message;
    message.from = from;
    message.from_incarnation = Incarnation(1);
    message.to = kSelf;
    message.to_incarnation = Incarnation(1);
    message.epoch = epoch;
    message.body = std::move(body);
    replica_->Deliver(Received{std::move(message)});
  }

  void Beat(Round round) {
    Heartbeat heartbeat;
    heartbeat.round = round;
    Deliver(kPrimary, heartbeat);
  }

  // One full entry.
  void Append() {
    const std::vector<Account> rows(kMaxBatchSize);
    Entry entry = Entry::Seal(
        MakeCommand<Account>(EntryKind::kCreateAccounts, rows), kEpoch,
        Timestamp((last_.sequence.value() + 1) * kMaxBatchSize), last_);
    const EntryId previous = std::exchange(last_, entry.id());
    Deliver(kPrimary, replication::Append{previous, {std::move(entry)}, {}});
  }

  // The replica's thread stands still until the returned promise is set.
  std::promise<void> Hold() {
    std::promise<void> go_on;
    std::promise<void> holds;
    replica_->Request(PauseRequested{},
                      [&holds, gate = go_on.get_future().share()](auto) {
                        holds.set_value();
                        gate.wait();
                      });
    holds.get_future().wait();
    return go_on;
  }

  absl::Status unread() {
    const MutexLock lock(mutex_);
    return unread_;
  }

  Mutex mutex_;
  // The last that was told of.
  absl::Status unread_ LEDGERD_GUARDED_BY(mutex_);
  storage::MemoryJournalDisk disk_{1, {kSelf, kPrimary, ReplicaId(3)}};
  std::unique_ptr<storage::MemoryJournal> journal_ =
      *storage::MemoryJournal::Open(disk_, {});
  storage::MemoryStateStore store_{storage::MemoryStateStore::Options()};
  ToyMachine machine_;
  SystemClock clock_;
  AnswerKeeper transport_;
  EntryId last_;
  std::unique_ptr<ReplicaThreads> replica_;
};

TEST_F(TurnTest, AHeartbeatWaitsForNoMoreThanOneTurnsEntries) {
  constexpr Round kBehindAll(1'000'000);
  constexpr Round kMeanwhile(1'000'001);
  constexpr uint64_t kEntries = 5;
  transport_.on_answer = [&](const HeartbeatAnswer& answer) {
    if (answer.round == kBehindAll) Beat(kMeanwhile);
  };
  std::promise<void> go_on = Hold();
  for (uint64_t i = 0; i < kEntries; ++i) Append();
  Beat(kBehindAll);
  go_on.set_value();
  EXPECT_EQ(transport_.Wait(kBehindAll).received, Sequence(0));
  EXPECT_EQ(transport_.Wait(kMeanwhile).received, Sequence(1));
  for (Round round = kMeanwhile.Next();; round = round.Next()) {
    Beat(round);
    if (transport_.Wait(round).received == Sequence(kEntries)) break;
  }
}

// Who asked is told only that the journal does not reach back so far.
TEST_F(TurnTest, DamageThatIsReadForAnotherIsTold) {
  constexpr ReplicaId kCandidate(3);
  constexpr Epoch kNext(2);
  Append();
  for (Round round(1'000'000);; round = round.Next()) {
    Beat(round);
    if (transport_.Wait(round).through == Sequence(1)) break;
  }
  std::promise<void> rotten;
  replica_->RunOnJournal([&] {
    disk_.Rot(Sequence(1));
    rotten.set_value();
  });
  rotten.get_future().wait();
  EXPECT_TRUE(unread().ok());
  // Asked by whom it has promised to bring that one's journal up to date.
  while (unread().ok()) {
    Deliver(kCandidate, PromiseRequest{}, kNext);
    Deliver(kCandidate, Fetch{EntryId(), Sequence(1)}, kNext);
    std::this_thread::yield();
  }
  EXPECT_TRUE(absl::IsDataLoss(unread())) << unread();
}

}  // namespace
}  // namespace ledgerd::replication
