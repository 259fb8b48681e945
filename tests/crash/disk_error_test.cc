// A disk that fails under one replica of a group of real daemons: that one
// ends, the others go on. It is one disk error, tolerated once the replica is
// back: nothing was lost, and writes were not away for too long.
#include <chrono>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "proto/types.h"
#include "tests/crash/injection.h"
#include "tests/integration/counted_incidents.h"
#include "tests/integration/live_group.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

using integration::HasIncident;
using integration::IncidentsOf;
using integration::LiveGroup;
using integration::WaitUntil;

constexpr std::chrono::seconds kLimit(120);
constexpr int kStorageFault = 7;
// Of one thread; enough to start and to change the primary before.
constexpr int kSyncs = 150;

class DiskErrorTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = group_.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    failing_ = (*primary + 1) % group_.size();
    other_ = *primary;
    ASSERT_EQ(group_.Terminate(failing_), 0);
    group_.RunUnder(failing_, injection_.Command());
    Launch();
  }

  void Launch() {
    ASSERT_TRUE(group_.Launch(failing_).ok());
    const absl::Status ready = group_.daemon(failing_).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready;
  }

  // Clients go on while its disk fails; what they were told is there.
  void UseUpItsDisk() {
    AccountId last(0);
    while (
        !group_.daemon(failing_).process().WaitFor(std::chrono::seconds(0))) {
      const AccountId next(last.value() + 1);
      const auto created =
          client_.CreateAccounts({{.id = next, .ledger = 1, .code = 1}});
      ASSERT_TRUE(created.ok()) << created.status() << group_.Logs();
      last = next;
    }
    EXPECT_EQ(group_.daemon(failing_).process().WaitFor(kLimit), kStorageFault)
        << group_.Logs();
    const auto found = client_.LookupAccounts({AccountId(1), last});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->accounts.size(), 2u) << "acknowledged, and lost";
  }

  // With a disk that works again.
  void BringItBack() {
    group_.Forget(failing_);
    group_.RunUnder(failing_, {});
    ASSERT_NO_FATAL_FAILURE(Launch());
    EXPECT_TRUE(WaitUntil(kLimit,
                          [&] {
                            return HasIncident(group_.daemon(other_),
                                               "disk_error", "success");
                          }))
        << IncidentsOf(group_.daemon(other_), "disk_error") << group_.Logs();
  }

  const Injection injection_{{.calls = "fdatasync",
                              .what = "error=EIO",
                              .when = kSyncs,
                              .last = 60'000}};
  LiveGroup group_{3};
  client::LedgerClient client_{
      {.addresses = group_.addresses(), .timeout = std::chrono::seconds(60)}};
  size_t failing_ = 0;
  size_t other_ = 0;
};

TEST_F(DiskErrorTest, AStandbysIsTolerated) {
  ASSERT_NO_FATAL_FAILURE(UseUpItsDisk());
  ASSERT_NO_FATAL_FAILURE(BringItBack());
  EXPECT_FALSE(absl::StrContains(
      IncidentsOf(group_.daemon(other_), "disk_error"), "had to wait"));
}

TEST_F(DiskErrorTest, APrimarysIsToleratedWhenAnotherOneTookOverSoon) {
  ASSERT_TRUE(WaitUntil(kLimit, [&] {
    return group_.Switchover(other_, failing_).ok();
  })) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(UseUpItsDisk());
  ASSERT_TRUE(group_.WaitForPrimary({failing_}).has_value()) << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(BringItBack());
}

}  // namespace
}  // namespace ledgerd::crash
