// Journals of three replicas with the same entries, on disks that can be
// damaged, and the repair of the first one's.
#include "server/repair/journal_repair.h"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/entry.h"
#include "server/repair/journal_entries.h"
#include "storage/faulty_files.h"
#include "storage/journal_testing.h"
#include "storage/segment_journal.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kSegmentBytes = 16 * storage::kBlockBytes;

struct Replica {
  storage::FaultyFiles files;
  std::unique_ptr<storage::SegmentJournal> journal;
};

class JournalRepairTest : public testing::Test, public Peers {
 protected:
  JournalRepairTest() {
    EntryId at;
    entries_ = storage::MakeEntries(9, /*rows=*/1, at);
    for (Replica& replica : replicas_) {
      storage::FormatTestJournal(replica.files, kSegmentBytes);
      auto journal = storage::SegmentJournal::Open(
          replica.files, storage::TestPaths(), storage::TestIdentity(),
          {.segment_bytes = kSegmentBytes, .prepare_in_background = false});
      EXPECT_TRUE(journal.ok()) << journal.status();
      replica.journal = *std::move(journal);
      // Groups of three.
      for (size_t i = 0; i < entries_.size(); i += 3) {
        EXPECT_TRUE(
            replica.journal
                ->Append(absl::MakeSpan(entries_).subspan(i, 3), Sequence(0))
                .ok());
      }
    }
  }

  // As the transport: the replica reads its own journal.
  absl::StatusOr<std::vector<Entry>> EntriesOf(ReplicaId replica, Sequence from,
                                               Sequence through,
                                               Deadline /*deadline*/) override {
    ++asked_;
    if (off_.contains(replica.value())) {
      return absl::UnavailableError("it is off");
    }
    return EntriesFor(*replicas_[replica.value() - 1].journal, from, through);
  }

  absl::StatusOr<replication::StateMark> StateOf(
      ReplicaId /*replica*/, Sequence /*sequence*/,
      Deadline /*deadline*/) override {
    return absl::UnimplementedError("not asked for here");
  }

  void Damage(size_t replica, uint64_t sequence) {
    storage::FaultyFiles& files = replicas_[replica - 1].files;
    const std::string path = storage::TestPaths().journal + "/" +
                             storage::SegmentName(storage::SegmentNumber(1));
    const size_t at =
        files.Device(path)->find(std::string(entries_[sequence - 1].bytes()));
    ASSERT_NE(at, std::string::npos);
    files.Rot(path, at + 90, 4);
  }

  std::vector<storage::SegmentDamage> Find() {
    const auto found = replicas_[0].journal->FindDamageIn(
        storage::SegmentNumber(1), [](uint64_t) { return absl::OkStatus(); });
    EXPECT_TRUE(found.ok()) << found.status();
    return *found;
  }

  // All that is damaged at the first replica, until one cannot be.
  absl::Status MendAll() {
    for (const storage::SegmentDamage& damage : Find()) {
      absl::Status mended = repair_.Mend(damage, Deadline());
      if (!mended.ok()) return mended;
    }
    return absl::OkStatus();
  }

  void ExpectWhole() {
    EXPECT_TRUE(Find().empty());
    const auto read = replicas_[0].journal->Read(Sequence(1), 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), entries_.size());
    for (size_t i = 0; i < entries_.size(); ++i) {
      EXPECT_EQ((*read)[i].bytes(), entries_[i].bytes());
    }
  }

  std::vector<Entry> entries_;
  std::array<Replica, 3> replicas_;
  std::set<uint64_t> off_;
  int asked_ = 0;
  JournalRepair repair_{
      {.others =
           [] {
             return std::vector<ReplicaId>{ReplicaId(2), ReplicaId(3)};
           },
       .peers = this,
       .write =
           [this](const storage::SegmentDamage& damage,
                  absl::Span<const Entry> entries) {
             const auto run = [](const std::function<void()>& work) { work(); };
             return WriteMend(*replicas_[0].journal, run, damage, entries);
           }}};
};

TEST_F(JournalRepairTest, WhatOneHasIsTakenFromIt) {
  Damage(1, 2);
  Damage(1, 8);
  const absl::Status mended = MendAll();
  ASSERT_TRUE(mended.ok()) << mended;
  EXPECT_EQ(asked_, 2);
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
}

TEST_F(JournalRepairTest, EachMayHaveSomeOfIt) {
  for (const uint64_t sequence : {4, 5, 6}) Damage(1, sequence);
  Damage(2, 5);
  Damage(3, 4);
  Damage(3, 6);
  const absl::Status mended = MendAll();
  ASSERT_TRUE(mended.ok()) << mended;
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
}

TEST_F(JournalRepairTest, WhatNobodyHasIsLostAndNamed) {
  for (const size_t replica : {1, 2, 3}) Damage(replica, 5);
  const absl::Status lost = MendAll();
  EXPECT_TRUE(absl::IsDataLoss(lost)) << lost;
  EXPECT_NE(lost.message().find("journal entry 5 "), std::string::npos) << lost;
  EXPECT_EQ(Find().size(), 1u) << "and nothing was written";
}

TEST_F(JournalRepairTest, WhoIsOffMayHaveIt) {
  Damage(1, 5);
  Damage(2, 5);
  off_ = {3};
  EXPECT_TRUE(absl::IsUnavailable(MendAll()));
  off_ = {};
  EXPECT_TRUE(MendAll().ok());
  ASSERT_NO_FATAL_FAILURE(ExpectWhole());
}

// It has asked for that itself, and has halted since.
TEST_F(JournalRepairTest, WhoIsOffMayHaveSaidThatItDoesNot) {
  for (const size_t replica : {1, 2, 3}) Damage(replica, 5);
  off_ = {3};
  repair_.NoteDamaged(ReplicaId(3), Sequence(6), Sequence(9));
  EXPECT_TRUE(absl::IsUnavailable(MendAll()));
  repair_.NoteDamaged(ReplicaId(3), Sequence(4), Sequence(5));
  EXPECT_TRUE(absl::IsDataLoss(MendAll()));
}

TEST_F(JournalRepairTest, WhatIsGivenIsWhatIsAskedFor) {
  const storage::SegmentJournal& journal = *replicas_[1].journal;
  EXPECT_EQ(EntriesFor(journal, Sequence(2), Sequence(4))->size(), 3u);
  EXPECT_TRUE(absl::IsUnavailable(
      EntriesFor(journal, Sequence(10), Sequence(10)).status()));
  Damage(2, 5);
  EXPECT_EQ(EntriesFor(journal, Sequence(4), Sequence(6))->size(), 1u);
  EXPECT_TRUE(
      absl::IsDataLoss(EntriesFor(journal, Sequence(5), Sequence(6)).status()));
}

}  // namespace
}  // namespace ledgerd::server
