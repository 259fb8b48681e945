#include "replication/journal_thread.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/system_limits.h"

namespace ledgerd::replication {
namespace {

// Writes down what is done to it; a gate holds Append back, and statuses are
// given out in turn.
class RecordingJournal final : public storage::Journal {
 public:
  absl::Status Append(absl::Span<const Entry> entries,
                      Sequence commit_point) override {
    const MutexLock lock(mutex_);
    appending_ = true;
    changed_.SignalAll();
    while (!open_) changed_.Wait(mutex_);
    const absl::Status status = NextStatus();
    if (!status.ok()) return status;
    Write(absl::StrCat("append ", entries.front().sequence().value(), "-",
                       entries.back().sequence().value(), " commit ",
                       commit_point.value()));
    return absl::OkStatus();
  }

  absl::Status WriteFiller() override {
    const MutexLock lock(mutex_);
    Write("filler");
    return absl::OkStatus();
  }

  absl::Status Release(Sequence through) override {
    const MutexLock lock(mutex_);
    Write(absl::StrCat("release ", through.value()));
    return absl::OkStatus();
  }

  absl::Status WriteSuperblock(const storage::Superblock& superblock) override {
    const MutexLock lock(mutex_);
    superblock_ = superblock;
    Write(absl::StrCat("superblock epoch ", superblock.promised_epoch.value(),
                       " checkpoint ", superblock.checkpoint.sequence.value()));
    return absl::OkStatus();
  }

  absl::Status Install(const storage::Superblock& superblock) override {
    const MutexLock lock(mutex_);
    superblock_ = superblock;
    Write(absl::StrCat("install ", superblock.checkpoint.sequence.value(),
                       " epoch ", superblock.promised_epoch.value()));
    return absl::OkStatus();
  }

  absl::Status RollBack(Sequence from) override {
    const MutexLock lock(mutex_);
    const absl::Status status = NextStatus();
    if (status.ok()) Write(absl::StrCat("roll back ", from.value()));
    return status;
  }

  absl::StatusOr<std::vector<Entry>> Read(Sequence /*from*/,
                                          uint64_t /*max*/) const override {
    return absl::UnimplementedError("not called");
  }

  storage::Outline TakeOutline() override { return {}; }

  EntryId base() const override { return {}; }

  EntryId last() const override { return {}; }

  Timestamp last_timestamp() const override { return {}; }

  storage::Superblock superblock() const override {
    const MutexLock lock(mutex_);
    return superblock_;
  }

  void SetOpen(bool open) {
    const MutexLock lock(mutex_);
    open_ = open;
    changed_.SignalAll();
  }

  void WaitUntilAppending() {
    const MutexLock lock(mutex_);
    while (!appending_) changed_.Wait(mutex_);
  }

  void FailNext(std::vector<absl::Status> statuses) {
    const MutexLock lock(mutex_);
    statuses_ = std::move(statuses);
  }

  // The first that were written; a filler may follow at any time.
  std::vector<std::string> WaitFor(size_t count) {
    const MutexLock lock(mutex_);
    while (written_.size() < count) changed_.Wait(mutex_);
    return {written_.begin(), written_.begin() + static_cast<ptrdiff_t>(count)};
  }

  std::vector<std::string> written() const {
    const MutexLock lock(mutex_);
    return written_;
  }

 private:
  absl::Status NextStatus() {
    if (statuses_.empty()) return absl::OkStatus();
    absl::Status status = statuses_.front();
    statuses_.erase(statuses_.begin());
    return status;
  }

  void Write(std::string what) {
    written_.push_back(std::move(what));
    changed_.SignalAll();
  }

  mutable Mutex mutex_;
  CondVar changed_;
  bool open_ = true;
  bool appending_ = false;
  std::vector<absl::Status> statuses_;
  std::vector<std::string> written_;
  storage::Superblock superblock_;
};

// What the thread told, in its order.
class Told {
 public:
  JournalCallbacks Callbacks() {
    JournalCallbacks callbacks;
    callbacks.persisted = [this](WriteId write) {
      Add(absl::StrCat("write ", write.value()));
    };
    callbacks.disk_full = [this](bool full) {
      Add(full ? "full" : "space again");
    };
    callbacks.failed = [this](const absl::Status& status) {
      Add(absl::StrCat("failed ", std::string(status.message())));
    };
    return callbacks;
  }

  std::vector<std::string> WaitFor(size_t count) {
    const MutexLock lock(mutex_);
    while (told_.size() < count) changed_.Wait(mutex_);
    return told_;
  }

 private:
  void Add(std::string what) {
    const MutexLock lock(mutex_);
    told_.push_back(std::move(what));
    changed_.SignalAll();
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> told_;
};

// Write `id`, of entry `sequence` alone.
JournalWrite OneEntry(uint64_t id, uint64_t sequence, uint64_t commit) {
  EntryId previous;
  previous.sequence = Sequence(sequence - 1);
  JournalWrite write;
  write.id = WriteId(id);
  write.commit = Sequence(commit);
  write.entries.push_back(
      Entry::Seal(Command{}, Epoch(1), Timestamp(sequence), previous));
  return write;
}

JournalWrite OneEntry(uint64_t sequence, uint64_t commit = 0) {
  return OneEntry(sequence, sequence, commit);
}

SuperblockWrite Promise(uint64_t epoch) {
  SuperblockWrite superblock;
  superblock.promised = Epoch(epoch);
  return superblock;
}

using Lines = std::vector<std::string>;

TEST(JournalThreadTest, WhatGathersDuringASyncGoesOutTogether) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.SetOpen(false);
  thread.Persist(OneEntry(1));
  journal.WaitUntilAppending();
  for (uint64_t sequence = 2; sequence <= 5; ++sequence) {
    thread.Persist(OneEntry(sequence, sequence - 2));
  }
  journal.SetOpen(true);
  EXPECT_EQ(told.WaitFor(2), (Lines{"write 1", "write 5"}));
  const Lines written = journal.WaitFor(2);
  EXPECT_EQ(written[1], "append 2-5 commit 3");
}

TEST(JournalThreadTest, PromiseAndCheckpointKeepTheirPlace) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.SetOpen(false);
  thread.Persist(OneEntry(1));
  journal.WaitUntilAppending();
  thread.Persist(OneEntry(2));
  JournalWrite promise;
  promise.id = WriteId(3);
  promise.superblock = Promise(4);
  thread.Persist(std::move(promise));
  thread.Persist(OneEntry(4, 3, 0));
  EntryId checkpoint;
  checkpoint.sequence = Sequence(2);
  thread.RecordCheckpoint(checkpoint);
  thread.Persist(OneEntry(5, 4, 0));
  journal.SetOpen(true);
  EXPECT_EQ(told.WaitFor(4),
            (Lines{"write 1", "write 2", "write 4", "write 5"}));
  thread.Stop();
  EXPECT_EQ(journal.WaitFor(7),
            (Lines{"append 1-1 commit 0", "append 2-2 commit 0",
                   "superblock epoch 4 checkpoint 0", "append 3-3 commit 0",
                   "superblock epoch 4 checkpoint 2", "release 2",
                   "append 4-4 commit 0"}));
}

// With the superblock, and once, though there is no space for what follows.
TEST(JournalThreadTest, AnInstallComesFirstAndIsNotRepeated) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.SetOpen(false);
  thread.Persist(OneEntry(1));
  journal.WaitUntilAppending();
  thread.Persist(OneEntry(2));
  JournalWrite write = OneEntry(3, 8, 7);
  write.install = EntryId();
  write.install->sequence = Sequence(7);
  write.superblock = Promise(4);
  thread.Persist(std::move(write));
  journal.FailNext({absl::OkStatus(), absl::OkStatus(),
                    absl::ResourceExhaustedError("full")});
  thread.Persist(OneEntry(4, 9, 7));
  journal.SetOpen(true);
  const Lines written = journal.WaitFor(4);
  EXPECT_EQ(written, (Lines{"append 1-1 commit 0", "append 2-2 commit 0",
                            "install 7 epoch 4", "append 8-9 commit 7"}));
  thread.Stop();
}

TEST(JournalThreadTest, AWriteIsCutThenSuperblockThenEntries) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.SetOpen(false);
  thread.Persist(OneEntry(1));
  journal.WaitUntilAppending();
  thread.Persist(OneEntry(2));
  JournalWrite write = OneEntry(3, 2, 1);
  write.cut = Sequence(2);
  write.superblock = Promise(7);
  thread.Persist(std::move(write));
  thread.Persist(OneEntry(4, 3, 2));
  journal.SetOpen(true);
  EXPECT_EQ(told.WaitFor(3), (Lines{"write 1", "write 2", "write 4"}));
  thread.Stop();
  EXPECT_EQ(journal.WaitFor(5),
            (Lines{"append 1-1 commit 0", "append 2-2 commit 0", "roll back 2",
                   "superblock epoch 7 checkpoint 0", "append 2-3 commit 2"}));
}

// Nothing of a write is answered before all of it is done.
TEST(JournalThreadTest, ACutThatFindsNoSpaceIsTriedAgainBeforeTheEntries) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.FailNext({absl::ResourceExhaustedError("full"), absl::OkStatus(),
                    absl::ResourceExhaustedError("full")});
  JournalWrite write = OneEntry(1);
  write.cut = Sequence(1);
  thread.Persist(std::move(write));
  EXPECT_EQ(told.WaitFor(3), (Lines{"full", "space again", "write 1"}));
  thread.Stop();
  // The second time there is nothing left to roll back.
  const Lines written = journal.WaitFor(3);
  EXPECT_EQ(written[0], "roll back 1");
  EXPECT_EQ(written[1], "roll back 1");
  EXPECT_EQ(written[2], "append 1-1 commit 0");
}

TEST(JournalThreadTest, AGroupEndsAtItsLimit) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.SetOpen(false);
  thread.Persist(OneEntry(1));
  journal.WaitUntilAppending();
  EntryId at;
  at.sequence = Sequence(1);
  for (uint64_t id = 2; id <= 7; ++id) {
    JournalWrite write;
    write.id = WriteId(id);
    const std::vector<Transfer> rows(kMaxBatchSize);
    write.entries.push_back(
        Entry::Seal(MakeCommand<Transfer>(EntryKind::kCreateTransfers, rows),
                    Epoch(1), Timestamp(id * kMaxBatchSize), at));
    at = write.entries.back().id();
    thread.Persist(std::move(write));
  }
  journal.SetOpen(true);
  EXPECT_EQ(told.WaitFor(3), (Lines{"write 1", "write 5", "write 7"}));
}

TEST(JournalThreadTest, AFillerFollowsWhenNothingElseDoes) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  thread.Persist(OneEntry(1));
  EXPECT_EQ(journal.WaitFor(2), (Lines{"append 1-1 commit 0", "filler"}));
}

TEST(JournalThreadTest, AFullDiskIsToldAndTriedAgain) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.FailNext({absl::ResourceExhaustedError("full"),
                    absl::ResourceExhaustedError("full")});
  thread.Persist(OneEntry(1));
  EXPECT_EQ(told.WaitFor(3), (Lines{"full", "space again", "write 1"}));
}

TEST(JournalThreadTest, StopsWaitingForSpaceWhenItMustEnd) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.FailNext(std::vector<absl::Status>(
      1'000'000, absl::ResourceExhaustedError("full")));
  thread.Persist(OneEntry(1));
  told.WaitFor(1);
  thread.Stop();
  EXPECT_EQ(told.WaitFor(1), (Lines{"full"}));
}

TEST(JournalThreadTest, NothingIsWrittenAfterAFailure) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, nullptr, told.Callbacks());
  journal.FailNext({absl::UnknownError("fdatasync: EIO")});
  thread.Persist(OneEntry(1));
  EXPECT_EQ(told.WaitFor(1), (Lines{"failed fdatasync: EIO"}));
  thread.Persist(OneEntry(2));
  JournalWrite promise;
  promise.id = WriteId(3);
  promise.superblock = Promise(9);
  thread.Persist(std::move(promise));
  thread.Stop();
  EXPECT_TRUE(journal.written().empty());
}

}  // namespace
}  // namespace ledgerd::replication
