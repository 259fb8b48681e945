// When a read may begin, by what it wants.
#include "replication/read_queue.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::replication {
namespace {

using std::chrono::milliseconds;
using Level = Freshness::Level;

// Runs what is for the reader at once, but says to nobody that it is done;
// nothing else is asked of it.
class ReaderOnly final : public ReplicaWork {
 public:
  void Persist(JournalWrite) override {}

  void RecordCheckpoint(EntryId) override {}

  void ReplaceState(EntryId) override {}

  void Fetch(FetchId, storage::Needs) override {}

  void ReadJournal(Sequence) override {}

  void ReadFor(JournalRead) override {}

  void WriteCheckpoint() override {}

  void RunOnReader(ReadKind, std::function<void()> task) override { task(); }
};

class ReadQueueTest : public ::testing::Test {
 protected:
  // What became of a read: "-" while it waits, "at 7", or a reason; then
  // " done" when what it returned has run.
  std::string& Add(Freshness freshness, Deadline deadline = Deadline::max(),
                   ReadKind kind = ReadKind::kLookup) {
    std::string& end = ends_.emplace_back("-");
    ReadRequest request;
    request.kind = kind;
    request.freshness = freshness;
    request.deadline = deadline;
    request.begin =
        [this, &end](absl::StatusOr<Sequence> at) -> std::function<void()> {
      order_.push_back(&end);
      if (!at.ok()) {
        end = std::string(Name(*ReasonOf(at.status())));
        return nullptr;
      }
      end = "at " + std::to_string(at->value());
      return [&end] { end += " done"; };
    };
    if (freshness.level == Level::kLinearizable) {
      reads_.Ask(ReadId(++asked_), std::move(request));
    } else {
      reads_.Add(std::move(request));
    }
    return end;
  }

  static Freshness AtLeast(uint64_t sequence) {
    return {.level = Level::kAtLeastSequence, .at_least = Sequence(sequence)};
  }

  static Freshness MaxStaleness(int ms) {
    return {.level = Level::kMaxStaleness, .max_staleness = milliseconds(ms)};
  }

  ReaderOnly work_;
  ReadQueue reads_{work_};
  uint64_t asked_ = 0;
  std::deque<std::string> ends_;
  std::vector<const std::string*> order_;
};

TEST_F(ReadQueueTest, ALinearizableReadWaitsForWhatWasCommittedBeforeIt) {
  const std::string& read = Add({});
  reads_.Advance(Sequence(6));
  EXPECT_EQ(read, "-");
  reads_.Ready(ReadId(1), Sequence(7));
  reads_.Advance(Sequence(6));
  EXPECT_EQ(read, "-");
  reads_.Advance(Sequence(9));
  EXPECT_EQ(read, "at 9 done");
  EXPECT_EQ(reads_.size(), 0u);
}

TEST_F(ReadQueueTest, AtLeastASequenceWaitsForThatOneAlone) {
  const std::string& later = Add(AtLeast(9));
  const std::string& earlier = Add(AtLeast(2));
  reads_.Advance(Sequence(2));
  EXPECT_EQ(earlier, "at 2 done") << "it need not see all that is committed";
  reads_.Advance(Sequence(8));
  EXPECT_EQ(later, "-");
  reads_.Advance(Sequence(9));
  EXPECT_EQ(later, "at 9 done");
}

TEST_F(ReadQueueTest, ThePrimaryIsNeverStale) {
  const std::string& read = Add(MaxStaleness(0));
  reads_.Advance(Sequence(3));
  EXPECT_EQ(read, "at 3 done");
}

TEST_F(ReadQueueTest, ReadsForOneSequenceBeginInTheirOrder) {
  const std::string& first = Add(AtLeast(5));
  const std::string& second = Add({});
  reads_.Ready(ReadId(1), Sequence(5));
  const std::string& before = Add(AtLeast(4));
  reads_.Advance(Sequence(5));
  EXPECT_EQ(order_,
            (std::vector<const std::string*>{&before, &first, &second}));
}

TEST_F(ReadQueueTest, WhatIsLateEndsByWhatItWanted) {
  const Deadline now{};
  const std::string& stale = Add(AtLeast(9), now);
  const std::string& late = Add({}, now);
  const std::string& in_time = Add({}, now + milliseconds(1));
  reads_.Expire(now);
  EXPECT_EQ(stale, "TOO_STALE");
  EXPECT_EQ(late, "OVERLOADED");
  EXPECT_EQ(in_time, "-");
  EXPECT_EQ(reads_.size(), 1u);
}

TEST_F(ReadQueueTest, TheAnswerForAReadThatWasLateIsIgnored) {
  const std::string& late = Add({}, Deadline{});
  const std::string& other = Add({});
  reads_.Expire(Deadline{});
  EXPECT_EQ(late, "OVERLOADED");
  reads_.Ready(ReadId(1), Sequence(1));
  reads_.Refuse(ReadId(1), MakeError(Reason::kNoPrimary, "deposed"));
  reads_.Advance(Sequence(1));
  EXPECT_EQ(late, "OVERLOADED");
  EXPECT_EQ(other, "-");
}

TEST_F(ReadQueueTest, ARefusedReadEndsAlone) {
  const std::string& refused = Add({});
  const std::string& other = Add({});
  reads_.Refuse(ReadId(1), MakeError(Reason::kNoPrimary, "deposed"));
  EXPECT_EQ(refused, "NO_PRIMARY");
  EXPECT_EQ(other, "-");
}

TEST_F(ReadQueueTest, AbandonEndsAllThatWait) {
  const std::string& one = Add(AtLeast(9));
  const std::string& other = Add({});
  const std::string& ready = Add({});
  reads_.Ready(ReadId(2), Sequence(7));
  reads_.Abandon(MakeError(Reason::kNoPrimary, "halted"));
  EXPECT_EQ(one, "NO_PRIMARY");
  EXPECT_EQ(other, "NO_PRIMARY");
  EXPECT_EQ(ready, "NO_PRIMARY");
  EXPECT_EQ(reads_.size(), 0u);
}

// A read that has begun keeps what it reads.
TEST_F(ReadQueueTest, FewQueriesBeginBeforeOthersAreDone) {
  const size_t few = ReadQueue::BegunMax(ReadKind::kQuery);
  std::vector<const std::string*> queries;
  for (size_t i = 0; i < few + 3; ++i) {
    queries.push_back(&Add(MaxStaleness(0), Deadline::max(), ReadKind::kQuery));
  }
  const std::string& lookup = Add(MaxStaleness(0));
  reads_.Advance(Sequence(3));
  EXPECT_EQ(*queries[few - 1], "at 3 done");
  EXPECT_EQ(*queries[few], "-");
  EXPECT_EQ(lookup, "at 3 done") << "it waits for no query";
  EXPECT_TRUE(reads_.waits(ReadKind::kQuery));
  EXPECT_FALSE(reads_.waits(ReadKind::kLookup));
  EXPECT_EQ(reads_.size(), 3u);
  reads_.Advance(Sequence(4));
  EXPECT_EQ(*queries[few], "-");
  reads_.Done(ReadKind::kQuery, 2, Sequence(5));
  EXPECT_EQ(*queries[few], "at 5 done");
  EXPECT_EQ(*queries[few + 1], "at 5 done");
  EXPECT_EQ(*queries[few + 2], "-");
}

TEST_F(ReadQueueTest, WhatWaitsForItsTurnMayBeLateOrAbandoned) {
  const Deadline now{};
  for (size_t i = 0; i < ReadQueue::BegunMax(ReadKind::kQuery); ++i) {
    Add(AtLeast(1), Deadline::max(), ReadKind::kQuery);
  }
  const std::string& late = Add(AtLeast(1), now, ReadKind::kQuery);
  const std::string& in_time =
      Add(AtLeast(1), now + milliseconds(1), ReadKind::kQuery);
  reads_.Advance(Sequence(1));
  reads_.Expire(now);
  EXPECT_EQ(late, "OVERLOADED");
  EXPECT_EQ(in_time, "-");
  reads_.Abandon(MakeError(Reason::kDraining, "stopping"));
  EXPECT_EQ(in_time, "DRAINING");
  EXPECT_EQ(reads_.size(), 0u);
}

}  // namespace
}  // namespace ledgerd::replication
