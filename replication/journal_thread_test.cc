#include "replication/journal_thread.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

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

  absl::Status RollBack(Sequence /*from*/) override {
    return absl::UnimplementedError("not called");
  }

  absl::StatusOr<std::vector<Entry>> Read(Sequence /*from*/,
                                          uint64_t /*max*/) const override {
    return absl::UnimplementedError("not called");
  }

  Sequence first() const override { return Sequence(1); }

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

  std::vector<std::string> WaitFor(size_t count) {
    const MutexLock lock(mutex_);
    while (written_.size() < count) changed_.Wait(mutex_);
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
    callbacks.promise_persisted = [this](Epoch epoch) {
      Add(absl::StrCat("promise ", epoch.value()));
    };
    callbacks.entries_persisted = [this](EntryId last) {
      Add(absl::StrCat("entries ", last.sequence.value()));
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

std::vector<Entry> OneEntry(uint64_t sequence) {
  EntryId previous;
  previous.sequence = Sequence(sequence - 1);
  std::vector<Entry> entries;
  entries.push_back(
      Entry::Seal(Command{}, Epoch(1), Timestamp(sequence), previous));
  return entries;
}

using Lines = std::vector<std::string>;

TEST(JournalThreadTest, WhatGathersDuringASyncGoesOutTogether) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, told.Callbacks());
  journal.SetOpen(false);
  thread.PersistEntries(OneEntry(1), Sequence(0));
  journal.WaitUntilAppending();
  for (uint64_t sequence = 2; sequence <= 5; ++sequence) {
    thread.PersistEntries(OneEntry(sequence), Sequence(sequence - 2));
  }
  journal.SetOpen(true);
  EXPECT_EQ(told.WaitFor(2), (Lines{"entries 1", "entries 5"}));
  const Lines written = journal.WaitFor(2);
  EXPECT_EQ(written[1], "append 2-5 commit 3");
}

TEST(JournalThreadTest, PromiseAndCheckpointKeepTheirPlace) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, told.Callbacks());
  journal.SetOpen(false);
  thread.PersistEntries(OneEntry(1), Sequence(0));
  journal.WaitUntilAppending();
  thread.PersistEntries(OneEntry(2), Sequence(0));
  thread.PersistPromise(Epoch(4));
  thread.PersistEntries(OneEntry(3), Sequence(0));
  EntryId checkpoint;
  checkpoint.sequence = Sequence(2);
  thread.RecordCheckpoint(checkpoint);
  journal.SetOpen(true);
  EXPECT_EQ(told.WaitFor(4),
            (Lines{"entries 1", "entries 2", "promise 4", "entries 3"}));
  thread.Stop();
  const Lines written = journal.WaitFor(6);
  EXPECT_EQ(written[2], "superblock epoch 4 checkpoint 0");
  EXPECT_EQ(written[4], "superblock epoch 4 checkpoint 2");
  EXPECT_EQ(written[5], "release 2");
}

TEST(JournalThreadTest, AFillerFollowsWhenNothingElseDoes) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, told.Callbacks());
  thread.PersistEntries(OneEntry(1), Sequence(0));
  EXPECT_EQ(journal.WaitFor(2), (Lines{"append 1-1 commit 0", "filler"}));
}

TEST(JournalThreadTest, AFullDiskIsToldAndTriedAgain) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, told.Callbacks());
  journal.FailNext({absl::ResourceExhaustedError("full"),
                    absl::ResourceExhaustedError("full")});
  thread.PersistEntries(OneEntry(1), Sequence(0));
  EXPECT_EQ(told.WaitFor(3), (Lines{"full", "space again", "entries 1"}));
}

TEST(JournalThreadTest, StopsWaitingForSpaceWhenItMustEnd) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, told.Callbacks());
  journal.FailNext(std::vector<absl::Status>(
      1'000'000, absl::ResourceExhaustedError("full")));
  thread.PersistEntries(OneEntry(1), Sequence(0));
  told.WaitFor(1);
  thread.Stop();
  EXPECT_EQ(told.WaitFor(1), (Lines{"full"}));
}

TEST(JournalThreadTest, NothingIsWrittenAfterAFailure) {
  RecordingJournal journal;
  Told told;
  JournalThread thread(journal, told.Callbacks());
  journal.FailNext({absl::UnknownError("fdatasync: EIO")});
  thread.PersistEntries(OneEntry(1), Sequence(0));
  EXPECT_EQ(told.WaitFor(1), (Lines{"failed fdatasync: EIO"}));
  thread.PersistEntries(OneEntry(2), Sequence(0));
  thread.PersistPromise(Epoch(9));
  thread.Stop();
  EXPECT_TRUE(journal.WaitFor(0).empty());
}

}  // namespace
}  // namespace ledgerd::replication
