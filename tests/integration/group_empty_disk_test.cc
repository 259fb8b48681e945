// A standby loses its disk and comes back with an empty one, under load: the
// group gives it a checkpoint, the journal after it, and its vote.
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "admin/v1/admin.pb.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/live_group.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

class GroupEmptyDiskTest : public GroupUnderLoad {
 protected:
  // With limits so small that the journal is let go of soon.
  GroupEmptyDiskTest()
      : GroupUnderLoad(3, /*last_is_witness=*/false, SmallLimits()) {}

  void SetUp() override { Start(); }

  // By the primary; true when it is done.
  bool Ctl(std::vector<std::string> arguments) {
    const auto primary = group_.Primary();
    if (!primary.has_value()) return false;
    arguments.push_back("--admin-address=" +
                        group_.daemon(*primary).admin_address());
    finished_ = Ledgerctl(std::move(arguments));
    return finished_.exit_code == 0;
  }

  Finished finished_;
};

TEST_F(GroupEmptyDiskTest, ALostDiskIsReplacedFromTheOthers) {
  load_.Start();
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  ASSERT_TRUE(WaitUntil(kProgressLimit, [&] {
    const auto status = group_.Status(*primary);
    return status.has_value() && status->journal_first_sequence() > 1;
  })) << "the journal is all there still";

  const size_t standby = (*primary + 1) % group_.size();
  const std::string id = std::to_string(standby + 1);
  ASSERT_TRUE(group_.Kill(standby).ok());
  std::filesystem::remove_all(group_.data_directory(standby));
  ASSERT_TRUE(WaitUntil(kProgressLimit,
                        [&] {
                          return Ctl({"replica", "remove", id});
                        }))
      << finished_.errors << group_.Logs();
  const auto status = group_.WaitForStatus(*primary);
  std::vector<std::string> format = SmallLimits();
  format.insert(format.end(),
                {"--join", "--incarnation=2", "--replica-id=" + id,
                 "--cluster-id=" + status.cluster_id()});
  ASSERT_TRUE(FormatDataDirectory(group_.data_directory(standby), format).ok());
  ASSERT_TRUE(group_.Launch(standby).ok());
  ASSERT_TRUE(WaitUntil(kProgressLimit,
                        [&] {
                          return Ctl({"replica", "add", id});
                        }))
      << finished_.errors << group_.Logs();
  ASSERT_NO_FATAL_FAILURE(WaitForRole(standby, admin::v1::ROLE_STANDBY));
  EXPECT_GT(group_.WaitForStatus(standby).journal_first_sequence(), 1u)
      << "it was given the whole journal, not a checkpoint";

  // The others' votes alone are no majority now, unless this one's counts.
  ASSERT_NO_FATAL_FAILURE(KillPrimary(*primary));
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_TRUE(group_.Launch(*primary).ok());
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

}  // namespace
}  // namespace ledgerd::integration
