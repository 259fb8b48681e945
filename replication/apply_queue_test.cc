#include "replication/apply_queue.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/errors.h"
#include "proto/system_limits.h"
#include "replication/toy_machine.h"
#include "storage/memory_state_store.h"

namespace ledgerd::replication {
namespace {

// Keeps what is asked for, until the test does it.
class KeptWork final : public ReplicaWork {
 public:
  struct KeptFetch {
    FetchId id;
    storage::Needs missing;
  };

  void Persist(JournalWrite) override {}

  void RecordCheckpoint(EntryId) override {}

  void ReplaceState(EntryId) override {}

  void Fetch(FetchId id, storage::Needs missing) override {
    fetches.push_back({id, std::move(missing)});
  }

  void ReadJournal(Sequence from) override { reads.push_back(from); }

  void ReadFor(JournalRead) override {}

  void WriteCheckpoint() override {}

  void RunOnReader(ReadKind, std::function<void()>) override {}

  std::vector<KeptFetch> fetches;
  std::vector<Sequence> reads;
};

class ApplyQueueTest : public ::testing::Test {
 protected:
  // An entry after the last one made, which creates one account.
  Entry MakeEntry(uint64_t account) {
    Account row;
    row.id = AccountId(account);
    Entry entry =
        Entry::Seal(MakeCommand<Account>(EntryKind::kCreateAccounts, {&row, 1}),
                    Epoch(1), Timestamp(last_.sequence.value() + 1), last_);
    last_ = entry.id();
    return entry;
  }

  void Add(uint64_t account) {
    queue_.Add(
        MakeEntry(account),
        [this, account](const absl::StatusOr<EntryResult>& result) {
          answers_.push_back(
              std::to_string(account) + " " +
              (result.ok() ? "ok"
                           : std::string(Name(*ReasonOf(result.status())))));
        });
  }

  void Fetch(size_t which) {
    const KeptWork::KeptFetch& fetch = work_.fetches[which];
    LEDGERD_CHECK_OK(queue_.OnFetched(fetch.id, store_.Fetch(fetch.missing)));
  }

  size_t Advance(uint64_t commit) {
    return queue_.Advance(Sequence(commit), 1'000);
  }

  bool HasAccount(uint64_t id) {
    return store_.state().accounts().count(AccountId(id)) != 0;
  }

  const absl::Status unknown_ = MakeError(Reason::kOutcomeUnknown, "deposed");
  storage::MemoryStateStore store_{{.cold = true}};
  const ToyMachine machine_;
  KeptWork work_;
  ApplyQueue queue_{store_, machine_, work_};
  EntryId last_;
  std::vector<std::string> answers_;
};

using Answers = std::vector<std::string>;

TEST_F(ApplyQueueTest, WhatIsCutIsAnsweredAndNeverApplied) {
  Add(1);
  const EntryId one = last_;
  const size_t bytes = queue_.added_bytes();
  Add(2);
  Add(3);
  queue_.CutFrom(Sequence(2), unknown_);
  EXPECT_EQ(answers_, (Answers{"2 OUTCOME_UNKNOWN", "3 OUTCOME_UNKNOWN"}));
  EXPECT_EQ(queue_.added_bytes(), bytes);
  last_ = one;
  Add(4);
  for (size_t i = 0; i < 4; ++i) Fetch(i);
  EXPECT_EQ(Advance(2), 2u);
  EXPECT_EQ(answers_.back(), "4 ok");
  EXPECT_FALSE(HasAccount(2));
  EXPECT_TRUE(HasAccount(4));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.added_bytes(), 0u);
}

// What was read for another entry says nothing about the one that has come to
// its sequence.
TEST_F(ApplyQueueTest, AFetchForAnEntryThatWasCutIsIgnored) {
  Add(1);
  queue_.CutFrom(Sequence(1), unknown_);
  last_ = {};
  Add(2);
  ASSERT_EQ(work_.fetches.size(), 2u);
  Fetch(0);
  EXPECT_EQ(Advance(1), 0u);
  Fetch(1);
  EXPECT_EQ(Advance(1), 1u);
  EXPECT_EQ(answers_, (Answers{"1 OUTCOME_UNKNOWN", "2 ok"}));
}

TEST_F(ApplyQueueTest, WhatIsDisownedIsAppliedIfItCommits) {
  Add(1);
  Add(2);
  EXPECT_FALSE(queue_.replays(last_.sequence)) << "it was never out of memory";
  queue_.Disown(Sequence(1), unknown_);
  EXPECT_EQ(answers_, (Answers{"2 OUTCOME_UNKNOWN"}));
  Fetch(0);
  Fetch(1);
  EXPECT_EQ(Advance(2), 2u);
  EXPECT_EQ(answers_, (Answers{"2 OUTCOME_UNKNOWN", "1 ok"}));
  EXPECT_TRUE(HasAccount(2));
}

// Of a standby whose state cannot keep up.
TEST_F(ApplyQueueTest, WhatNobodyWaitsForIsLetGoOfAndReadBack) {
  std::vector<Entry> entries;
  std::vector<Account> rows(kMaxBatchSize);
  while (true) {
    ASSERT_LT(entries.size(), 100u);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].id = AccountId(entries.size() * rows.size() + i + 1);
    }
    entries.push_back(Entry::Seal(
        MakeCommand<Account>(EntryKind::kCreateAccounts, rows), Epoch(1),
        Timestamp((entries.size() + 1) * rows.size()), last_));
    last_ = entries.back().id();
    const size_t before = queue_.added_bytes();
    queue_.Add(entries.back(), nullptr);
    if (queue_.added_bytes() < before) break;
  }
  EXPECT_LE(queue_.added_bytes(), entries.back().bytes().size());
  EXPECT_TRUE(queue_.replays(last_.sequence));
  const uint64_t last = entries.back().sequence().value();
  EXPECT_EQ(Advance(last), 0u);
  ASSERT_EQ(work_.reads, std::vector<Sequence>{Sequence(1)});
  work_.fetches.clear();
  ASSERT_TRUE(queue_.OnJournalRead(entries, Sequence(last)).ok());
  // All but the last one, which was added after that.
  EXPECT_EQ(work_.fetches.size(), entries.size() - 1);
}

TEST_F(ApplyQueueTest, OfTheJournalOnlyWhatIsCommittedIsTaken) {
  std::vector<Entry> entries;
  for (uint64_t i = 1; i <= 3; ++i) entries.push_back(MakeEntry(i));
  EXPECT_EQ(Advance(2), 0u);
  ASSERT_EQ(work_.reads, std::vector<Sequence>{Sequence(1)});
  EXPECT_TRUE(queue_.replays(Sequence(3)));
  ASSERT_TRUE(queue_.OnJournalRead(entries, Sequence(2)).ok());
  EXPECT_EQ(work_.fetches.size(), 2u);
  Fetch(0);
  Fetch(1);
  EXPECT_EQ(Advance(2), 2u);
  EXPECT_EQ(Advance(3), 0u);
  EXPECT_EQ(work_.reads.back(), Sequence(3));
}

}  // namespace
}  // namespace ledgerd::replication
