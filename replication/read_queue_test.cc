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

// Runs what is for the reader at once; nothing else is asked of it.
class ReaderOnly final : public ReplicaWork {
 public:
  void PersistPromise(Epoch) override {}

  void PersistEntries(std::vector<Entry>, Sequence) override {}

  void RecordCheckpoint(EntryId) override {}

  void Fetch(Sequence, storage::Needs) override {}

  void ReadJournal(Sequence) override {}

  void WriteCheckpoint() override {}

  void RunOnReader(std::function<void()> task) override { task(); }
};

class ReadQueueTest : public ::testing::Test {
 protected:
  // What became of a read: "-" while it waits, "at 7", or a reason; then
  // " done" when what it returned has run.
  std::string& Add(Freshness freshness, Sequence commit,
                   Deadline deadline = Deadline::max()) {
    std::string& end = ends_.emplace_back("-");
    ReadRequest request;
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
    reads_.Add(std::move(request), commit);
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
  std::deque<std::string> ends_;
  std::vector<const std::string*> order_;
};

TEST_F(ReadQueueTest, ALinearizableReadWaitsForWhatWasCommittedBeforeIt) {
  const std::string& read = Add({}, Sequence(7));
  reads_.Advance(Sequence(6));
  EXPECT_EQ(read, "-");
  reads_.Advance(Sequence(9));
  EXPECT_EQ(read, "at 9 done");
  EXPECT_EQ(reads_.size(), 0u);
}

TEST_F(ReadQueueTest, AtLeastASequenceWaitsForThatOneAlone) {
  const std::string& later = Add(AtLeast(9), Sequence(7));
  const std::string& earlier = Add(AtLeast(2), Sequence(7));
  reads_.Advance(Sequence(2));
  EXPECT_EQ(earlier, "at 2 done") << "it need not see all that is committed";
  reads_.Advance(Sequence(8));
  EXPECT_EQ(later, "-");
  reads_.Advance(Sequence(9));
  EXPECT_EQ(later, "at 9 done");
}

TEST_F(ReadQueueTest, ThePrimaryIsNeverStale) {
  const std::string& read = Add(MaxStaleness(0), Sequence(7));
  reads_.Advance(Sequence(3));
  EXPECT_EQ(read, "at 3 done");
}

TEST_F(ReadQueueTest, ReadsForOneSequenceBeginInTheirOrder) {
  const std::string& first = Add(AtLeast(5), Sequence(1));
  const std::string& second = Add({}, Sequence(5));
  const std::string& before = Add(AtLeast(4), Sequence(1));
  reads_.Advance(Sequence(5));
  EXPECT_EQ(order_,
            (std::vector<const std::string*>{&before, &first, &second}));
}

TEST_F(ReadQueueTest, WhatIsLateEndsByWhatItWanted) {
  const Deadline now{};
  const std::string& stale = Add(AtLeast(9), Sequence(7), now);
  const std::string& late = Add({}, Sequence(7), now);
  const std::string& in_time = Add({}, Sequence(7), now + milliseconds(1));
  reads_.Expire(now);
  EXPECT_EQ(stale, "TOO_STALE");
  EXPECT_EQ(late, "OVERLOADED");
  EXPECT_EQ(in_time, "-");
  EXPECT_EQ(reads_.size(), 1u);
}

TEST_F(ReadQueueTest, AbandonEndsAllThatWait) {
  const std::string& one = Add(AtLeast(9), Sequence(7));
  const std::string& other = Add({}, Sequence(7));
  reads_.Abandon(MakeError(Reason::kNoPrimary, "halted"));
  EXPECT_EQ(one, "NO_PRIMARY");
  EXPECT_EQ(other, "NO_PRIMARY");
  EXPECT_EQ(reads_.size(), 0u);
}

}  // namespace
}  // namespace ledgerd::replication
