// WatchEvents of a group: watches that begin at each replica, the primary's and
// both standbys', go on at another one when theirs is killed, and are told each
// event once and in order; one that knows a single standby alone is told the
// same.
//
// LEDGERD_KILLS sets how often the primary is killed (3 by default).
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/watched_events.h"

namespace ledgerd::integration {
namespace {

using client::LedgerClient;

// Longer than any replica is away.
constexpr std::chrono::minutes kPatience(1);

class GroupWatchTest : public GroupUnderLoad {
 protected:
  GroupWatchTest() : GroupUnderLoad(3) {}

  void SetUp() override { Start(); }

  // Goes to these, the first one first.
  LedgerClient& ClientOf(std::vector<std::string> addresses) {
    return clients_of_.emplace_back(client::ClientOptions{
        .addresses = std::move(addresses), .timeout = kPatience});
  }

  // All, from this one on.
  std::vector<std::string> AddressesFrom(size_t replica) {
    std::vector<std::string> addresses;
    for (size_t i = 0; i < group_.size(); ++i) {
      addresses.push_back(group_.addresses()[(replica + i) % group_.size()]);
    }
    return addresses;
  }

  void Watch(LedgerClient& client) {
    watches_.push_back(client.WatchEvents(Sequence(0)));
    Told& told = told_.emplace_back();
    watchers_.emplace_back([&told, watch = watches_.back().get()] {
      told = WatchToTheEnd(*watch);
    });
  }

  void JoinWatchers() {
    for (std::thread& watcher : watchers_) watcher.join();
    watchers_.clear();
  }

  void TearDown() override {
    for (const auto& watch : watches_) watch->Cancel();
    JoinWatchers();
    GroupUnderLoad::TearDown();
  }

  std::deque<LedgerClient> clients_of_;
  std::vector<std::unique_ptr<client::EventWatch>> watches_;
  std::deque<Told> told_;
  std::vector<std::thread> watchers_;
};

TEST_F(GroupWatchTest, EachEventOnceWhoeverIsPrimary) {
  for (size_t i = 0; i < group_.size(); ++i) {
    Watch(ClientOf(AddressesFrom(i)));
    Watch(ClientOf({group_.addresses()[i]}));
  }
  load_.Start();
  const int kills = NumberFromEnvironment("LEDGERD_KILLS", 3);
  for (int kill = 0; kill < kills; ++kill) {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(300)));
    ASSERT_NO_FATAL_FAILURE(ReplacePrimary());
  }
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  const absl::Status created = CreateLastAccount(load_.client());
  ASSERT_TRUE(created.ok()) << created;
  JoinWatchers();
  for (const Told& told : told_) {
    ASSERT_NO_FATAL_FAILURE(ExpectInOrder(told)) << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(ExpectSame(told_.front(), told));
  }
  EXPECT_GT(told_.front().events.size(), 300u);
  ASSERT_NO_FATAL_FAILURE(
      ExpectThatTheLedgerAgrees(load_.client(), told_.front()));
  ASSERT_NO_FATAL_FAILURE(CompareStates(3));
}

}  // namespace
}  // namespace ledgerd::integration
