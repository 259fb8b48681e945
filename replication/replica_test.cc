// The loop over simulated work, journal and state: nothing is answered before
// it is durable, and nothing answered is lost by a crash.
#include "replication/replica.h"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/test_seed.h"
#include "proto/errors.h"
#include "replication/simulated_work.h"
#include "replication/toy_machine.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One replica, its disk, and the means to crash it.
class World {
 public:
  explicit World(uint64_t seed = 1, uint32_t slow_write_ticks = 0)
      : slow_write_ticks_(slow_write_ticks),
        random_(seed),
        disk_(seed, {ReplicaId(1)}) {
    Boot();
  }

  // Boots from what the disk holds; of what was not durable, some may be gone.
  void Crash() {
    replica_.reset();
    work_.reset();
    journal_.reset();
    disk_.PowerCut();
    store_.Crash();
    Boot();
  }

  // Starts and runs until it serves.
  void Serve() {
    ASSERT_TRUE(replica_->Start(work_->now).ok());
    work_->DoAll(*replica_, random_);
    ASSERT_EQ(replica_->status().role, Role::kPrimary)
        << replica_->status().fault;
  }

  Proposal Accounts(std::vector<uint64_t> ids,
                    std::function<void(absl::StatusOr<EntryResult>)> done) {
    std::vector<Account> accounts;
    for (const uint64_t id : ids) accounts.emplace_back().id = AccountId(id);
    return {MakeCommand<Account>(EntryKind::kCreateAccounts, accounts),
            Deadline::max(), std::move(done)};
  }

  void Propose(Proposal proposal) {
    std::vector<Proposal> proposals;
    proposals.push_back(std::move(proposal));
    replica_->OnProposals(std::move(proposals), work_->now);
  }

  // Creates account `id` and returns its result once all is quiet.
  absl::StatusOr<EntryResult> Create(uint64_t id) {
    absl::StatusOr<EntryResult> answer = absl::UnknownError("not answered");
    Propose(Accounts({id}, [&](absl::StatusOr<EntryResult> result) {
      answer = std::move(result);
    }));
    work_->DoAll(*replica_, random_);
    return answer;
  }

  Replica& replica() { return *replica_; }

  SimulatedWork& work() { return *work_; }

  storage::MemoryJournalDisk& disk() { return disk_; }

  storage::Journal& journal() { return *journal_; }

  storage::MemoryStateStore& store() { return store_; }

  std::mt19937_64& random() { return random_; }

 private:
  void Boot() {
    auto journal = storage::MemoryJournal::Open(disk_, {});
    LEDGERD_CHECK_OK(journal.status());
    journal_ = *std::move(journal);
    work_ = std::make_unique<SimulatedWork>(*journal_, store_);
    ReplicaOptions options;
    options.self = ReplicaId(1);
    options.checkpoint.events = 20;
    options.slow_write_ticks = slow_write_ticks_;
    replica_ =
        std::make_unique<Replica>(options, *journal_, store_, machine_, *work_);
  }

  const uint32_t slow_write_ticks_;
  std::mt19937_64 random_;
  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::MemoryJournal> journal_;
  storage::MemoryStateStore store_{{.cold = true}};
  ToyMachine machine_;
  std::unique_ptr<SimulatedWork> work_;
  std::unique_ptr<Replica> replica_;
};

TEST(ReplicaTest, ServesOnceItsEpochStartIsApplied) {
  World world;
  ASSERT_TRUE(world.replica().Start(world.work().now).ok());
  EXPECT_EQ(world.replica().status().role, Role::kRecovering);
  world.work().DoAll(world.replica(), world.random());
  const ReplicaStatus status = world.replica().status();
  EXPECT_EQ(status.role, Role::kPrimary);
  EXPECT_EQ(status.primary, ReplicaId(1));
  EXPECT_EQ(status.epoch, Epoch(1));
  EXPECT_EQ(status.commit.sequence, Sequence(1));
  EXPECT_EQ(status.applied, Sequence(1));
}

TEST(ReplicaTest, AnEpochBeginsWhenItsPromiseIsDurable) {
  World world;
  ASSERT_TRUE(world.replica().Start(world.work().now).ok());
  ASSERT_EQ(world.work().journal_pieces(), 1u);
  EXPECT_EQ(world.journal().superblock().promised_epoch, Epoch(0));
  world.work().DoJournal(world.replica());
  EXPECT_EQ(world.journal().superblock().promised_epoch, Epoch(1));
  EXPECT_EQ(world.journal().last().sequence, Sequence(0));
  ASSERT_EQ(world.work().journal_pieces(), 1u);
  world.work().DoJournal(world.replica());
  EXPECT_EQ(world.journal().last().sequence, Sequence(1));
}

TEST(ReplicaTest, KeepsItsMembershipOverPromises) {
  World world;
  world.Serve();
  world.Crash();
  world.Serve();
  EXPECT_EQ(world.replica().status().epoch, Epoch(2));
  EXPECT_EQ(world.journal().superblock().membership,
            storage::FirstMembership({ReplicaId(1)}));
}

TEST(ReplicaTest, AJournalThatDoesNotGetOnIsNoProgress) {
  World world;
  world.Serve();
  world.Propose(world.Accounts({1}, [](const auto&) {}));
  for (uint32_t tick = 1; tick < Replica::kJournalTicksMax; ++tick) {
    world.replica().OnTick(world.work().now);
    EXPECT_TRUE(world.replica().progressing()) << tick;
  }
  world.replica().OnTick(world.work().now);
  EXPECT_FALSE(world.replica().progressing());
  world.work().DoAll(world.replica(), world.random());
  EXPECT_TRUE(world.replica().progressing());
}

TEST(ReplicaTest, SlowJournalWritesAreCountedUntilOneIsNot) {
  World world(/*seed=*/1, /*slow_write_ticks=*/3);
  world.Serve();
  const auto write = [&world](uint64_t id, int ticks) {
    world.Propose(world.Accounts({id}, [](const auto&) {}));
    for (int i = 0; i < ticks; ++i) world.replica().OnTick(world.work().now);
  };
  const auto slow = [&world] { return world.replica().status().slow_writes; };
  write(1, 2);
  EXPECT_EQ(slow(), 0u);
  world.work().DoAll(world.replica(), world.random());
  for (uint32_t i = 0; i < 3; ++i) {
    write(2 + i, 3);
    EXPECT_EQ(slow(), i + 1) << "while it is waited for";
    world.work().DoAll(world.replica(), world.random());
    EXPECT_EQ(slow(), i + 1);
  }
  write(9, 2);
  EXPECT_EQ(slow(), 3u);
  world.work().DoAll(world.replica(), world.random());
  EXPECT_EQ(slow(), 0u);
}

TEST(ReplicaTest, AJournalWriteThatWaitsForSpaceIsNotSlow) {
  World world(/*seed=*/1, /*slow_write_ticks=*/3);
  world.Serve();
  world.Propose(world.Accounts({1}, [](const auto&) {}));
  world.replica().OnDiskFull(true);
  for (int i = 0; i < 9; ++i) world.replica().OnTick(world.work().now);
  EXPECT_EQ(world.replica().status().slow_writes, 0u);
  world.replica().OnDiskFull(false);
  world.work().DoAll(world.replica(), world.random());
  EXPECT_EQ(world.replica().status().slow_writes, 0u);
}

TEST(ReplicaTest, RefusesProposalsUntilItServes) {
  World world;
  ASSERT_TRUE(world.replica().Start(world.work().now).ok());
  std::optional<Reason> reason;
  world.Propose(world.Accounts(
      {1}, [&](const auto& result) { reason = ReasonOf(result.status()); }));
  EXPECT_EQ(reason, Reason::kNoPrimary);
}

TEST(ReplicaTest, AnswersOnlyWhatIsDurable) {
  World world;
  world.Serve();
  bool answered = false;
  world.Propose(
      world.Accounts({7}, [&](const auto& result) { answered = result.ok(); }));
  // Everything but the journal.
  while (world.work().other_pieces() > 0) {
    world.work().DoOne(world.replica(), world.random());
  }
  world.replica().Apply();
  EXPECT_FALSE(answered);
  EXPECT_EQ(world.store().applied().entry.sequence, Sequence(1));
  world.work().DoJournal(world.replica());
  world.work().DoAll(world.replica(), world.random());
  EXPECT_TRUE(answered);
}

TEST(ReplicaTest, AnswersCarryTheSequenceAndTheResults) {
  World world;
  world.Serve();
  const auto first = world.Create(7);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->sequence, Sequence(2));
  EXPECT_EQ(first->accounts[0].status, AccountStatus::kCreated);
  EXPECT_EQ(world.Create(7)->accounts[0].status, AccountStatus::kExists);
}

TEST(ReplicaTest, DropsWhatHasWaitedPastItsDeadline) {
  World world;
  world.Serve();
  absl::Status status;
  Proposal late = world.Accounts(
      {1}, [&](const auto& result) { status = result.status(); });
  late.deadline = world.work().now.steady;
  world.Propose(std::move(late));
  EXPECT_EQ(ReasonOf(status), Reason::kOverloaded);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << "as the contract says";
  EXPECT_FALSE(MayHaveBeenExecuted(status));
  EXPECT_EQ(world.replica().status().journal_last, Sequence(1));
}

// The first comes while the replica replays, the second once it serves.
TEST(ReplicaTest, NothingIsTakenAfterARefusedOneOfItsRow) {
  World world;
  ASSERT_TRUE(world.replica().Start(world.work().now).ok());
  const RowBroken row = std::make_shared<std::atomic<bool>>(false);
  std::vector<std::optional<Reason>> reasons;
  const auto propose = [&](uint64_t id) {
    Proposal proposal = world.Accounts({id}, [&, row](const auto& result) {
      reasons.push_back(ReasonOf(result.status()));
      if (!result.ok()) *row = true;
    });
    proposal.row_broken = row;
    world.Propose(std::move(proposal));
  };
  propose(1);
  world.work().DoAll(world.replica(), world.random());
  ASSERT_EQ(world.replica().status().role, Role::kPrimary);
  propose(2);
  world.work().DoAll(world.replica(), world.random());
  EXPECT_EQ(reasons, (std::vector<std::optional<Reason>>{Reason::kNoPrimary,
                                                         Reason::kNoPrimary}));
  EXPECT_TRUE(world.Create(3).ok()) << "others are taken";
}

TEST(ReplicaTest, AFullPipelineWantsNoMore) {
  World world;
  world.Serve();
  std::vector<uint64_t> ids(kMaxBatchSize);
  size_t answered = 0;
  size_t proposed = 0;
  while (world.replica().WantsProposals()) {
    for (uint64_t& id : ids) id = 1 + world.random()() % 1'000'000;
    world.Propose(world.Accounts(
        ids, [&](const auto& result) { answered += result.ok(); }));
    ++proposed;
  }
  EXPECT_GE(proposed * kMaxBatchSize * kRowBytes, Replica::kPipelineBytesMax);
  EXPECT_LE(proposed, 10u);
  world.work().DoAll(world.replica(), world.random());
  EXPECT_EQ(answered, proposed);
  EXPECT_TRUE(world.replica().WantsProposals());
}

TEST(ReplicaTest, AFailedFetchHaltsAndLeavesTheOutcomeOpen) {
  World world;
  world.Serve();
  world.store().FailNextFetch(absl::DataLossError("block checksum"));
  const auto answer = world.Create(7);
  EXPECT_EQ(ReasonOf(answer.status()), Reason::kOutcomeUnknown);
  EXPECT_EQ(world.replica().status().role, Role::kHalted);
  EXPECT_TRUE(absl::IsDataLoss(world.replica().status().fault));
  // It was durable, though: the next start executes it.
  world.Crash();
  world.Serve();
  EXPECT_EQ(world.Create(7)->accounts[0].status, AccountStatus::kExists);
}

TEST(ReplicaTest, AFailedSyncHaltsAndNothingMoreIsWritten) {
  World world;
  world.Serve();
  world.disk().FailNextSync();
  EXPECT_EQ(ReasonOf(world.Create(7).status()), Reason::kOutcomeUnknown);
  EXPECT_EQ(world.replica().status().role, Role::kHalted);
  EXPECT_EQ(ReasonOf(world.Create(8).status()), Reason::kNoPrimary);
  EXPECT_EQ(world.work().journal_pieces(), 0u);
}

TEST(ReplicaTest, CheckpointsWhenTheDeltaIsOldEnough) {
  World world;
  world.Serve();
  for (uint64_t id = 1; id <= 50; ++id) ASSERT_TRUE(world.Create(id).ok());
  EXPECT_GE(world.replica().status().checkpoint, Sequence(20));
  EXPECT_GE(world.journal().superblock().checkpoint.sequence, Sequence(20));
}

TEST(ReplicaTest, TooLittleSpaceForACheckpointStopsWritesAndIsTriedAgain) {
  World world;
  world.Serve();
  world.store().FailNextWriteCheckpoint(absl::ResourceExhaustedError("full"));
  world.store().FailNextWriteCheckpoint(absl::ResourceExhaustedError("full"));
  uint64_t id = 0;
  while (world.replica().WantsProposals()) {
    ASSERT_TRUE(world.Create(++id).ok());
    ASSERT_LT(id, 1'000u);
  }
  EXPECT_TRUE(world.replica().out_of_space());
  EXPECT_EQ(world.replica().status().role, Role::kPrimary);
  for (int tick = 1; tick <= 2; ++tick) {
    world.work().now.steady += seconds(1);
    world.replica().OnTick(world.work().now);
    EXPECT_TRUE(world.replica().out_of_space()) << "until one is written";
    world.work().DoAll(world.replica(), world.random());
  }
  EXPECT_FALSE(world.replica().out_of_space());
  EXPECT_TRUE(world.replica().WantsProposals());
  EXPECT_TRUE(world.Create(++id).ok());
}

TEST(ReplicaTest, ReadsWaitForTheirSequence) {
  World world;
  world.Serve();
  std::optional<Sequence> read_at;
  ReadRequest request;
  request.freshness.level = Freshness::Level::kAtLeastSequence;
  request.freshness.at_least = Sequence(2);
  request.deadline = Deadline::max();
  request.begin = [&](absl::StatusOr<Sequence> sequence) {
    read_at = *sequence;
    return std::function<void()>();
  };
  world.replica().OnRead(request, world.work().now);
  EXPECT_FALSE(read_at.has_value());
  ASSERT_TRUE(world.Create(1).ok());
  EXPECT_EQ(read_at, Sequence(2));
}

TEST(ReplicaTest, AReadThatWaitsTooLongIsTooStale) {
  World world;
  world.Serve();
  absl::Status status;
  ReadRequest request;
  request.freshness.level = Freshness::Level::kAtLeastSequence;
  request.freshness.at_least = Sequence(99);
  request.deadline = world.work().now.steady + milliseconds(5);
  request.begin = [&](const absl::StatusOr<Sequence>& sequence) {
    status = sequence.status();
    return std::function<void()>();
  };
  world.replica().OnRead(request, world.work().now);
  world.replica().OnTick(world.work().now);
  EXPECT_TRUE(status.ok());
  world.work().now.steady += milliseconds(5);
  world.replica().OnTick(world.work().now);
  EXPECT_EQ(ReasonOf(status), Reason::kTooStale);
}

// Before it serves, a replica may be any time behind.
TEST(ReplicaTest, ReadsOfAReplicaThatReplays) {
  using Level = Freshness::Level;
  World world;
  ASSERT_TRUE(world.replica().Start(world.work().now).ok());
  const auto reason_of = [&world](Level level) {
    std::optional<absl::Status> end;
    ReadRequest request;
    request.freshness.level = level;
    request.freshness.max_staleness = std::chrono::hours(1);
    request.freshness.at_least = Sequence(1);
    request.deadline = Deadline::max();
    request.begin = [&end](const absl::StatusOr<Sequence>& sequence) {
      end = sequence.status();
      return std::function<void()>();
    };
    world.replica().OnRead(request, world.work().now);
    if (!end.has_value()) {
      world.work().DoAll(world.replica(), world.random());
    }
    return ReasonOf(end.value());
  };
  EXPECT_EQ(reason_of(Level::kMaxStaleness), Reason::kTooStale);
  EXPECT_EQ(reason_of(Level::kLinearizable), Reason::kNoPrimary);
  EXPECT_EQ(reason_of(Level::kAtLeastSequence), std::nullopt) << "it waits";
  EXPECT_EQ(reason_of(Level::kMaxStaleness), std::nullopt);
  EXPECT_EQ(reason_of(Level::kLinearizable), std::nullopt);
}

TEST(ReplicaTest, WhatAReadReturnsRunsOnTheReader) {
  World world;
  world.Serve();
  bool finished = false;
  ReadRequest request;
  request.deadline = Deadline::max();
  request.begin = [&](const absl::StatusOr<Sequence>& sequence) {
    EXPECT_EQ(*sequence, Sequence(1));
    return [&] { finished = true; };
  };
  world.replica().OnRead(request, world.work().now);
  EXPECT_FALSE(finished);
  world.work().DoAll(world.replica(), world.random());
  EXPECT_TRUE(finished);
}

// Two pending transfers that expire one second apart.
TEST(ReplicaTest, ExpiresWhatIsDueAndNothingEarlier) {
  World world;
  world.work().now.wall = Timestamp(1'000 * kNanosPerSecond);
  world.Serve();
  std::vector<Transfer> transfers(2);
  for (uint32_t i = 0; i < 2; ++i) {
    transfers[i].id = TransferId(i + 1);
    transfers[i].flags = transfer_flags::kPending;
    transfers[i].timeout_seconds = i + 1;
  }
  world.Propose({MakeCommand<Transfer>(EntryKind::kCreateTransfers, transfers),
                 Deadline::max(), [](const auto&) {}});
  world.work().DoAll(world.replica(), world.random());
  const auto tick = [&](uint64_t wall_seconds) {
    world.work().now.wall = Timestamp(wall_seconds * kNanosPerSecond);
    world.replica().OnTick(world.work().now);
    world.work().DoAll(world.replica(), world.random());
    return world.replica().status().journal_last;
  };
  // They expire a few nanoseconds after these seconds.
  EXPECT_EQ(tick(1'001), Sequence(2));
  EXPECT_EQ(tick(1'002), Sequence(3));
  EXPECT_EQ(tick(1'002), Sequence(3));
  EXPECT_EQ(tick(1'003), Sequence(4));
  EXPECT_EQ(tick(1'009), Sequence(4));
}

TEST(ReplicaTest, RefusesAStateThatIsNotTheJournals) {
  World world;
  world.Serve();
  for (uint64_t id = 1; id <= 30; ++id) ASSERT_TRUE(world.Create(id).ok());
  storage::MemoryJournalDisk disk(1, {ReplicaId(1)});
  const auto other = storage::MemoryJournal::Open(disk, {});
  ASSERT_TRUE(other.ok());
  SimulatedWork work(**other, world.store());
  const ToyMachine machine;
  ReplicaOptions options;
  options.self = ReplicaId(1);
  Replica replica(options, **other, world.store(), machine, work);
  const absl::Status status = replica.Start(work.now);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

// Whom it could not ask, a replica must not decide without.
TEST(ReplicaTest, RefusesAGroupThatHasOthersInIt) {
  const auto start = [](std::vector<ReplicaId> voters, uint32_t incarnation) {
    storage::MemoryJournalDisk disk(1, std::move(voters));
    const auto journal = storage::MemoryJournal::Open(disk, {});
    LEDGERD_CHECK_OK(journal.status());
    storage::MemoryStateStore store{{.cold = true}};
    SimulatedWork work(**journal, store);
    const ToyMachine machine;
    ReplicaOptions options;
    options.self = ReplicaId(1);
    options.incarnation = Incarnation(incarnation);
    Replica replica(options, **journal, store, machine, work);
    const absl::Status status = replica.Start(work.now);
    EXPECT_EQ(work.journal_pieces(), status.ok() ? 1u : 0u);
    return status;
  };
  EXPECT_TRUE(start({ReplicaId(1)}, 1).ok());
  EXPECT_TRUE(
      absl::IsFailedPrecondition(start({ReplicaId(1), ReplicaId(2)}, 1)));
  EXPECT_TRUE(absl::IsFailedPrecondition(start({ReplicaId(2)}, 1)));
  EXPECT_TRUE(absl::IsFailedPrecondition(start({ReplicaId(1)}, 2)));
  EXPECT_TRUE(absl::IsFailedPrecondition(start({}, 1)));
}

// Clients propose, anything happens in any order, the replica crashes: whatever
// was answered is there afterwards, with the same outcome.
TEST(ReplicaTest, NothingAnsweredIsLostByCrashes) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  World world(seed);
  std::map<uint64_t, Timestamp> answered;
  for (int life = 0; life < 60; ++life) {
    ASSERT_TRUE(world.replica().Start(world.work().now).ok());
    const size_t steps = random() % 200;
    const bool dies_writing = random() % 2 == 0;
    for (size_t step = 0; step < steps; ++step) {
      if (random() % 3 == 0 && world.replica().WantsProposals()) {
        const uint64_t id = 1 + random() % 300;
        world.Propose(world.Accounts({id}, [&answered, id](const auto& result) {
          if (!result.ok()) return;
          const bool created =
              result->accounts[0].status == AccountStatus::kCreated;
          EXPECT_FALSE(created && answered.count(id) != 0)
              << "account " << id << " was created twice";
          if (created) answered[id] = result->accounts[0].timestamp;
        }));
      } else {
        world.work().DoOne(world.replica(), random);
      }
      if (random() % 2 == 0) world.replica().Apply();
      world.work().now.wall = Timestamp(world.work().now.wall.value() + 7);
    }
    // The flag stays until an Append meets it, in this life or a later one.
    if (dies_writing && life < 55) world.disk().CrashInAppend();
    if (world.work().journal_pieces() > 0) {
      world.work().DoJournal(world.replica());
    }
    world.Crash();
  }
  world.Serve();
  for (const auto& [id, timestamp] : answered) {
    const auto& accounts = world.store().state().accounts();
    const auto found = accounts.find(AccountId(id));
    ASSERT_NE(found, accounts.end()) << "account " << id << " was lost";
    EXPECT_EQ(found->second.timestamp, timestamp);
  }
  EXPECT_FALSE(answered.empty());
}

}  // namespace
}  // namespace ledgerd::replication
