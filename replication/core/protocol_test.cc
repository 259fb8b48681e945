#include "replication/core/protocol.h"

#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "replication/core/invariants.h"

namespace ledgerd::replication {
namespace {

Group Alone() {
  Group group;
  group.self = ReplicaId(1);
  group.voters = {ReplicaId(1)};
  return group;
}

std::vector<Command> Commands(int count) {
  return std::vector<Command>(static_cast<size_t>(count));
}

// Steps and checks the invariants.
class Machine {
 public:
  explicit Machine(const DurableState& state = {})
      : protocol_(Alone(), state) {}

  Update Step(Event event) {
    const ProtocolView before = ViewOf(protocol_);
    Update update = protocol_.Step(std::move(event));
    EXPECT_EQ(Violation(before, ViewOf(protocol_)), "");
    return update;
  }

  // To primary, with everything persisted.
  void Promote(Timestamp now) {
    const Update promise = Step(Started{now});
    const Update start = Step(PromisePersisted{*promise.promise, now});
    Step(EntriesPersisted{start.entries.back().id()});
  }

  const Protocol& protocol() const { return protocol_; }

 private:
  Protocol protocol_;
};

TEST(ProtocolTest, BeginsWithAPromiseAndNothingElse) {
  Machine machine;
  const Update update = machine.Step(Started{Timestamp(5)});
  EXPECT_EQ(update.promise, Epoch(1));
  EXPECT_TRUE(update.entries.empty());
  EXPECT_FALSE(machine.protocol().is_primary());
}

TEST(ProtocolTest, AppendsItsEpochStartOnceThePromiseIsDurable) {
  Machine machine;
  machine.Step(Started{Timestamp(5)});
  const Update update = machine.Step(PromisePersisted{Epoch(1), Timestamp(6)});
  ASSERT_EQ(update.entries.size(), 1u);
  EXPECT_EQ(update.entries[0].kind(), EntryKind::kEpochStart);
  EXPECT_EQ(update.entries[0].epoch(), Epoch(1));
  EXPECT_EQ(update.commit, Sequence(0));
  EXPECT_FALSE(machine.protocol().is_primary());
}

TEST(ProtocolTest, IsPrimaryOnceItsEpochStartIsCommitted) {
  Machine machine;
  machine.Promote(Timestamp(5));
  EXPECT_TRUE(machine.protocol().is_primary());
  EXPECT_EQ(machine.protocol().commit(), Sequence(1));
}

TEST(ProtocolTest, ARestartedPrimaryDoesNotGoOnInItsEpoch) {
  DurableState state;
  state.promised = Epoch(7);
  state.last.epoch = Epoch(7);
  state.last.sequence = Sequence(40);
  state.last_timestamp = Timestamp(1'000);
  state.commit = Sequence(30);
  Machine machine(state);
  machine.Promote(Timestamp(5));
  EXPECT_EQ(machine.protocol().epoch(), Epoch(8));
  EXPECT_EQ(machine.protocol().commit(), Sequence(41));
}

TEST(ProtocolTest, OlderEntriesAreCommittedByTheEpochStartAlone) {
  DurableState state;
  state.last.epoch = Epoch(2);
  state.last.sequence = Sequence(9);
  state.commit = Sequence(4);
  Machine machine(state);
  machine.Step(Started{Timestamp(5)});
  EXPECT_EQ(machine.protocol().commit(), Sequence(4));
  // A sync of the old epoch that ends late commits nothing.
  machine.Step(EntriesPersisted{state.last});
  EXPECT_EQ(machine.protocol().commit(), Sequence(4));
  const Update start = machine.Step(PromisePersisted{Epoch(3), Timestamp(6)});
  const Update done = machine.Step(EntriesPersisted{start.entries.back().id()});
  EXPECT_EQ(done.commit, Sequence(10));
}

TEST(ProtocolTest, NothingIsCommittedBeforeItIsDurable) {
  Machine machine;
  machine.Promote(Timestamp(5));
  const Update proposed = machine.Step(Proposed{Commands(3), Timestamp(9)});
  ASSERT_EQ(proposed.entries.size(), 3u);
  EXPECT_EQ(proposed.commit, Sequence(1));
  EXPECT_EQ(machine.Step(EntriesPersisted{proposed.entries[1].id()}).commit,
            Sequence(3));
  EXPECT_EQ(machine.Step(EntriesPersisted{proposed.entries[2].id()}).commit,
            Sequence(4));
}

TEST(ProtocolTest, EntriesChainByHash) {
  Machine machine;
  machine.Promote(Timestamp(5));
  const EntryId start = machine.protocol().last();
  const Update update = machine.Step(Proposed{Commands(2), Timestamp(9)});
  EXPECT_EQ(update.entries[0].previous_hash(), start.hash);
  EXPECT_EQ(update.entries[1].previous_hash(), update.entries[0].hash());
}

TEST(ProtocolTest, AnEntrysTimestampIsTheClocksOrLeavesRoomForItsEvents) {
  Machine machine;
  machine.Promote(Timestamp(100));
  std::vector<Command> commands;
  commands.push_back(MakeExpireCommand());
  commands.emplace_back();
  Update update = machine.Step(Proposed{std::move(commands), Timestamp(100)});
  EXPECT_EQ(update.entries[0].timestamp(), Timestamp(100 + kMaxBatchSize));
  EXPECT_EQ(update.entries[1].timestamp(), Timestamp(101 + kMaxBatchSize));
  update = machine.Step(Proposed{Commands(1), Timestamp(1'000'000)});
  EXPECT_EQ(update.entries[0].timestamp(), Timestamp(1'000'000));
  // The clock jumps back.
  update = machine.Step(Proposed{Commands(1), Timestamp(1)});
  EXPECT_EQ(update.entries[0].timestamp(), Timestamp(1'000'001));
}

TEST(ProtocolDeathTest, ProposingToOtherThanThePrimaryIsABug) {
  Machine machine;
  EXPECT_DEATH(machine.Step(Proposed{Commands(1), Timestamp(1)}), "is_primary");
}

// One life of a primary: proposals and syncs in random order. Returns what its
// disk holds at the end.
DurableState LiveOnce(const DurableState& disk, std::mt19937_64& random) {
  Machine machine(disk);
  const Timestamp now(random() % 1'000);
  machine.Promote(now);
  std::vector<Entry> unsynced;
  DurableState next;
  next.promised = machine.protocol().epoch();
  next.last = machine.protocol().last();
  next.last_timestamp = machine.protocol().last_timestamp();
  for (int step = 0; step < 30; ++step) {
    if (random() % 2 == 0) {
      const int count = 1 + static_cast<int>(random() % 3);
      for (Entry& entry :
           machine.Step(Proposed{Commands(count), now}).entries) {
        unsynced.push_back(std::move(entry));
      }
    } else if (!unsynced.empty()) {
      const size_t count = 1 + random() % unsynced.size();
      next.last = unsynced[count - 1].id();
      next.last_timestamp = unsynced[count - 1].timestamp();
      unsynced.erase(unsynced.begin(),
                     unsynced.begin() + static_cast<ptrdiff_t>(count));
      EXPECT_EQ(machine.Step(EntriesPersisted{next.last}).commit,
                next.last.sequence);
    }
  }
  next.commit = Sequence(random() % (next.last.sequence.value() + 1));
  return next;
}

// Any order of proposals, syncs and restarts: the invariants hold (Machine
// checks them), and what was durable stays.
TEST(ProtocolTest, RandomLives) {
  std::mt19937_64 random(TestSeed());
  DurableState disk;
  for (int life = 0; life < 50; ++life) {
    const DurableState next = LiveOnce(disk, random);
    EXPECT_GT(next.last.sequence, disk.last.sequence);
    EXPECT_GT(next.promised, disk.promised);
    disk = next;
  }
}

TEST(InvariantsTest, SeeWhatIsWrong) {
  ProtocolView before;
  before.epoch = Epoch(2);
  before.last.epoch = Epoch(2);
  before.last.sequence = Sequence(5);
  before.last_timestamp = Timestamp(50);
  before.commit = Sequence(3);
  before.primary = true;
  EXPECT_EQ(Violation(before, before), "");

  ProtocolView after = before;
  after.epoch = Epoch(1);
  EXPECT_NE(Violation(before, after), "");
  after = before;
  after.commit = Sequence(2);
  EXPECT_NE(Violation(before, after), "");
  after = before;
  after.commit = Sequence(6);
  EXPECT_NE(Violation(before, after), "");
  after = before;
  after.last.sequence = Sequence(4);
  EXPECT_NE(Violation(before, after), "");
  after = before;
  after.last.hash[0] = 1;
  EXPECT_NE(Violation(before, after), "");
  after = before;
  after.last.sequence = Sequence(6);
  EXPECT_NE(Violation(before, after), "");
  after = before;
  after.epoch = Epoch(3);
  EXPECT_NE(Violation(before, after), "");
}

}  // namespace
}  // namespace ledgerd::replication
