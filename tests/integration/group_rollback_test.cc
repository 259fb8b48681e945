// What a primary had alone when it was killed is cut off its journal when it
// comes back, is kept, and is listed by ledgerctl. Nobody was told that it was
// done, and whoever asked again with the same ids has it once.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/journal_places.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

// More than clients write here.
constexpr size_t kJournalMax = size_t{64} << 20;

class GroupRollbackTest : public GroupUnderLoad {
 protected:
  GroupRollbackTest() : GroupUnderLoad(3) {}

  void SetUp() override { Start(); }

  // The sequences in the rows that `ledgerctl rolled-back` has of a replica.
  std::vector<uint64_t> RolledBack(size_t replica) {
    const std::string key = "\"sequence\":";
    const Finished listed = Ledgerctl(
        {"rolled-back", "-o", "json",
         "--admin-address=" + group_.daemon(replica).admin_address()});
    EXPECT_EQ(listed.exit_code, 0) << listed.errors;
    std::vector<uint64_t> sequences;
    for (size_t at = 0;
         (at = listed.output.find(key, at)) != std::string::npos;) {
      at += key.size();
      sequences.push_back(std::strtoull(&listed.output[at], nullptr, 10));
    }
    return sequences;
  }

  uint64_t LastOnDisk(size_t replica) {
    const auto entries = EntriesIn(group_.data_directory(replica), kJournalMax);
    return entries.empty() ? 0 : entries.rbegin()->first;
  }
};

// The standbys go first: else they have each entry as soon as it has.
TEST_F(GroupRollbackTest, ATailThatThePrimaryHadAloneIsCutAndListed) {
  load_.Start();
  ASSERT_NO_FATAL_FAILURE(Progress(300));
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  const size_t one = (*primary + 1) % group_.size();
  const size_t other = (*primary + 2) % group_.size();
  NoteFault();
  const auto signal_both = [&](int signal) {
    for (const size_t standby : {one, other}) {
      group_.daemon(standby).process().Signal(signal);
    }
  };
  uint64_t committed = 0;
  uint64_t kept = 0;
  // What they had made durable, and were stopped before they said so, the
  // primary has not alone. So it is tried until it has something else, within
  // less than it takes them to miss it.
  const auto has_some_alone = [&] {
    signal_both(SIGSTOP);
    kept = std::max(LastOnDisk(one), LastOnDisk(other));
    const bool has = WaitUntil(std::chrono::milliseconds(200), [&] {
      const auto status = group_.Status(*primary);
      if (!status.has_value()) return false;
      committed = status->commit_sequence();
      return status->journal_last_sequence() > kept;
    });
    if (!has) signal_both(SIGCONT);
    return has;
  };
  ASSERT_TRUE(WaitUntil(kProgressLimit, has_some_alone))
      << "it has nothing alone\n"
      << group_.Logs();
  // With what the kernels hold for them.
  for (const size_t standby : {one, other}) {
    ASSERT_TRUE(group_.Kill(standby).ok());
  }
  uint64_t had = 0;
  ASSERT_TRUE(WaitUntil(kProgressLimit,
                        [&] {
                          const auto status = group_.Status(*primary);
                          if (!status.has_value()) return false;
                          had = status->journal_last_sequence();
                          return status->role() != admin::v1::ROLE_PRIMARY;
                        }))
      << "it has no majority, and goes on\n"
      << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(KillPrimary(*primary));
  for (const size_t standby : {one, other}) {
    ASSERT_TRUE(group_.Launch(standby).ok());
  }
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_TRUE(group_.Launch(*primary).ok());
  for (size_t i = 0; i < group_.size(); ++i) {
    const absl::Status ready = group_.daemon(i).WaitUntilReady();
    ASSERT_TRUE(ready.ok()) << ready << group_.Logs();
  }
  ASSERT_NO_FATAL_FAILURE(WaitForRole(*primary, admin::v1::ROLE_STANDBY));
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());

  const std::vector<uint64_t> cut = RolledBack(*primary);
  EXPECT_GT(had, kept);
  EXPECT_FALSE(cut.empty()) << group_.Logs();
  for (const uint64_t sequence : cut) EXPECT_GT(sequence, committed);
  EXPECT_TRUE(RolledBack(one).empty());
  EXPECT_TRUE(RolledBack(other).empty());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

}  // namespace
}  // namespace ledgerd::integration
