// The loop with its real threads, over a journal and a state in memory.
#include "replication/replica_threads.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/errors.h"
#include "replication/read_queue.h"
#include "replication/toy_machine.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::replication {
namespace {

using std::chrono::seconds;

Deadline In(seconds delay) { return std::chrono::steady_clock::now() + delay; }

// Holds back, or refuses for lack of space, what goes to the journal behind it.
class GatedJournal final : public storage::Journal {
 public:
  explicit GatedJournal(storage::Journal& behind) : behind_(behind) {}

  void SetOpen(bool open) {
    const MutexLock lock(mutex_);
    open_ = open;
    changed_.SignalAll();
  }

  void SetFull(bool full) {
    const MutexLock lock(mutex_);
    full_ = full;
  }

  void WaitUntilOneWaits() {
    const MutexLock lock(mutex_);
    while (waiting_ == 0) changed_.Wait(mutex_);
  }

  // Groups so far.
  int appends() {
    const MutexLock lock(mutex_);
    return appends_;
  }

  absl::Status Append(absl::Span<const Entry> entries,
                      Sequence commit_point) override {
    {
      const MutexLock lock(mutex_);
      ++appends_;
      ++waiting_;
      changed_.SignalAll();
      while (!open_) changed_.Wait(mutex_);
      --waiting_;
      if (full_) return absl::ResourceExhaustedError("full");
    }
    return behind_.Append(entries, commit_point);
  }

  absl::Status WriteFiller() override { return behind_.WriteFiller(); }

  absl::Status RollBack(Sequence from) override {
    return behind_.RollBack(from);
  }

  absl::Status Release(Sequence through) override {
    return behind_.Release(through);
  }

  absl::Status WriteSuperblock(const storage::Superblock& block) override {
    return behind_.WriteSuperblock(block);
  }

  absl::Status Install(const storage::Superblock& block) override {
    return behind_.Install(block);
  }

  absl::StatusOr<std::vector<Entry>> Read(Sequence from,
                                          uint64_t max) const override {
    return behind_.Read(from, max);
  }

  storage::Outline TakeOutline() override { return behind_.TakeOutline(); }

  EntryId base() const override { return behind_.base(); }

  EntryId last() const override { return behind_.last(); }

  Timestamp last_timestamp() const override { return behind_.last_timestamp(); }

  storage::Superblock superblock() const override {
    return behind_.superblock();
  }

 private:
  storage::Journal& behind_;
  Mutex mutex_;
  CondVar changed_;
  bool open_ = true;
  bool full_ = false;
  int appends_ = 0;
  int waiting_ = 0;
};

// One answer that a test waits for.
class Answer {
 public:
  std::function<void(absl::StatusOr<EntryResult>)> Callback() {
    return [this](absl::StatusOr<EntryResult> result) {
      const MutexLock lock(mutex_);
      result_ = std::move(result);
      changed_.SignalAll();
    };
  }

  absl::StatusOr<EntryResult> Wait() {
    const MutexLock lock(mutex_);
    while (!result_.has_value()) changed_.Wait(mutex_);
    return *result_;
  }

  bool has() {
    const MutexLock lock(mutex_);
    return result_.has_value();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::optional<absl::StatusOr<EntryResult>> result_;
};

class ReplicaThreadsTest : public testing::Test {
 protected:
  ReplicaThreadsTest() : disk_(1, {ReplicaId(1)}) {
    auto journal = storage::MemoryJournal::Open(disk_, {});
    LEDGERD_CHECK_OK(journal.status());
    journal_ = *std::move(journal);
    gate_.emplace(*journal_);
  }

  ~ReplicaThreadsTest() override {
    gate_->SetOpen(true);
    gate_->SetFull(false);
    if (replica_ != nullptr) replica_->Stop(seconds(60)).IgnoreError();
  }

  void Start(ReplicaThreadsOptions options = {}) {
    options.replica.self = ReplicaId(1);
    options.replica.checkpoint.events = 50;
    replica_ = std::make_unique<ReplicaThreads>(std::move(options), *gate_,
                                                store_, machine_, clock_);
    ASSERT_TRUE(replica_->Start().ok());
    while (replica_->status().role != Role::kPrimary) {
      replica_->WaitForCommit(Sequence(0), In(seconds(60)));
      std::this_thread::yield();
    }
  }

  // One has gone out: small ones that come now stay in the inbox.
  void WaitUntilProposalsGather() {
    gate_->WaitUntilOneWaits();
    // A read's turn comes after the one in which that went out.
    Answer read;
    ReadRequest request;
    request.deadline = In(seconds(600));
    request.begin = [&](const absl::StatusOr<Sequence>& /*sequence*/) {
      return [&] { read.Callback()(EntryResult{}); };
    };
    ASSERT_TRUE(replica_->Read(std::move(request)).ok());
    ASSERT_TRUE(read.Wait().ok());
  }

  static Proposal CreateAccount(uint64_t id, Answer& answer) {
    std::vector<Account> accounts(1);
    accounts[0].id = AccountId(id);
    return {MakeCommand<Account>(EntryKind::kCreateAccounts, accounts),
            In(seconds(600)), answer.Callback()};
  }

  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::MemoryJournal> journal_;
  std::optional<GatedJournal> gate_;
  storage::MemoryStateStore store_{{.cold = true}};
  ToyMachine machine_;
  SystemClock clock_;
  std::unique_ptr<ReplicaThreads> replica_;
};

TEST_F(ReplicaThreadsTest, AnswersManyThreadsEachInItsOrder) {
  Start();
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kEach = 100;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      std::vector<Answer> answers(kEach);
      for (uint64_t i = 0; i < kEach; ++i) {
        EXPECT_TRUE(
            replica_->Propose(CreateAccount(t * kEach + i + 1, answers[i]))
                .ok());
      }
      Sequence last;
      for (Answer& answer : answers) {
        const auto result = answer.Wait();
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->accounts[0].status, AccountStatus::kCreated);
        EXPECT_GT(result->sequence, last);
        last = result->sequence;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(
      replica_->WaitForCommit(Sequence(kThreads * kEach), In(seconds(60))),
      Sequence(kThreads * kEach + 1));
}

TEST_F(ReplicaThreadsTest, StopsWithEverythingInACheckpoint) {
  Start();
  std::vector<Answer> answers(130);
  for (size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(replica_->Propose(CreateAccount(i + 1, answers[i])).ok());
  }
  EXPECT_TRUE(replica_->Stop(seconds(60)).ok());
  replica_.reset();
  for (Answer& answer : answers) EXPECT_TRUE(answer.Wait().ok());
  EXPECT_EQ(journal_->superblock().checkpoint.sequence, Sequence(131));
  EXPECT_EQ(store_.disk()->accounts().size(), answers.size());
}

TEST_F(ReplicaThreadsTest, OperatorsAreAnsweredAtOnce) {
  Start();
  std::promise<absl::StatusOr<RequestResult>> paused;
  replica_->Request(PauseRequested{.paused = true},
                    [&paused](auto result) { paused.set_value(result); });
  const auto result = paused.get_future().get();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->refusal, Refusal::kNone);
  replica_->WaitForCommit(Sequence(result->sequence.value() - 1),
                          In(seconds(60)));
  EXPECT_TRUE(replica_->status().membership.paused);
  std::promise<absl::StatusOr<RequestResult>> refused;
  replica_->Request(SwitchoverRequested{ReplicaId(2)},
                    [&refused](auto answer) { refused.set_value(answer); });
  EXPECT_EQ(refused.get_future().get()->refusal, Refusal::kNoSuchMember);
  ASSERT_TRUE(replica_->Stop(seconds(60)).ok());
  std::promise<absl::StatusOr<RequestResult>> late;
  replica_->Request(PromotionRequested{},
                    [&late](auto answer) { late.set_value(answer); });
  EXPECT_EQ(ReasonOf(late.get_future().get().status()), Reason::kDraining);
  replica_.reset();
}

// Proposals come in while it begins to stop: all that were taken are answered,
// and all others were refused.
TEST_F(ReplicaThreadsTest, AStopAnswersWhatItTookAndRefusesTheRest) {
  Start();
  gate_->SetOpen(false);
  std::vector<std::unique_ptr<Answer>> taken;
  std::vector<std::unique_ptr<Answer>> refused;
  const auto propose = [&] {
    auto answer = std::make_unique<Answer>();
    const absl::Status status =
        replica_->Propose(CreateAccount(taken.size() + 1, *answer));
    (status.ok() ? taken : refused).push_back(std::move(answer));
    return status;
  };
  ASSERT_TRUE(propose().ok());
  gate_->WaitUntilOneWaits();
  std::thread stop([this] { EXPECT_TRUE(replica_->Stop(seconds(60)).ok()); });
  while (replica_->Admits(1).ok()) {
    // Some of them; the inbox is not to be full before the stop begins.
    if (taken.size() < 1'000) propose().IgnoreError();
  }
  EXPECT_EQ(ReasonOf(propose()), Reason::kDraining);
  gate_->SetOpen(true);
  stop.join();
  for (const auto& answer : refused) EXPECT_FALSE(answer->has());
  for (const auto& answer : taken) EXPECT_TRUE(answer->Wait().ok());
  // The first entry is the epoch's start.
  EXPECT_EQ(journal_->last().sequence, Sequence(1 + taken.size()));
  EXPECT_EQ(store_.disk()->accounts().size(), taken.size());
  replica_.reset();
}

// It has no time: of what has a place in the journal nobody knows what becomes,
// and what still waits in the inbox is not done.
TEST_F(ReplicaThreadsTest, AStopInAHurryTellsWhatIsKnown) {
  Start();
  gate_->SetOpen(false);
  Answer placed;
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, placed)).ok());
  gate_->WaitUntilOneWaits();
  // It gathers while the first is being synced.
  Answer waiting;
  ASSERT_TRUE(replica_->Propose(CreateAccount(2, waiting)).ok());
  std::thread stop([this] { EXPECT_TRUE(replica_->Stop(seconds(0)).ok()); });
  while (!replica_->ending()) std::this_thread::yield();
  gate_->SetOpen(true);
  stop.join();
  EXPECT_EQ(ReasonOf(placed.Wait().status()), Reason::kOutcomeUnknown);
  EXPECT_EQ(ReasonOf(waiting.Wait().status()), Reason::kDraining);
  EXPECT_EQ(journal_->last().sequence, Sequence(2));
  replica_.reset();
}

TEST_F(ReplicaThreadsTest, RefusesWhatTheInboxDoesNotHold) {
  ReplicaThreadsOptions options;
  options.inbox_proposals = 3;
  Start(std::move(options));
  gate_->SetOpen(false);
  // The pipeline takes some, the inbox three, then it is full: not at the first
  // refusal, since the pipeline may still take one, but when both ask in vain.
  std::vector<Account> rows(kMaxBatchSize);
  std::vector<std::unique_ptr<Answer>> answers;
  absl::Status status;
  absl::Status admits;
  while (status.ok() || admits.ok()) {
    ASSERT_LT(answers.size(), 1'000u);
    answers.push_back(std::make_unique<Answer>());
    status = replica_->Propose(
        {MakeCommand<Account>(EntryKind::kCreateAccounts, rows),
         In(seconds(600)), answers.back()->Callback()});
    admits = replica_->Admits(1);
    if (!status.ok()) {
      EXPECT_EQ(ReasonOf(status), Reason::kOverloaded);
      EXPECT_FALSE(answers.back()->has());
      answers.pop_back();
    }
  }
  EXPECT_EQ(admits, status) << "as Propose says it";
  gate_->SetOpen(true);
  for (const auto& answer : answers) EXPECT_TRUE(answer->Wait().ok());
}

// The first goes out alone; those that come while it is being synced are one
// group.
TEST_F(ReplicaThreadsTest, WhatComesDuringASyncIsOneGroup) {
  Start();
  gate_->SetOpen(false);
  std::vector<Answer> answers(100);
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, answers[0])).ok());
  gate_->WaitUntilOneWaits();
  const int before = gate_->appends();
  for (size_t i = 1; i < answers.size(); ++i) {
    ASSERT_TRUE(replica_->Propose(CreateAccount(i + 1, answers[i])).ok());
  }
  gate_->SetOpen(true);
  for (Answer& answer : answers) EXPECT_TRUE(answer.Wait().ok());
  EXPECT_EQ(gate_->appends(), before + 1);
}

// More than fits in what gathers: the replica takes them while the journal
// still writes.
TEST_F(ReplicaThreadsTest, LargeProposalsDoNotWaitForTheSync) {
  ReplicaThreadsOptions options;
  options.inbox_proposals = 1;
  Start(std::move(options));
  gate_->SetOpen(false);
  Answer first;
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, first)).ok());
  gate_->WaitUntilOneWaits();
  std::vector<Account> rows(kMaxBatchSize);
  Answer second;
  ASSERT_TRUE(
      replica_
          ->Propose({MakeCommand<Account>(EntryKind::kCreateAccounts, rows),
                     In(seconds(600)), second.Callback()})
          .ok());
  // There is room for a third only once the second has left the inbox.
  Answer third;
  while (!replica_->Propose(CreateAccount(2, third)).ok()) {
    std::this_thread::yield();
  }
  gate_->SetOpen(true);
  EXPECT_TRUE(first.Wait().ok());
  EXPECT_TRUE(second.Wait().ok());
  EXPECT_TRUE(third.Wait().ok());
}

// Those that wait for a sequence count as well as those that are being done,
// but for one that waits for many.
TEST_F(ReplicaThreadsTest, RefusesMoreReadsThanItMayHave) {
  ReplicaThreadsOptions options;
  options.reads_max = 3;
  Start(std::move(options));
  std::vector<Answer> answers(5);
  const auto read = [&](Answer& answer, bool counted = true) {
    ReadRequest request;
    request.freshness.level = Freshness::Level::kAtLeastSequence;
    request.freshness.at_least = Sequence(3);
    request.deadline = In(seconds(600));
    request.counted = counted;
    request.begin = [&answer](const absl::StatusOr<Sequence>& at) {
      EXPECT_TRUE(at.ok()) << at.status();
      return [&answer] { answer.Callback()(EntryResult{}); };
    };
    return replica_->Read(std::move(request));
  };
  Answer for_many[2];
  ASSERT_TRUE(read(for_many[0], false).ok());
  for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(read(answers[i]).ok());
  EXPECT_EQ(ReasonOf(read(answers[3])), Reason::kOverloaded);
  ASSERT_TRUE(read(for_many[1], false).ok());
  Answer created[2];
  for (uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(replica_->Propose(CreateAccount(i + 1, created[i])).ok());
    EXPECT_TRUE(created[i].Wait().ok());
  }
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(answers[i].Wait().ok());
  for (Answer& answer : for_many) EXPECT_TRUE(answer.Wait().ok());
  while (!read(answers[4]).ok()) std::this_thread::yield();
  EXPECT_TRUE(answers[4].Wait().ok());
}

// Queries that go on until the replica ends, and many more that wait for them.
TEST_F(ReplicaThreadsTest, LongQueriesHoldUpNeitherLookUpsNorTheStop) {
  Start();
  const size_t begun = ReadQueue::BegunMax(ReadKind::kQuery);
  std::vector<Answer> queries(begun + 100);
  const auto read = [this](ReadKind kind, Answer& answer,
                           std::function<void()> rest) {
    ReadRequest request;
    request.kind = kind;
    request.deadline = In(seconds(600));
    request.begin =
        [&answer,
         rest](const absl::StatusOr<Sequence>& at) -> std::function<void()> {
      if (!at.ok()) {
        answer.Callback()(at.status());
        return nullptr;
      }
      return [&answer, rest] {
        rest();
        answer.Callback()(EntryResult{});
      };
    };
    ASSERT_TRUE(replica_->Read(std::move(request)).ok());
  };
  for (Answer& query : queries) {
    read(ReadKind::kQuery, query, [this] {
      while (!replica_->ending()) std::this_thread::yield();
    });
  }
  Answer lookup;
  read(ReadKind::kLookup, lookup, [] {});
  EXPECT_TRUE(lookup.Wait().ok());
  EXPECT_TRUE(replica_->Stop(seconds(60)).ok());
  for (size_t i = 0; i < queries.size(); ++i) {
    const absl::Status end = queries[i].Wait().status();
    if (i < begun) {
      EXPECT_TRUE(end.ok()) << end;
    } else if (!end.ok()) {  // The first may have been begun meanwhile.
      EXPECT_EQ(ReasonOf(end), Reason::kDraining);
    }
  }
  EXPECT_FALSE(queries.back().Wait().ok());
  replica_.reset();
}

// Each that is done wakes the replica for the next one.
TEST_F(ReplicaThreadsTest, ManyMoreReadsThanMayBeginAtOnceAreAllDone) {
  Start();
  std::vector<Answer> answers(2'000);
  for (size_t i = 0; i < answers.size(); ++i) {
    ReadRequest request;
    request.kind = kReadKinds[i % kReadKinds.size()];
    request.deadline = In(seconds(600));
    request.begin = [&answer = answers[i]](const absl::StatusOr<Sequence>& at) {
      EXPECT_TRUE(at.ok()) << at.status();
      return [&answer] { answer.Callback()(EntryResult{}); };
    };
    ASSERT_TRUE(replica_->Read(std::move(request)).ok());
  }
  for (Answer& answer : answers) EXPECT_TRUE(answer.Wait().ok());
}

TEST_F(ReplicaThreadsTest, AFullDiskRefusesWritesAndServesReads) {
  Start();
  gate_->SetFull(true);
  Answer held;
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, held)).ok());
  absl::Status status;
  std::vector<std::unique_ptr<Answer>> more;
  while (status.ok()) {
    more.push_back(std::make_unique<Answer>());
    status = replica_->Propose(CreateAccount(2, *more.back()));
    std::this_thread::yield();
  }
  EXPECT_EQ(ReasonOf(status), Reason::kDiskFull);
  EXPECT_FALSE(held.has());
  EXPECT_TRUE(replica_->status().journal_full);
  EXPECT_GT(replica_->status().full_since, Timestamp(0));
  Answer read;
  ReadRequest request;
  request.deadline = In(seconds(600));
  request.begin = [&](const absl::StatusOr<Sequence>& sequence) {
    EXPECT_TRUE(sequence.ok());
    return [&] { read.Callback()(EntryResult{}); };
  };
  ASSERT_TRUE(replica_->Read(std::move(request)).ok());
  EXPECT_TRUE(read.Wait().ok());
  gate_->SetFull(false);
  EXPECT_TRUE(held.Wait().ok());
  while (replica_->status().journal_full) std::this_thread::yield();
  EXPECT_EQ(replica_->status().full_since, Timestamp(0));
  more.pop_back();  // The one that was refused.
  for (const auto& answer : more) {
    const absl::Status ended = answer->Wait().status();
    EXPECT_TRUE(ended.ok() || ReasonOf(ended) == Reason::kDiskFull) << ended;
  }
}

TEST_F(ReplicaThreadsTest, AFullDiskRefusesWhatWaitsInTheInbox) {
  Start();
  gate_->SetOpen(false);
  Answer held;
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, held)).ok());
  ASSERT_NO_FATAL_FAILURE(WaitUntilProposalsGather());
  std::vector<Answer> waiting(3);
  for (size_t i = 0; i < waiting.size(); ++i) {
    ASSERT_TRUE(replica_->Propose(CreateAccount(i + 2, waiting[i])).ok());
  }
  gate_->SetFull(true);
  gate_->SetOpen(true);
  for (Answer& answer : waiting) {
    EXPECT_EQ(ReasonOf(answer.Wait().status()), Reason::kDiskFull);
  }
  EXPECT_FALSE(held.has());
  gate_->SetFull(false);
  EXPECT_TRUE(held.Wait().ok());
  EXPECT_EQ(journal_->last().sequence, Sequence(2));
}

TEST_F(ReplicaThreadsTest, WhatIsLateInTheInboxIsRefused) {
  Start();
  gate_->SetOpen(false);
  Answer held;
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, held)).ok());
  ASSERT_NO_FATAL_FAILURE(WaitUntilProposalsGather());
  Answer patient;
  ASSERT_TRUE(replica_->Propose(CreateAccount(2, patient)).ok());
  Answer late;
  Proposal proposal = CreateAccount(3, late);
  proposal.deadline = In(seconds(0));
  ASSERT_TRUE(replica_->Propose(std::move(proposal)).ok());
  EXPECT_EQ(ReasonOf(late.Wait().status()), Reason::kOverloaded);
  EXPECT_FALSE(held.has());
  EXPECT_FALSE(patient.has());
  gate_->SetOpen(true);
  EXPECT_TRUE(held.Wait().ok());
  EXPECT_TRUE(patient.Wait().ok());
}

TEST_F(ReplicaThreadsTest, AFailedSyncHaltsAndTellsItsOwner) {
  Answer halted;
  ReplicaThreadsOptions options;
  options.on_halt = [&](const absl::Status& fault) {
    halted.Callback()(fault);
  };
  Start(std::move(options));
  gate_->SetOpen(false);
  Answer answer;
  ASSERT_TRUE(replica_->Propose(CreateAccount(1, answer)).ok());
  // Else a filler could meet the failure, before the proposal has a place.
  gate_->WaitUntilOneWaits();
  disk_.FailNextSync();
  gate_->SetOpen(true);
  EXPECT_EQ(ReasonOf(answer.Wait().status()), Reason::kOutcomeUnknown);
  EXPECT_FALSE(halted.Wait().ok());
  Answer later;
  const absl::Status taken = replica_->Propose(CreateAccount(2, later));
  if (taken.ok()) {
    EXPECT_EQ(ReasonOf(later.Wait().status()), Reason::kNoPrimary);
  }
  EXPECT_FALSE(replica_->Stop(seconds(60)).ok());
  replica_.reset();
}

}  // namespace
}  // namespace ledgerd::replication
