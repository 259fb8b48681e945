#include "tests/integration/watched_events.h"

#include <map>
#include <set>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace ledgerd::integration {
namespace {

using client::EventWatch;
using client::LedgerClient;
using client::LedgerEvent;
using client::LedgerEvents;
using client::LedgerEventType;

// The last account that is made: then nothing happens but holds that fall due.
constexpr AccountId kLast{0xfffffff};
// Holds of the load fall due soon, or long after the test.
constexpr uint32_t kSoonSeconds = 1;

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

}  // namespace

absl::Status CreateLastAccount(LedgerClient& client) {
  return client.CreateAccounts({{.id = kLast, .ledger = 1, .code = 1}})
      .status();
}

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

}  // namespace ledgerd::integration
