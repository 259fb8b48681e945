#include "storage/state_database.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "proto/base/check.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class StateDatabaseTest : public ::testing::Test {
 protected:
  StateDatabaseTest() {
    StateDatabase::Options options;
    options.free_bytes = [this](const std::string&) { return free_bytes_; };
    auto opened = StateDatabase::Open(::testing::TempDir() + "/state", options);
    LEDGERD_CHECK_OK(opened.status());
    database_ = *std::move(opened);
  }

  bool HasSpaceFor(uint64_t bytes, uint64_t free_bytes) {
    free_bytes_ = free_bytes;
    const absl::Status status = database_->CheckSpace(bytes);
    EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
    return status.ok();
  }

  uint64_t free_bytes_ = 0;
  std::shared_ptr<StateDatabase> database_;
};

// A small state on a small disk needs no large reserve: what there is to
// compact is what was stored.
TEST_F(StateDatabaseTest, TheReserveIsNoMoreThanWhatIsStored) {
  EXPECT_TRUE(HasSpaceFor(10 * kMiB, 20 * kMiB));
  EXPECT_FALSE(HasSpaceFor(10 * kMiB, 20 * kMiB - 1));
}

TEST_F(StateDatabaseTest, TheReserveHasALimit) {
  EXPECT_TRUE(HasSpaceFor(1'000 * kMiB, 1'256 * kMiB));
  EXPECT_FALSE(HasSpaceFor(1'000 * kMiB, 1'256 * kMiB - 1));
}

}  // namespace
}  // namespace ledgerd::storage
