#include "client/coalescer.h"

#include <map>
#include <utility>

#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::client {
namespace {

using std::chrono::milliseconds;

Transfer Single(uint64_t id, uint16_t flags = 0) {
  return {.id = TransferId(id), .flags = flags};
}

// Batches that were sent and wait for the test to answer them.
class CoalescerTest : public testing::Test {
 protected:
  struct Sent {
    std::vector<Transfer> batch;
    Coalescer::Time deadline;
    Coalescer::Answer done;
  };

  void Make(Coalescer::Options options) {
    options.now = [this] { return now_; };
    coalescer_ = std::make_unique<Coalescer>(
        options, [this](std::vector<Transfer> batch, Coalescer::Time deadline,
                        Coalescer::Answer done) {
          sent_.push_back({std::move(batch), deadline, std::move(done)});
        });
  }

  void TearDown() override {
    coalescer_->Close();
    while (answered_ < sent_.size()) Fail(MakeError(Reason::kDraining, "end"));
  }

  void Add(std::vector<Transfer> unit) {
    const uint64_t first = Low(unit.front().id.value());
    coalescer_->Add(std::move(unit),
                    [this, first](absl::StatusOr<TransferResults> results) {
                      EXPECT_FALSE(answers_.contains(first)) << "twice";
                      answers_.insert_or_assign(first, std::move(results));
                    });
  }

  // Each result's timestamp is its transfer's id.
  void Succeed() {
    Sent& sent = sent_[answered_++];
    TransferResults results;
    for (const Transfer& transfer : sent.batch) {
      results.push_back({.status = TransferStatus::kCreated,
                         .timestamp = Timestamp(Low(transfer.id.value()))});
    }
    const auto done = std::move(sent.done);
    done(std::move(results));
  }

  void Fail(absl::Status error) {
    const auto done = std::move(sent_[answered_++].done);
    done(std::move(error));
  }

  std::vector<uint64_t> Ids(size_t batch) const {
    std::vector<uint64_t> ids;
    for (const Transfer& transfer : sent_[batch].batch) {
      ids.push_back(Low(transfer.id.value()));
    }
    return ids;
  }

  Coalescer::Time now_{};
  std::deque<Sent> sent_;
  size_t answered_ = 0;
  std::map<uint64_t, absl::StatusOr<TransferResults>> answers_;
  std::unique_ptr<Coalescer> coalescer_;
};

using IdList = std::vector<uint64_t>;

TEST_F(CoalescerTest, WhatGathersMeanwhileGoesNext) {
  Make({});
  for (uint64_t id = 1; id <= 5; ++id) Add({Single(id)});
  ASSERT_EQ(sent_.size(), 1);
  Succeed();
  ASSERT_EQ(sent_.size(), 2);
  Succeed();
  EXPECT_EQ(Ids(0), IdList({1}));
  EXPECT_EQ(Ids(1), IdList({2, 3, 4, 5}));
  for (uint64_t id = 1; id <= 5; ++id) {
    ASSERT_TRUE(answers_.at(id).ok());
    EXPECT_EQ(answers_.at(id)->front().timestamp, Timestamp(id));
  }
}

TEST_F(CoalescerTest, AChainIsNeverSplit) {
  Make({.batch_max = 4});
  Add({Single(1)});
  Add({Single(2)});
  Add({Single(10, transfer_flags::kLinked), Single(11, transfer_flags::kLinked),
       Single(12, transfer_flags::kLinked), Single(13)});
  Add({Single(3)});
  for (int i = 0; i < 4; ++i) Succeed();
  EXPECT_EQ(Ids(1), IdList({2}));
  EXPECT_EQ(Ids(2), IdList({10, 11, 12, 13}));
  EXPECT_EQ(Ids(3), IdList({3}));
  EXPECT_EQ(answers_.at(10)->size(), 4);
  EXPECT_EQ(answers_.at(10)->back().timestamp, Timestamp(13));
}

TEST_F(CoalescerTest, WhatIsNotOneUnitIsRefused) {
  Make({.batch_max = 3});
  Add({Single(1, transfer_flags::kLinked)});
  Add({Single(2), Single(3)});
  Add({Single(4, transfer_flags::kLinked), Single(5, transfer_flags::kLinked),
       Single(6, transfer_flags::kLinked), Single(7)});
  EXPECT_TRUE(sent_.empty());
  for (const uint64_t id : {1, 2, 4}) {
    EXPECT_EQ(ReasonOf(answers_.at(id).status()), Reason::kInvalidField);
  }
}

TEST_F(CoalescerTest, ImportedTransfersTravelAlone) {
  Make({});
  Add({Single(1)});
  Add({Single(2)});
  Add({Single(3, transfer_flags::kImported)});
  Add({Single(4, transfer_flags::kImported)});
  Add({Single(5)});
  for (int i = 0; i < 4; ++i) Succeed();
  EXPECT_EQ(Ids(1), IdList({2}));
  EXPECT_EQ(Ids(2), IdList({3, 4}));
  EXPECT_EQ(Ids(3), IdList({5}));
}

TEST_F(CoalescerTest, SeveralBatchesInFlightAtMost) {
  Make({.batch_max = 1, .batches_in_flight_max = 3});
  for (uint64_t id = 1; id <= 7; ++id) Add({Single(id)});
  EXPECT_EQ(sent_.size(), 3);
  Succeed();
  EXPECT_EQ(sent_.size(), 4);
  while (answered_ < sent_.size()) Succeed();
  EXPECT_EQ(answers_.size(), 7);
}

TEST_F(CoalescerTest, AFullQueueRefusesAndNothingWasDone) {
  Make({.queued_max = 2});
  for (uint64_t id = 1; id <= 4; ++id) Add({Single(id)});
  ASSERT_TRUE(answers_.contains(4));
  EXPECT_EQ(ReasonOf(answers_.at(4).status()), Reason::kOverloaded);
  EXPECT_EQ(answers_.size(), 1);
  bool answered = false;
  coalescer_->AddWaiting({Single(5)},
                         [&](const auto& results) { answered = results.ok(); });
  Succeed();
  Succeed();
  EXPECT_EQ(Ids(1), IdList({2, 3, 5}));
  EXPECT_TRUE(answered);
}

TEST_F(CoalescerTest, ABatchHasTheDeadlineOfItsOldestUnit) {
  Make({.timeout = milliseconds(1'000)});
  Add({Single(1)});
  now_ += milliseconds(300);
  Add({Single(2)});
  now_ += milliseconds(300);
  Add({Single(3)});
  Succeed();
  EXPECT_EQ(sent_[1].deadline, Coalescer::Time{} + milliseconds(1'300));
}

// A batch of an older unit and a younger one, which fails in between.
class YoungerUnitsTest : public CoalescerTest {
 protected:
  void FailAfter(milliseconds after, Reason reason) {
    Make({.timeout = milliseconds(1'000)});
    Add({Single(1)});
    Add({Single(2)});
    now_ += milliseconds(600);
    Add({Single(3)});
    Succeed();
    now_ += after;
    Fail(MakeError(reason, "late"));
    EXPECT_EQ(ReasonOf(answers_.at(2).status()), reason);
    EXPECT_FALSE(answers_.contains(3));
    ASSERT_EQ(sent_.size(), 3);
    EXPECT_EQ(Ids(2), IdList({3}));
    Succeed();
    EXPECT_TRUE(answers_.at(3).ok());
  }
};

TEST_F(YoungerUnitsTest, OutliveTheirBatchWithTheSameIds) {
  FailAfter(milliseconds(400), Reason::kOutcomeUnknown);
}

TEST_F(YoungerUnitsTest, OutliveARefusalUntilTheDeadlineToo) {
  FailAfter(milliseconds(300), Reason::kNoPrimary);
}

TEST_F(CoalescerTest, WhatMayHaveBeenExecutedIsNeverSaidToHaveDoneNothing) {
  Make({.timeout = milliseconds(1'000)});
  Add({Single(1)});
  Add({Single(2)});
  now_ += milliseconds(600);
  Add({Single(3)});
  Succeed();
  now_ += milliseconds(400);
  Fail(MakeError(Reason::kOutcomeUnknown, "late"));
  Add({Single(4)});
  ASSERT_EQ(Ids(2), IdList({3}));
  now_ += milliseconds(590);
  Fail(MakeError(Reason::kNoPrimary, "none"));
  EXPECT_EQ(ReasonOf(answers_.at(3).status()), Reason::kOutcomeUnknown)
      << answers_.at(3).status();
  ASSERT_EQ(Ids(3), IdList({4}));
  Fail(MakeError(Reason::kInvalidField, "bad"));
  EXPECT_EQ(ReasonOf(answers_.at(4).status()), Reason::kInvalidField);
}

TEST_F(CoalescerTest, AnErrorThatDidNothingGoesToAllAtOnce) {
  Make({});
  Add({Single(1)});
  Add({Single(2)});
  Add({Single(3)});
  Succeed();
  Fail(MakeError(Reason::kNoPrimary, "none"));
  for (const uint64_t id : {2, 3}) {
    EXPECT_EQ(ReasonOf(answers_.at(id).status()), Reason::kNoPrimary);
  }
}

TEST_F(CoalescerTest, AUnitThatWaitedTooLongWasNeverSent) {
  Make({.timeout = milliseconds(1'000)});
  Add({Single(1)});
  Add({Single(2)});
  now_ += milliseconds(1'000);
  Fail(MakeError(Reason::kOutcomeUnknown, "late"));
  EXPECT_EQ(ReasonOf(answers_.at(1).status()), Reason::kOutcomeUnknown);
  EXPECT_EQ(ReasonOf(answers_.at(2).status()), Reason::kOverloaded);
  EXPECT_EQ(sent_.size(), 1);
}

TEST_F(CoalescerTest, ClosingAnswersWhatWaits) {
  Make({});
  Add({Single(1)});
  Add({Single(2)});
  coalescer_->Close();
  EXPECT_EQ(ReasonOf(answers_.at(2).status()), Reason::kDraining);
  Add({Single(3)});
  EXPECT_EQ(ReasonOf(answers_.at(3).status()), Reason::kDraining);
  Succeed();
  EXPECT_TRUE(answers_.at(1).ok());
}

}  // namespace
}  // namespace ledgerd::client
