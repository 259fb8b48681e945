// Every command of deploy/RUNBOOK.md, run against three replicas: those of a
// section for which States() has one in that state, all others while the
// group is well. The states of a disk are runbook_disk_test's.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/live_group.h"
#include "tests/integration/subprocess.h"
#include "tests/runbook/runner.h"

namespace ledgerd::runbook {
namespace {

namespace v1 = ::admin::v1;

constexpr std::chrono::minutes kLimit(1);
constexpr size_t kA = 0;
constexpr size_t kB = 1;
constexpr size_t kC = 2;
constexpr absl::string_view kNames = "abc";
// Those that have a test of their own, here or in runbook_disk_test.
constexpr absl::string_view kElsewhere[] = {"DISK_FULL", "FOUR_VOTERS",
                                            "STATE_DAMAGED"};

// ledger-a, ledger-b, ledger-c; the first is the primary.
class Group {
 public:
  explicit Group(size_t replicas = 3) : live_(replicas) {}

  void Start() {
    // A pair has no primary, and is not ready, before it is told which.
    const bool is_pair = live_.size() == 2;
    const absl::Status started = is_pair ? live_.LaunchAll() : live_.Start();
    ASSERT_TRUE(started.ok()) << started;
    for (size_t i = 0; i < live_.size(); ++i) AddHost(i);
    if (is_pair) {
      ASSERT_TRUE(integration::WaitUntil(kLimit, [&] {
        return live_.Switchover(kA, kA).ok();
      })) << live_.Logs();
    }
    ASSERT_NO_FATAL_FAILURE(MakePrimary(kA));
    for (const char* command :
         {"account create --id 1", "account create --id 2",
          "transfer --id 1 --debit 1 --credit 2 --amount 995"}) {
      ASSERT_EQ(runner_.Run({.text = absl::StrCat("ledgerctl ", command)}), "");
    }
  }

  void MakePrimary(size_t replica) {
    const auto primary = live_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << live_.Logs();
    if (*primary == replica) return;
    // Refused as long as the target has not caught up.
    ASSERT_TRUE(integration::WaitUntil(kLimit, [&] {
      return live_.Switchover(*primary, replica).ok();
    })) << live_.Logs();
    ASSERT_TRUE(integration::WaitUntil(kLimit, [&] {
      return live_.Primary() == replica;
    })) << live_.Logs();
  }

  void Kill(size_t replica) { ASSERT_TRUE(live_.Kill(replica).ok()); }

  void LoseDisk(size_t replica) {
    Kill(replica);
    std::filesystem::remove_all(live_.data_directory(replica));
    // What `mv` moves aside is what is left.
    std::filesystem::create_directory(live_.data_directory(replica));
  }

  void Run(const RunbookSection& section) {
    EXPECT_EQ(runner_.RunSection(section), "") << live_.Logs();
  }

  integration::LiveGroup& live() { return live_; }

  Runner& runner() { return runner_; }

 private:
  void AddHost(size_t i) {
    const integration::ReplicaPorts ports = live_.network().ports(i);
    std::string members;
    for (size_t to = 0; to < live_.size(); ++to) {
      absl::StrAppend(&members, to == 0 ? "" : ",", to + 1, "@",
                      live_.network().PeerAddress(i, to));
    }
    // Not waited for: one that is to be added is ready only after that.
    const auto start = [this, i] { return live_.Launch(i); };
    runner_.AddHost(absl::StrCat("ledger-", kNames.substr(i, 1)),
                    {.client_address = ports.client,
                     .admin_address = ports.admin,
                     .data_directory = live_.data_directory(i),
                     .members = members,
                     .start = start});
  }

  integration::LiveGroup live_;
  Runner runner_;
};

// How the group comes into the state that a section describes.
struct State {
  std::function<void(Group&)> make;
  size_t replicas = 3;
};

// Off, as all but one; that one is promoted by force; on again.
void MakeForkedOff(Group& group) {
  group.Kill(kB);
  group.Kill(kA);
  ASSERT_EQ(group.runner().Run(
                {.text = "ledgerctl promote --accept-loss --others-are-off "
                         "--admin-address ledger-c:7301"}),
            "");
  ASSERT_TRUE(group.live().Launch(kA).ok());
}

void MakePaused(Group& group) {
  ASSERT_EQ(group.runner().Run({.text = "ledgerctl pause"}), "");
  ASSERT_TRUE(integration::WaitUntil(kLimit, [&] {
    for (const size_t i : {kB, kC}) {
      const auto status = group.live().Status(i);
      if (!status.has_value() || !status->failover_paused()) return false;
    }
    return true;
  }));
  group.Kill(kA);
}

// There is a backup of it; then it is stopped.
void MakeBackedUp(Group& group) {
  ASSERT_EQ(
      group.runner().Run({.text = "ledgerctl backup create /backups/monday "
                                  "--admin-address ledger-b:7301"}),
      "");
  for (const size_t i : {kC, kB, kA}) group.Kill(i);
}

const std::map<std::string, State>& States() {
  static const auto* const states = new std::map<std::string, State>({
      {"A replica has ended", {[](Group& group) { group.Kill(kC); }}},
      {"A disk is lost", {[](Group& group) { group.LoseDisk(kC); }}},
      {"Back to an earlier moment", {MakeBackedUp}},
      {"A majority is lost for good", {[](Group& group) {
         group.LoseDisk(kA);
         group.LoseDisk(kB);
       }}},
      {"FORKED_OFF", {MakeForkedOff}},
      {"PAIR_WITHOUT_PRIMARY", {[](Group& group) { group.Kill(kA); }, 2}},
      {"FAILOVER_PAUSED", {MakePaused}},
      {"LedgerdNoPrimary", {[](Group& group) {
         group.Kill(kB);
         group.Kill(kC);
       }}},
      {"LedgerdBlocked", {[](Group& group) { group.Kill(kB); }, 2}},
      {"LedgerdDown", {[](Group& group) { group.Kill(kC); }}},
      {"LedgerdReplicaLost", {[](Group& group) { group.Kill(kC); }}},
      {"LedgerdNoFaultMargin", {[](Group& group) { group.Kill(kC); }}},
  });
  return *states;
}

class RunbookStateTest : public testing::TestWithParam<std::string> {};

TEST_P(RunbookStateTest, ItsCommandsEndAsStated) {
  const State& state = States().at(GetParam());
  Group group(state.replicas);
  ASSERT_NO_FATAL_FAILURE(group.Start());
  ASSERT_NO_FATAL_FAILURE(state.make(group));
  group.Run(Sections().at(GetParam()));
}

bool IsElsewhere(const std::string& title) {
  return std::find(std::begin(kElsewhere), std::end(kElsewhere), title) !=
         std::end(kElsewhere);
}

std::vector<std::string> Titles() {
  std::vector<std::string> titles;
  for (const auto& [title, state] : States()) titles.push_back(title);
  return titles;
}

// A title as a test's name may be.
std::string NameOf(const testing::TestParamInfo<std::string>& title) {
  return absl::StrReplaceAll(title.param, {{" ", ""}, {"_", ""}});
}

INSTANTIATE_TEST_SUITE_P(Sections, RunbookStateTest,
                         testing::ValuesIn(Titles()), NameOf);

TEST(RunbookGroupTest, AllOthersEndAsStatedWhileTheGroupIsWell) {
  Group group;
  ASSERT_NO_FATAL_FAILURE(group.Start());
  size_t commands = 0;
  for (const auto& [title, section] : Sections()) {
    if (States().contains(title) || IsElsewhere(title)) continue;
    ASSERT_NO_FATAL_FAILURE(group.MakePrimary(kA));
    group.Run(section);
    commands += section.commands.size();
  }
  EXPECT_LT(30u, commands);
}

// A fourth one joins, as its section says how to be rid of it.
TEST(RunbookGroupTest, AFourthVoterIsRemoved) {
  Group group;
  ASSERT_NO_FATAL_FAILURE(group.Start());
  const auto status = group.live().WaitForStatus(kA);
  std::string members;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    absl::StrAppend(&members, members.empty() ? "" : ",", replica.replica_id(),
                    "@", replica.peer_address());
  }
  const std::string directory = group.live().directory().Path("data4");
  const absl::Status formatted = integration::FormatDataDirectory(
      directory, {"--join", "--replica-id=4",
                  absl::StrCat("--cluster-id=", status.cluster_id())});
  ASSERT_TRUE(formatted.ok()) << formatted;
  const auto fourth = integration::DaemonProcess::Launch(
      {.data_directory = directory,
       .more_flags = {"--members=" + members, "--admin-address=127.0.0.1:0",
                      "--replication-address=127.0.0.1:0"}});
  ASSERT_TRUE(fourth.ok()) << fourth.status();
  ASSERT_EQ(group.runner().Run({.text = "ledgerctl replica add 4"}), "");
  const auto has_alarm = [&] {
    const auto now = group.live().Status(kA);
    if (!now.has_value()) return false;
    for (const v1::Alarm& alarm : now->alarms()) {
      if (alarm.name() == "FOUR_VOTERS") return true;
    }
    return false;
  };
  ASSERT_TRUE(integration::WaitUntil(kLimit, has_alarm)) << group.live().Logs();
  group.Run(Sections().at("FOUR_VOTERS"));
  EXPECT_TRUE(integration::WaitUntil(kLimit, [&] { return !has_alarm(); }));
}

}  // namespace
}  // namespace ledgerd::runbook
