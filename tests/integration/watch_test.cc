// WatchEvents of a real daemon that is killed again and again under load: each
// event is told once, in order, by one watch that outlives all of it, by one
// that begins at the end, and by one that does not read until then.
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "tests/integration/history.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/load.h"

namespace ledgerd::integration {
namespace {

using client::EventWatch;
using client::LedgerClient;
using client::LedgerEvent;
using client::LedgerEvents;
using client::LedgerEventType;

constexpr std::chrono::seconds kProgressLimit(60);
// The last account that is made: then nothing happens but holds that fall due.
constexpr AccountId kLast{0xfffffff};
// Holds of the load fall due soon, or long after the test.
constexpr uint32_t kSoonSeconds = 1;

int Kills() {
  const char* kills = std::getenv("LEDGERD_KILLS");
  return kills == nullptr ? 6 : std::atoi(kills);
}

// What one watch was told, up to where nothing more happens.
struct Told {
  std::vector<std::pair<Sequence, LedgerEvent>> events;
  absl::Status status;
};

// Whether nothing more can happen while the test runs.
class EndOfTheLoad {
 public:
  void Note(const LedgerEvent& event) {
    if (event.debit.id == kLast) last_is_there_ = true;
    switch (event.type) {
      case LedgerEventType::kTwoPhasePending:
        if (event.transfer.timeout_seconds == kSoonSeconds) {
          due_soon_.insert(event.transfer.id);
        }
        break;
      case LedgerEventType::kTwoPhasePosted:
      case LedgerEventType::kTwoPhaseVoided:
        due_soon_.erase(event.transfer.pending_id);
        break;
      case LedgerEventType::kTwoPhaseExpired:
        due_soon_.erase(event.transfer.id);
        break;
      default:
        break;
    }
  }

  bool IsReached() const { return last_is_there_ && due_soon_.empty(); }

 private:
  bool last_is_there_ = false;
  std::set<TransferId> due_soon_;
};

Told WatchToTheEnd(EventWatch& watch) {
  Told told;
  EndOfTheLoad end;
  for (bool more = true; more || !end.IsReached();) {
    absl::StatusOr<LedgerEvents> entry = watch.Next();
    if (!entry.ok()) {
      told.status = entry.status();
      return told;
    }
    for (LedgerEvent& event : entry->events) {
      end.Note(event);
      told.events.emplace_back(entry->sequence, std::move(event));
    }
    more = entry->more;
  }
  return told;
}

void ExpectInOrder(const Told& told) {
  ASSERT_TRUE(told.status.ok()) << told.status;
  for (size_t i = 1; i < told.events.size(); ++i) {
    ASSERT_LE(told.events[i - 1].first, told.events[i].first);
    ASSERT_LT(told.events[i - 1].second.timestamp,
              told.events[i].second.timestamp);
  }
}

void ExpectSame(const Told& one, const Told& other) {
  ASSERT_EQ(one.events.size(), other.events.size());
  for (size_t i = 0; i < one.events.size(); ++i) {
    const auto& [sequence, event] = one.events[i];
    const auto& [other_sequence, other_event] = other.events[i];
    ASSERT_EQ(sequence, other_sequence);
    ASSERT_EQ(event.type, other_event.type);
    ASSERT_EQ(event.timestamp, other_event.timestamp);
    ASSERT_TRUE(event.transfer == other_event.transfer);
    ASSERT_TRUE(event.debit == other_event.debit);
    ASSERT_TRUE(event.credit == other_event.credit);
  }
}

// The ledger as it is, and what was told of it, are the same.
void ExpectThatTheLedgerAgrees(LedgerClient& client, const Told& told) {
  std::map<AccountId, Account> accounts;
  std::map<TransferId, Transfer> transfers;
  for (const auto& [sequence, event] : told.events) {
    accounts[event.debit.id] = event.debit;
    if (event.type == LedgerEventType::kAccountCreated) continue;
    accounts[event.credit.id] = event.credit;
    const bool is_new =
        transfers.emplace(event.transfer.id, event.transfer).second;
    EXPECT_EQ(is_new, event.type != LedgerEventType::kTwoPhaseExpired);
  }
  for (const auto& [id, account] : accounts) {
    const auto found = client.LookupAccounts({id});
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->accounts.size(), 1u);
    EXPECT_TRUE(found->accounts[0] == account) << "account " << id;
  }
  std::vector<TransferId> ids;
  for (const auto& [id, transfer] : transfers) {
    ids.push_back(id);
    if (ids.size() < 1000 && id != transfers.rbegin()->first) continue;
    const auto found = client.LookupTransfers(ids);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->transfers.size(), ids.size());
    for (const Transfer& row : found->transfers) {
      EXPECT_TRUE(row == transfers.at(row.id));
    }
    ids.clear();
  }
}

class WatchTest : public testing::Test {
 protected:
  explicit WatchTest(std::vector<std::string> flags = SmallLimits())
      : ledger_(std::move(flags)) {}

  void SetUp() override {
    ASSERT_TRUE(ledger_.Start().ok());
    ASSERT_TRUE(load_.Prepare().ok());
  }

  void KillUnderLoad() {
    const size_t answers = history_.answers() + 1 + random_() % 300;
    ASSERT_TRUE(history_.WaitForAnswers(answers, kProgressLimit))
        << ledger_.daemon().Log();
    ASSERT_TRUE(ledger_.daemon().Kill9().ok());
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  LiveLedger ledger_;
  History history_{ledger_.directory().Path("history.txt")};
  Load load_{{.addresses = {ledger_.address()}, .seed = seed_}, &history_};
};

TEST_F(WatchTest, EachEventOnceWhateverHappensToTheDaemon) {
  LedgerClient client(
      {.addresses = {ledger_.address()}, .timeout = std::chrono::minutes(1)});
  const auto fast = client.WatchEvents(Sequence(0));
  const auto slow = client.WatchEvents(Sequence(0));
  // It holds a stream, and does not read on.
  ASSERT_TRUE(slow->Next().ok());
  Told told;
  std::thread watcher([&] { told = WatchToTheEnd(*fast); });

  load_.Start();
  for (int kill = 0; kill < Kills() && !HasFatalFailure(); ++kill) {
    KillUnderLoad();
  }
  const bool settled = load_.Settle();
  Account last;
  last.id = kLast;
  last.ledger = 1;
  last.code = 1;
  const auto created = client.CreateAccounts({last});
  if (!settled || !created.ok()) fast->Cancel();
  watcher.join();
  ASSERT_TRUE(settled);
  ASSERT_TRUE(created.ok()) << created.status();

  ASSERT_NO_FATAL_FAILURE(ExpectInOrder(told));
  EXPECT_GT(told.events.size(), 300u);
  ASSERT_NO_FATAL_FAILURE(ExpectThatTheLedgerAgrees(client, told));
  const Told again = WatchToTheEnd(*client.WatchEvents(Sequence(0)));
  ASSERT_NO_FATAL_FAILURE(ExpectSame(told, again));
  // But for the entry that it was told before.
  const Told late = WatchToTheEnd(*slow);
  ASSERT_TRUE(late.status.ok()) << late.status;
  ASSERT_LT(late.events.size(), told.events.size());
  const auto tail = static_cast<ptrdiff_t>(late.events.size());
  ExpectSame({.events = {told.events.end() - tail, told.events.end()}}, late);
  EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
}

}  // namespace
}  // namespace ledgerd::integration
