#include "replication/core/protocol.h"

#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "replication/core/invariants.h"

namespace ledgerd::replication {
namespace {

Options Alone() {
  Options options;
  options.self = ReplicaId(1);
  options.incarnation = Incarnation(1);
  return options;
}

// The disk of a group of one voter.
DurableState Disk() {
  DurableState state;
  state.membership.members = {
      {ReplicaId(1), Incarnation(1), MemberRole::kVoter}};
  state.membership_before = state.membership;
  return state;
}

DurableState DiskThatEndsAt(Epoch epoch, Sequence sequence) {
  DurableState state = Disk();
  EntryId last;
  last.epoch = epoch;
  last.sequence = sequence;
  state.outline = Outline(last, {});
  return state;
}

std::vector<Command> Commands(int count) {
  return std::vector<Command>(static_cast<size_t>(count));
}

// Steps and checks the invariants.
class Machine {
 public:
  explicit Machine(const DurableState& state = Disk())
      : protocol_(Alone(), state) {}

  Update Step(Event event, Timestamp now) {
    const ProtocolView before = ViewOf(protocol_);
    Update update = protocol_.Step(std::move(event), now);
    EXPECT_EQ(Violation(before, ViewOf(protocol_)), "");
    EXPECT_TRUE(update.send_now.empty());
    EXPECT_TRUE(update.send_after.empty());
    return update;
  }

  // To primary, with everything persisted. Returns its epoch's start.
  Entry Promote(Timestamp now) {
    const Update promise = Step(Started{}, now);
    const Update start = Step(Persisted{promise.persist->id}, now);
    Step(Persisted{start.persist->id}, now);
    return start.persist->entries.at(0);
  }

  const Protocol& protocol() const { return protocol_; }

 private:
  Protocol protocol_;
};

TEST(ProtocolTest, BeginsWithAPromiseAndNothingElse) {
  Machine machine;
  const Update update = machine.Step(Started{}, Timestamp(5));
  EXPECT_EQ(update.persist->superblock->promised, Epoch(1));
  EXPECT_TRUE(update.persist->entries.empty());
  EXPECT_FALSE(machine.protocol().is_primary());
}

// Rule 15.
TEST(ProtocolTest, WhoWasGivenUpNeverGoesOn) {
  DurableState state = Disk();
  state.membership = GivenUp();
  Machine machine(state);
  const Update update = machine.Step(Started{}, Timestamp(5));
  EXPECT_TRUE(machine.protocol().halted());
  EXPECT_TRUE(machine.protocol().alarms().contains(Alarm::kForkedOff));
  EXPECT_FALSE(update.persist.has_value());
}

TEST(ProtocolTest, AppendsItsEpochStartOnceThePromiseIsDurable) {
  Machine machine;
  machine.Step(Started{}, Timestamp(5));
  const Update update = machine.Step(Persisted{WriteId(1)}, Timestamp(6));
  ASSERT_EQ(update.persist->entries.size(), 1u);
  EXPECT_EQ(update.persist->entries[0].kind(), EntryKind::kEpochStart);
  EXPECT_EQ(update.persist->entries[0].epoch(), Epoch(1));
  EXPECT_EQ(update.commit, Sequence(0));
  EXPECT_FALSE(machine.protocol().is_primary());
}

TEST(ProtocolTest, IsPrimaryOnceItsEpochStartIsCommitted) {
  Machine machine;
  machine.Promote(Timestamp(5));
  EXPECT_TRUE(machine.protocol().is_primary());
  EXPECT_TRUE(machine.protocol().takes_proposals());
  EXPECT_EQ(machine.protocol().commit(), Sequence(1));
}

TEST(ProtocolTest, ARestartedPrimaryDoesNotGoOnInItsEpoch) {
  DurableState state = DiskThatEndsAt(Epoch(7), Sequence(40));
  state.promised = Epoch(7);
  state.last_timestamp = Timestamp(1'000);
  Machine machine(state);
  machine.Promote(Timestamp(5));
  EXPECT_EQ(machine.protocol().epoch(), Epoch(8));
  EXPECT_EQ(machine.protocol().commit(), Sequence(41));
}

TEST(ProtocolTest, OlderEntriesAreCommittedByTheEpochStartAlone) {
  DurableState state = Disk();
  EntryId four;
  four.epoch = Epoch(2);
  four.sequence = Sequence(4);
  EntryId five = four;
  five.sequence = Sequence(5);
  state.outline = Outline(four, {five});
  Machine machine(state);
  EXPECT_EQ(machine.Step(Started{}, Timestamp(5)).commit, Sequence(4));
  EXPECT_EQ(machine.Step(Persisted{WriteId(1)}, Timestamp(6)).commit,
            Sequence(4));
  EXPECT_EQ(machine.Step(Persisted{WriteId(2)}, Timestamp(7)).commit,
            Sequence(6));
}

TEST(ProtocolTest, NothingIsCommittedBeforeItIsDurable) {
  Machine machine;
  machine.Promote(Timestamp(5));
  const Update first = machine.Step(Proposed{Commands(2)}, Timestamp(9));
  const Update second = machine.Step(Proposed{Commands(1)}, Timestamp(9));
  EXPECT_EQ(second.commit, Sequence(1));
  EXPECT_EQ(machine.Step(Persisted{first.persist->id}, Timestamp(9)).commit,
            Sequence(3));
  EXPECT_EQ(machine.Step(Persisted{second.persist->id}, Timestamp(9)).commit,
            Sequence(4));
}

TEST(ProtocolTest, OneAnswerForSeveralWrites) {
  Machine machine;
  machine.Promote(Timestamp(5));
  machine.Step(Proposed{Commands(2)}, Timestamp(9));
  const Update second = machine.Step(Proposed{Commands(1)}, Timestamp(9));
  EXPECT_EQ(machine.Step(Persisted{second.persist->id}, Timestamp(9)).commit,
            Sequence(4));
}

TEST(ProtocolTest, ALoneVoterAnswersAReadAtOnce) {
  Machine machine;
  machine.Promote(Timestamp(5));
  const Update update = machine.Step(ReadArrived{ReadId(7)}, Timestamp(9));
  ASSERT_EQ(update.reads_ready.size(), 1u);
  EXPECT_EQ(update.reads_ready[0].read, ReadId(7));
  EXPECT_EQ(update.reads_ready[0].at_least, Sequence(1));
}

TEST(ProtocolTest, ALoneVoterNeverStepsDown) {
  Machine machine;
  machine.Promote(Timestamp(5));
  for (int i = 0; i < 500; ++i) {
    const Update update =
        machine.Step(Tick{i % 2 == 0, Sequence(1)}, Timestamp(9));
    EXPECT_FALSE(update.stepped_down);
    EXPECT_FALSE(update.persist.has_value());
  }
  EXPECT_TRUE(machine.protocol().is_primary());
}

TEST(ProtocolTest, EntriesChainByHash) {
  Machine machine;
  const Entry start = machine.Promote(Timestamp(5));
  const Update update = machine.Step(Proposed{Commands(2)}, Timestamp(9));
  const std::vector<Entry>& entries = update.persist->entries;
  EXPECT_EQ(entries[0].previous_hash(), start.hash());
  EXPECT_EQ(entries[1].previous_hash(), entries[0].hash());
}

TEST(ProtocolTest, AnEntrysTimestampIsTheClocksOrLeavesRoomForItsEvents) {
  Machine machine;
  machine.Promote(Timestamp(100));
  std::vector<Command> commands;
  commands.push_back(MakeExpireCommand());
  commands.emplace_back();
  Update update = machine.Step(Proposed{std::move(commands)}, Timestamp(100));
  EXPECT_EQ(update.persist->entries[0].timestamp(),
            Timestamp(100 + kMaxBatchSize));
  EXPECT_EQ(update.persist->entries[1].timestamp(),
            Timestamp(101 + kMaxBatchSize));
  update = machine.Step(Proposed{Commands(1)}, Timestamp(1'000'000));
  EXPECT_EQ(update.persist->entries[0].timestamp(), Timestamp(1'000'000));
  // The clock jumps back.
  update = machine.Step(Proposed{Commands(1)}, Timestamp(1));
  EXPECT_EQ(update.persist->entries[0].timestamp(), Timestamp(1'000'001));
}

TEST(ProtocolDeathTest, ProposingToOtherThanThePrimaryIsABug) {
  Machine machine;
  EXPECT_DEATH(machine.Step(Proposed{Commands(1)}, Timestamp(1)),
               "takes_proposals");
}

// A membership whose entry did not reach the journal does not hold.
TEST(ProtocolTest, TheMembershipInForceIsOneThatTheJournalBearsOut) {
  DurableState state = DiskThatEndsAt(Epoch(7), Sequence(40));
  state.membership.since.epoch = Epoch(7);
  state.membership.since.sequence = Sequence(41);
  state.membership.members.push_back(
      {ReplicaId(2), Incarnation(1), MemberRole::kVoter});
  EXPECT_EQ(Machine(state).protocol().membership(), state.membership_before);
  state.membership.since.sequence = Sequence(40);
  EXPECT_EQ(Machine(state).protocol().membership(), state.membership);
}

// One life of a primary: proposals and syncs in random order. Returns what its
// disk holds at the end.
DurableState LiveOnce(const DurableState& disk, std::mt19937_64& random) {
  Machine machine(disk);
  const Timestamp now(random() % 1'000);
  DurableState next = disk;
  std::vector<EntryId> synced = {machine.Promote(now).id()};
  next.promised = machine.protocol().epoch();
  std::vector<JournalWrite> writes;
  for (int step = 0; step < 30; ++step) {
    if (random() % 2 == 0) {
      const int count = 1 + static_cast<int>(random() % 3);
      Update update = machine.Step(Proposed{Commands(count)}, now);
      writes.push_back(*std::move(update.persist));
    } else if (!writes.empty()) {
      const size_t count = 1 + random() % writes.size();
      for (size_t i = 0; i < count; ++i) {
        for (const Entry& entry : writes[i].entries) {
          synced.push_back(entry.id());
        }
      }
      const WriteId last = writes[count - 1].id;
      writes.erase(writes.begin(),
                   writes.begin() + static_cast<ptrdiff_t>(count));
      EXPECT_EQ(machine.Step(Persisted{last}, now).commit,
                synced.back().sequence);
    }
  }
  next.last_timestamp = machine.protocol().last_timestamp();
  for (const EntryId& id : synced) next.outline.Append(id);
  next.commit = Sequence(random() % synced.back().sequence.value());
  next.outline.ReleaseTo(next.commit);
  return next;
}

// Any order of proposals, syncs and restarts: the invariants hold (Machine
// checks them), and what was durable stays.
TEST(ProtocolTest, RandomLives) {
  std::mt19937_64 random(TestSeed());
  DurableState disk = Disk();
  for (int life = 0; life < 50; ++life) {
    const DurableState next = LiveOnce(disk, random);
    EXPECT_GT(next.outline.last().sequence, disk.outline.last().sequence);
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
  after.fork = Fork(0);
  before.fork = Fork(1);
  EXPECT_NE(Violation(before, after), "");
  before.fork = Fork(0);
  after = before;
  after.durable = Sequence(9);
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
