// When a checkpoint begins, and how fast the next delta may fill meanwhile.
#include "replication/checkpointing.h"

#include <chrono>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/entry.h"
#include "replication/replica_work.h"
#include "storage/memory_state_store.h"
#include "storage/state_hash.h"

namespace ledgerd::replication {
namespace {

using std::chrono::milliseconds;

class SlowStore final : public storage::MemoryStateStore {
 public:
  double checkpoint_progress() const override { return progress; }

  double progress = 1;
};

// Checkpoints alone are asked for here.
class CheckpointWork final : public ReplicaWork {
 public:
  void Persist(JournalWrite) override { LEDGERD_CHECK(false); }

  void Fetch(FetchId, storage::Needs) override { LEDGERD_CHECK(false); }

  void ReadJournal(Sequence) override { LEDGERD_CHECK(false); }

  void ReadFor(JournalRead) override { LEDGERD_CHECK(false); }

  void RunOnReader(ReadKind, std::function<void()>) override {
    LEDGERD_CHECK(false);
  }

  void RecordCheckpoint(EntryId) override { ++recorded; }

  void ReplaceState(EntryId) override {}

  void WriteCheckpoint() override { ++begun; }

  int begun = 0;
  int recorded = 0;
};

class CheckpointingTest : public testing::Test {
 protected:
  static constexpr uint64_t kEvents = 1'000;
  static constexpr milliseconds kTick{10};

  void Tick() {
    now_ += kTick;
    checkpointing_.OnTick(now_);
  }

  void Apply(uint64_t events) {
    const storage::AppliedPoint before = store_.applied();
    store_.FinishEntry(
        {.entry = {.epoch = Epoch(1), .sequence = before.entry.sequence.Next()},
         .timestamp = Timestamp(before.timestamp.value() + 1)});
    checkpointing_.Advance(events);
  }

  // Applies in steps of `step` events until the delta is ahead.
  uint64_t Fill(uint64_t step) {
    uint64_t filled = 0;
    for (; !checkpointing_.ahead(); filled += step) Apply(step);
    return filled;
  }

  // What has been begun ends, well or as `status` says.
  void End(const absl::Status& status = absl::OkStatus()) {
    if (status.ok()) {
      ASSERT_TRUE(store_.WriteCheckpoint().ok());
    }
    ASSERT_TRUE(checkpointing_.OnWritten(status).ok());
  }

  // A checkpoint that takes `ticks`.
  void Take(int ticks) {
    Apply(kEvents);
    ASSERT_TRUE(checkpointing_.running());
    for (int i = 0; i < ticks; ++i) Tick();
    End();
    ASSERT_FALSE(checkpointing_.running());
  }

  SlowStore store_;
  CheckpointWork work_;
  Checkpointing checkpointing_{
      {.delta_bytes = uint64_t{1} << 40, .events = kEvents}, store_, work_};
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(CheckpointingTest, BeginsWhenTheDeltaIsFull) {
  Apply(kEvents - 1);
  EXPECT_FALSE(checkpointing_.running());
  Apply(1);
  EXPECT_TRUE(checkpointing_.running());
  EXPECT_FALSE(checkpointing_.full());
  Apply(kEvents);
  EXPECT_TRUE(checkpointing_.full());
  End();
  EXPECT_EQ(work_.recorded, 1);
  EXPECT_EQ(work_.begun, 2) << "the second delta was full already";
}

TEST_F(CheckpointingTest, WhatWasReplayedIsNotReplayedAgainIfItIsMuch) {
  const uint64_t few = kEvents / Checkpointing::kWorthwhile;
  Apply(few);
  checkpointing_.AfterReplay();
  EXPECT_FALSE(checkpointing_.running());
  Apply(1);
  EXPECT_FALSE(checkpointing_.running());
  checkpointing_.AfterReplay();
  EXPECT_TRUE(checkpointing_.running());
}

TEST_F(CheckpointingTest, WhileNothingIsKnownTheDeltaMayFillAtOnce) {
  Tick();
  Apply(kEvents);
  EXPECT_EQ(Fill(10), kEvents);
}

TEST_F(CheckpointingTest, TheDeltaFillsAsTheCheckpointGetsOn) {
  Tick();
  Take(100);
  Take(100);
  Apply(kEvents);
  uint64_t filled = Fill(1);
  EXPECT_LT(filled, kEvents / 10) << "not all at once";
  for (int tick = 1; tick <= 90; ++tick) {
    Tick();
    EXPECT_FALSE(checkpointing_.ahead()) << "each tick lets something through";
    const uint64_t more = Fill(1);
    EXPECT_LE(more, kEvents / 50) << "in tick " << tick;
    filled += more;
  }
  EXPECT_GE(filled, kEvents * 9 / 10);
  EXPECT_FALSE(checkpointing_.full());
}

TEST_F(CheckpointingTest, ACheckpointThatIsLateHoldsTheDeltaBack) {
  Tick();
  Take(100);
  Take(100);
  Apply(kEvents);
  uint64_t filled = Fill(1);
  for (int tick = 1; tick <= 200; ++tick) {
    store_.progress = tick / 200.0 * 0.85;
    Tick();
    const uint64_t more = Fill(1);
    EXPECT_LE(more, kEvents / 50) << "in tick " << tick;
    filled += more;
  }
  EXPECT_GE(filled, kEvents * 9 / 10);
  EXPECT_FALSE(checkpointing_.full()) << "it has not come to a wait of all";
}

TEST_F(CheckpointingTest, ASlowFillIsNeverHeldBack) {
  Tick();
  Take(100);
  Take(100);
  Apply(kEvents);
  for (int tick = 0; tick < 100; ++tick) {
    Tick();
    Apply(kEvents / 200);
    EXPECT_FALSE(checkpointing_.ahead());
  }
}

TEST_F(CheckpointingTest, OneSlowCheckpointSlowsNothingDownLater) {
  Tick();
  Take(10);
  Take(10'000);
  Apply(kEvents);
  for (int tick = 0; tick < 10; ++tick) Tick();
  EXPECT_EQ(Fill(10), kEvents);
}

TEST_F(CheckpointingTest, AFullDiskIsTriedAgainAndTheDeltaMayFillMeanwhile) {
  Tick();
  Take(100);
  Take(100);
  Apply(kEvents);
  End(absl::ResourceExhaustedError("full"));
  EXPECT_TRUE(checkpointing_.out_of_space());
  Tick();
  EXPECT_EQ(work_.begun, 4) << "tried again";
  EXPECT_EQ(Fill(10), kEvents);
  End();
  EXPECT_FALSE(checkpointing_.out_of_space());
}

}  // namespace
}  // namespace ledgerd::replication
