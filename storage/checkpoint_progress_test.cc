#include "storage/checkpoint_progress.h"

#include "gtest/gtest.h"

namespace ledgerd::storage {
namespace {

TEST(CheckpointProgressTest, NothingIsExpectedOfTheFirst) {
  CheckpointProgress progress;
  EXPECT_EQ(progress.share(), 1);
  progress.Begin(1'000);
  progress.Add(10);
  EXPECT_EQ(progress.share(), 1);
}

TEST(CheckpointProgressTest, TheLastOneTellsWhatTheNextNeeds) {
  CheckpointProgress progress;
  progress.Begin(1'000);
  progress.Add(500);
  progress.End();
  progress.Begin(2'000);
  EXPECT_EQ(progress.share(), 0);
  progress.Add(500);
  EXPECT_DOUBLE_EQ(progress.share(), CheckpointProgress::kWritten / 2);
  progress.Add(5'000);
  EXPECT_DOUBLE_EQ(progress.share(), CheckpointProgress::kWritten);
}

TEST(CheckpointProgressTest, AnotherTryBeginsAnew) {
  CheckpointProgress progress;
  progress.Begin(1'000);
  progress.Add(400);
  progress.Restart();
  progress.Add(500);
  progress.End();
  progress.Begin(1'000);
  progress.Add(500);
  EXPECT_DOUBLE_EQ(progress.share(), CheckpointProgress::kWritten);
}

}  // namespace
}  // namespace ledgerd::storage
