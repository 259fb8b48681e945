#include "server/incidents/completion_tail.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/incident.h"

namespace ledgerd::server {
namespace {

using Counts = std::pair<uint64_t, uint64_t>;

class CompletionTailTest : public testing::Test {
 protected:
  // Seals the next entry, at ten times its sequence.
  Entry Next(Command command) {
    const Entry entry =
        Entry::Seal(std::move(command), epoch_,
                    Timestamp(last_.sequence.Next().value() * 10), last_);
    last_ = entry.id();
    return entry;
  }

  Entry Next(EntryKind kind) {
    Command command;
    command.kind = kind;
    return Next(std::move(command));
  }

  void Write(int count) {
    for (int i = 0; i < count; ++i) {
      tail_.NoteApplied(Next(i % 2 == 0 ? EntryKind::kCreateTransfers
                                        : EntryKind::kCreateAccounts));
    }
  }

  // As many are in the journal, and are not applied here.
  std::vector<CompletionTail::Write> Skip(int count) {
    std::vector<CompletionTail::Write> skipped;
    for (int i = 0; i < count; ++i) {
      skipped.push_back(
          *CompletionTail::WriteIn(Next(EntryKind::kCreateTransfers)));
    }
    return skipped;
  }

  void BeginEpoch(uint64_t epoch) {
    epoch_ = Epoch(epoch);
    tail_.NoteApplied(Next(EntryKind::kEpochStart));
  }

  // As the journal has it.
  void Journal(const CompletionNote& note) {
    sum_.Add(ToRecord(note, {}, epoch_, Timestamp(1)), /*in_scope=*/true);
    tail_.NoteApplied(
        Next(MakeIncidentsCommand({ToRecord(note, {}, epoch_, Timestamp(1))})));
  }

  std::optional<CompletionNote> Note() {
    return tail_.NoteOf(sum_.through, epoch_);
  }

  Counts Count(uint64_t since = 0) const {
    const auto counts = tail_.Count(Timestamp(since));
    return {counts.answered, counts.waiting};
  }

  Epoch epoch_;
  EntryId last_;
  CompletionTail tail_;
  CompletionSum sum_;
};

TEST_F(CompletionTailTest, WhatIsAppliedInTheNewestEpochIsAnswered) {
  BeginEpoch(1);
  EXPECT_EQ(Count(), Counts(0, 0)) << "that is no client's";
  EXPECT_FALSE(Note().has_value());
  Write(5);
  tail_.NoteApplied(Next(EntryKind::kExpireTransfers));
  EXPECT_EQ(Count(), Counts(5, 0));
  EXPECT_EQ(Count(/*since=*/50), Counts(2, 0));
  EXPECT_FALSE(tail_.IsDue(Timestamp(20)));
  EXPECT_TRUE(tail_.IsDue(Timestamp(21))) << "the first is older";
  EXPECT_EQ(*Note(), (CompletionNote{.through = Sequence(7), .answered = 5}));
  // While it is on its way.
  Write(2);
  Journal({.through = Sequence(7), .answered = 5});
  EXPECT_EQ(Count(), Counts(2, 0));
  EXPECT_EQ(sum_.answered, 5u);
  EXPECT_EQ(Note()->after, Sequence(7));
  EXPECT_EQ(Note()->answered, 2u);
}

TEST_F(CompletionTailTest, ANewPrimaryNotesWhatTheOldOneDidNotAnswer) {
  BeginEpoch(1);
  Write(6);
  tail_.NoteAnswered({.epoch = Epoch(1), .through = Sequence(5)});
  BeginEpoch(2);
  EXPECT_EQ(Count(), Counts(0, 6));
  EXPECT_TRUE(tail_.IsDue(Timestamp(0)));
  Write(1);
  EXPECT_EQ(Count(), Counts(1, 6));
  const CompletionNote note = *Note();
  EXPECT_EQ(note.answered, 5u);
  EXPECT_EQ(note.unanswered, 2u);
  Journal(note);
  EXPECT_EQ(Count(), Counts(0, 0));
  EXPECT_EQ(sum_.answered, 5u);
  EXPECT_EQ(sum_.total, 7u);
  // One that is the primary no more says nothing.
  Write(1);
  EXPECT_FALSE(tail_.NoteOf(sum_.through, Epoch(1)).has_value());
}

// After a start: beyond what was saved nobody knows.
TEST_F(CompletionTailTest, WhatMayHaveBeenAnsweredIsNotCounted) {
  tail_.NoteAtLeast({.epoch = Epoch(1), .through = Sequence(4)});
  BeginEpoch(1);
  Write(6);
  BeginEpoch(2);
  EXPECT_EQ(Note()->answered, 3u);
  EXPECT_EQ(Note()->unanswered, 0u);
  EXPECT_EQ(Note()->through, Sequence(8));
  EXPECT_EQ(tail_.newest_answered(),
            (CompletionTail::Answered{Epoch(1), Sequence(4)}));
}

TEST_F(CompletionTailTest, WhatIsMissingIsReadFromTheJournal) {
  BeginEpoch(1);
  const auto before = Skip(3);
  // A start, whose checkpoint has those three.
  CompletionTail started;
  EXPECT_FALSE(started.begin().has_value());
  started.NoteApplied(Next(EntryKind::kCreateTransfers));
  started.NoteApplied(Next(EntryKind::kCreateTransfers));
  EXPECT_EQ(started.Count(Timestamp(0)).answered, 2u);
  EXPECT_FALSE(started.complete());
  EXPECT_EQ(started.begin(), Sequence(4));
  started.Fill(Sequence(4), /*noted=*/Sequence(2), before);
  EXPECT_EQ(started.Count(Timestamp(0)).answered, 4u) << "2 is noted";
  EXPECT_EQ(started.begin(), Sequence(2));
  EXPECT_TRUE(started.complete());
  // A resync passes entries over.
  Next(EntryKind::kCreateTransfers);
  started.NoteApplied(Next(EntryKind::kCreateTransfers));
  EXPECT_EQ(started.Count(Timestamp(0)).answered, 1u);
  EXPECT_EQ(started.begin(), Sequence(7));
  EXPECT_FALSE(started.complete());
}

// While the journal is read. It begins anew, and counts nothing twice.
TEST_F(CompletionTailTest, ANoteThatComesWhileItIsFilledIsNotFilledAgain) {
  const auto before = Skip(4);
  Write(2);
  const auto begin = tail_.begin();
  ASSERT_EQ(begin, Sequence(4));
  const Sequence noted = sum_.through;
  Journal({.through = Sequence(5), .answered = 5});
  tail_.Fill(*begin, noted, before);
  EXPECT_FALSE(tail_.complete());
  EXPECT_EQ(Count(), Counts(1, 0)) << "the others are noted";
  tail_.Fill(*tail_.begin(), sum_.through, {});
  EXPECT_TRUE(tail_.complete());
  EXPECT_EQ(Count(), Counts(1, 0));
  EXPECT_EQ(Note()->after, Sequence(5));
  EXPECT_EQ(Note()->answered, 1u);
}

// A note that was given up is journalled after all, and then the next one.
TEST_F(CompletionTailTest, ANoteThatDoesNotCountLeavesWhatItIsOf) {
  Write(9);
  tail_.Fill(Sequence(0), sum_.through, {});
  ASSERT_TRUE(tail_.complete());
  Journal({.through = Sequence(7), .answered = 7});
  Journal({.through = Sequence(9), .answered = 9});
  EXPECT_EQ(Count(), Counts(2, 0));
  EXPECT_EQ(sum_.total, 7u);
  EXPECT_EQ(Note()->after, Sequence(7));
  EXPECT_EQ(Note()->answered, 2u);
}

TEST_F(CompletionTailTest, ANoteCountsOnceAndOnlyWhereTheOneBeforeEnded) {
  const auto add = [&](uint64_t from, uint64_t to, bool in_scope) {
    sum_.Add(ToRecord({.after = Sequence(from),
                       .through = Sequence(to),
                       .answered = 10,
                       .unanswered = 1},
                      {}, Epoch(1), Timestamp(1)),
             in_scope);
  };
  add(5, 9, true);
  EXPECT_EQ(sum_.total, 0u) << "something is missing before";
  add(0, 5, true);
  add(0, 5, true);
  add(0, 7, true);
  EXPECT_EQ(sum_.total, 11u);
  EXPECT_EQ(sum_.answered, 10u);
  add(5, 9, false);
  EXPECT_EQ(sum_.total, 11u);
  add(9, 12, true);
  EXPECT_EQ(sum_.total, 22u);
  EXPECT_EQ(sum_.through, Sequence(12));
}

}  // namespace
}  // namespace ledgerd::server
