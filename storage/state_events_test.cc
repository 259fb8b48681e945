// What every StateStore does with events, simulated or real: nothing is missing
// or doubled, wherever they are on their way to the disk.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/errors.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

constexpr EventLimits kKeepLittle = {.age_seconds = 0, .bytes = 3000};

uint64_t Seed() {
  if (const char* seed = std::getenv("LEDGERD_SEED")) {
    return std::strtoull(seed, nullptr, 10);
  }
  return std::random_device()();
}

std::vector<StoreKind> KindsThatDrop() {
  return {
      {"Memory",
       [] {
         return std::make_unique<TestedMemoryStore>(
             MemoryStateStore::Options{.cold = true, .events = kKeepLittle});
       }},
      {"RocksDb", [] {
         RocksDbStateStore::Options options = TinyStateOptions();
         options.events = kKeepLittle;
         options.rows.event_bytes_per_row = 200;
         return std::make_unique<TestedRocksDbStore>(options);
       }}};
}

// A small ledger over a store, and what its events have to be.
class EventWorld {
 public:
  using Expected = std::map<Sequence, std::vector<WatchedEvent>>;

  EventWorld(std::unique_ptr<TestedStore> tested, uint64_t seed)
      : random(seed), tested_(std::move(tested)), applier_(*tested_) {
    CreateAccount(1, account_flags::kHistory);
    CreateAccount(2, 0);
    // So that a crash does not take them away.
    LEDGERD_CHECK_OK(Checkpoint());
  }

  StateStore& store() { return tested_->get(); }

  TestedStore& tested() { return *tested_; }

  const Expected& expected() const { return expected_; }

  // Entries with events, also those that a crash has taken away.
  size_t made() const { return made_count_; }

  void CreateAccount(uint64_t id, uint16_t flags) {
    Account account;
    account.id = AccountId(id);
    account.ledger = 1;
    account.code = 7;
    account.user_data_64 = id * 3;
    account.flags = flags;
    account.timestamp = NextTime();
    Apply({.accounts = {account.id}}, [&](StateView& view) {
      view.InsertAccount(account);
      view.AppendEvent(
          {.timestamp = account.timestamp, .debit = EventSideOf(account)});
      made_.push_back({.type = EventType::kAccountCreated,
                       .timestamp = account.timestamp,
                       .debit = account});
    });
  }

  // One entry. `undo` are appended after the first half, and undone.
  void CreateTransfers(size_t count, size_t undo = 0) {
    const uint64_t first = next_id_;
    next_id_ += count + undo;
    Needs needs = {.accounts = {AccountId(1), AccountId(2)}};
    for (uint64_t id = first; id < next_id_; ++id) {
      needs.transfers.emplace_back(id);
    }
    Apply(needs, [&](StateView& view) {
      uint64_t id = first;
      Timestamp at = NextTime();
      for (size_t i = 0; i < count; ++i) {
        if (i == count / 2) Undone(view, first + count, undo, at);
        CreateTransfer(view, id++, at);
        at = at.Next();
      }
    });
  }

  void Nothing() {
    Apply({}, [](StateView&) {});
  }

  absl::Status Checkpoint() { return applier_.Checkpoint(); }

  void Crash() {
    tested_->Crash();
    const Sequence applied = store().applied().entry.sequence;
    expected_.erase(expected_.upper_bound(applied), expected_.end());
  }

  // All events that are kept from `from` on, in pieces of `limit`, each of
  // which is begun and finished while nothing changes.
  absl::StatusOr<Expected> Read(EventPosition from, size_t limit) {
    Expected read;
    const EventPosition end = {store().applied().entry.sequence.Next(), 0};
    bool more = from.index > 0;
    while (from < end) {
      auto found = store().ReadEvents(from, limit)->Finish();
      if (!found.ok()) return found.status();
      size_t count = 0;
      for (EntryEvents& entry : found->entries) {
        EXPECT_EQ(read.contains(entry.sequence), more) << entry.sequence;
        count += entry.events.size();
        auto& events = read[entry.sequence];
        events.insert(events.end(), entry.events.begin(), entry.events.end());
        more = entry.more;
      }
      EXPECT_LE(count, limit);
      EXPECT_LT(from, found->next);
      from = found->next;
    }
    EXPECT_FALSE(more);
    EXPECT_EQ(from, end);
    return read;
  }

  // Reads from some place, and compares with what has to be there.
  void Check() {
    const Sequence oldest = store().oldest_event();
    const uint64_t applied = store().applied().entry.sequence.value();
    const Sequence from(oldest.value() +
                        random() % (applied + 2 - oldest.value()));
    const bool all = random() % 4 == 0;
    const auto read = Read({all ? Sequence(0) : from, 0}, 1 + random() % 20);
    ASSERT_TRUE(read.ok()) << read.status();
    const Expected expected(expected_.lower_bound(all ? oldest : from),
                            expected_.end());
    ASSERT_TRUE(*read == expected) << "from " << from;
  }

  // Compares the history of both accounts, which is never dropped.
  void CheckHistory() {
    AccountFilter filter = {.account_id = AccountId(2)};
    filter.rest.limit = 10;
    EXPECT_TRUE(ReadHistory(filter).empty());
    filter.account_id = AccountId(1);
    filter.rest.reversed = random() % 2 == 0;
    filter.rest.limit = 1 + static_cast<uint32_t>(random() % 300);
    const uint64_t now = store().applied().timestamp.value();
    if (random() % 2 == 0) {
      filter.rest.timestamp_min = Timestamp(1 + random() % now);
    }
    if (random() % 2 == 0) {
      filter.rest.timestamp_max = Timestamp(1 + random() % now);
    }
    ASSERT_TRUE(ReadHistory(filter) == ExpectedHistory(filter.rest));
  }

  std::mt19937_64 random;

 private:
  std::vector<AccountBalances> ReadHistory(const AccountFilter& filter) {
    auto found = store().GetAccountBalances(filter)->Finish();
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->rows : std::vector<AccountBalances>();
  }

  // Of account 1, which all transfers debit.
  std::vector<AccountBalances> ExpectedHistory(const QueryFilter& filter) {
    std::vector<AccountBalances> history;
    for (const auto& [sequence, events] : expected_) {
      for (const WatchedEvent& event : events) {
        if (event.type == EventType::kAccountCreated ||
            event.timestamp < filter.timestamp_min ||
            event.timestamp > filter.timestamp_max) {
          continue;
        }
        history.push_back({.debits_posted = event.debit.debits_posted,
                           .timestamp = event.transfer.timestamp});
      }
    }
    if (filter.reversed) std::reverse(history.begin(), history.end());
    if (history.size() > filter.limit) history.resize(filter.limit);
    return history;
  }

  Timestamp NextTime() {
    return Timestamp(store().applied().timestamp.value() + 1);
  }

  void Apply(const Needs& needs,
             const std::function<void(StateView&)>& change) {
    made_.clear();
    applier_.Apply(needs, change);
    if (made_.empty()) return;
    expected_[store().applied().entry.sequence] = made_;
    ++made_count_;
  }

  // Moves the balances; returns what is told of it.
  WatchedEvent Move(StateView& view, const Transfer& transfer) {
    const Account* debit = view.FindAccount(AccountId(1));
    const Account* credit = view.FindAccount(AccountId(2));
    Account next_debit = *debit;
    Account next_credit = *credit;
    next_debit.debits_posted =
        Amount(debit->debits_posted.value() + transfer.amount.value());
    next_credit.credits_posted =
        Amount(credit->credits_posted.value() + transfer.amount.value());
    view.InsertTransfer(transfer);
    view.UpdateAccount(debit, next_debit);
    view.UpdateAccount(credit, next_credit);
    view.AppendEvent({.type = EventType::kSinglePhase,
                      .timestamp = transfer.timestamp,
                      .transfer = transfer.timestamp,
                      .debit = EventSideOf(next_debit),
                      .credit = EventSideOf(next_credit)});
    return {.type = EventType::kSinglePhase,
            .timestamp = transfer.timestamp,
            .transfer = transfer,
            .debit = next_debit,
            .credit = next_credit};
  }

  static Transfer MakeTransfer(uint64_t id, Timestamp at) {
    Transfer transfer;
    transfer.id = TransferId(id);
    transfer.debit_account_id = AccountId(1);
    transfer.credit_account_id = AccountId(2);
    transfer.amount = Amount(id % 1000 + 1);
    transfer.user_data_64 = id;
    transfer.ledger = 1;
    transfer.code = 7;
    transfer.timestamp = at;
    return transfer;
  }

  void CreateTransfer(StateView& view, uint64_t id, Timestamp at) {
    made_.push_back(Move(view, MakeTransfer(id, at)));
  }

  void Undone(StateView& view, uint64_t id, size_t count, Timestamp at) {
    const EventMark mark = view.MarkEvents();
    const Account debit = *view.FindAccount(AccountId(1));
    const Account credit = *view.FindAccount(AccountId(2));
    std::vector<Timestamp> newest;
    for (size_t i = 0; i < count; ++i) {
      newest.push_back(view.newest_transfer_timestamp());
      Move(view, MakeTransfer(id + i, Timestamp(at.value() + i)));
    }
    for (size_t i = count; i > 0; --i) {
      view.UndoInsertTransfer(TransferId(id + i - 1), newest[i - 1]);
    }
    view.UpdateAccount(view.FindAccount(AccountId(1)), debit);
    view.UpdateAccount(view.FindAccount(AccountId(2)), credit);
    view.UndoEvents(mark);
  }

  std::unique_ptr<TestedStore> tested_;
  EntryApplier applier_;
  Expected expected_;
  std::vector<WatchedEvent> made_;
  size_t made_count_ = 0;
  uint64_t next_id_ = 1;
};

class StateEventsTest : public testing::TestWithParam<StoreKind> {};

TEST_P(StateEventsTest, NothingIsMissingOrDoubledOnTheWayToTheDisk) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("LEDGERD_SEED=" + std::to_string(seed));
  EventWorld world(GetParam().make(), seed);
  bool frozen = false;
  bool written = false;
  for (int step = 0; step < 250 && !testing::Test::HasFailure(); ++step) {
    switch (world.random() % 10) {
      case 0:
        world.CreateAccount(100 + static_cast<uint64_t>(step),
                            account_flags::kHistory);
        break;
      case 1:
        world.Nothing();
        break;
      case 2:
        world.CreateTransfers(world.random() % 40, world.random() % 4);
        break;
      case 3:
        if (!frozen) {
          world.store().Freeze();
          frozen = true;
        } else if (!written) {
          ASSERT_TRUE(world.store().WriteCheckpoint().ok());
          written = true;
        } else {
          world.store().FinishCheckpoint();
          frozen = written = false;
        }
        break;
      case 4:
        if (world.random() % 4 == 0) {
          world.Crash();
          frozen = written = false;
        }
        break;
      default:
        world.CreateTransfers(1 + world.random() % 3);
    }
    world.Check();
    world.CheckHistory();
  }
  // Whatever crashes took away.
  EXPECT_GT(world.made(), 100u);
}

TEST_P(StateEventsTest, AReadSeesWhatWasAppliedWhenItBegan) {
  EventWorld world(GetParam().make(), 1);
  world.CreateTransfers(3);
  const auto read = world.store().ReadEvents({}, 1000);
  world.CreateAccount(3, 0);
  world.CreateTransfers(5);
  ASSERT_TRUE(world.Checkpoint().ok());
  world.CreateTransfers(2);
  ASSERT_TRUE(world.Checkpoint().ok());
  const auto found = read->Finish();
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->entries.size(), 3u);
  EXPECT_EQ(found->entries.back().sequence, Sequence(3));
  EXPECT_EQ(found->entries.back().events.size(), 3u);
  EXPECT_EQ(found->next, (EventPosition{Sequence(4), 0}));
}

TEST_P(StateEventsTest, GoesOnInTheMiddleOfAnEntry) {
  EventWorld world(GetParam().make(), 1);
  world.CreateTransfers(10);
  for (int stage = 0; stage < 2; ++stage) {
    const auto first = world.store().ReadEvents({Sequence(3), 0}, 4)->Finish();
    ASSERT_TRUE(first.ok());
    ASSERT_EQ(first->entries.size(), 1u);
    EXPECT_TRUE(first->entries[0].more);
    EXPECT_EQ(first->next, (EventPosition{Sequence(3), 4}));
    const auto rest = world.store().ReadEvents(first->next, 6)->Finish();
    ASSERT_TRUE(rest.ok());
    ASSERT_EQ(rest->entries.size(), 1u);
    EXPECT_EQ(rest->entries[0].events.size(), 6u);
    EXPECT_FALSE(rest->entries[0].more);
    EXPECT_EQ(rest->entries[0].events.front().transfer.id, TransferId(5));
    ASSERT_TRUE(world.Checkpoint().ok());
  }
}

TEST_P(StateEventsTest, APositionBeyondTheEndIsWhereItGoesOn) {
  EventWorld world(GetParam().make(), 1);
  const auto found = world.store().ReadEvents({Sequence(9), 0}, 4)->Finish();
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->entries.empty());
  EXPECT_EQ(found->next, (EventPosition{Sequence(9), 0}));
}

INSTANTIATE_TEST_SUITE_P(Stores, StateEventsTest,
                         testing::ValuesIn(AllStoreKinds()),
                         [](const auto& kind) { return kind.param.name; });

class DroppedEventsTest : public testing::TestWithParam<StoreKind> {};

TEST_P(DroppedEventsTest, OldRunsAreDroppedAndTheRestIsWhole) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("LEDGERD_SEED=" + std::to_string(seed));
  EventWorld world(GetParam().make(), seed);
  for (int step = 0; step < 60 && !testing::Test::HasFailure(); ++step) {
    world.CreateTransfers(1 + world.random() % 30);
    if (world.random() % 2 == 0) {
      ASSERT_TRUE(world.Checkpoint().ok());
    }
    if (world.random() % 8 == 0) world.Crash();
    world.Check();
    world.CheckHistory();
  }
  const Sequence oldest = world.store().oldest_event();
  EXPECT_GT(oldest, Sequence(10));
  const auto gone =
      world.store().ReadEvents({Sequence(oldest.value() - 1), 0}, 10)->Finish();
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(gone.status()), Reason::kCompacted);
  const auto all = world.Read({}, 100);
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(*all == EventWorld::Expected(world.expected().lower_bound(oldest),
                                           world.expected().end()));
  // About what is to be kept, not all that there was.
  EXPECT_LT(all->size(), world.expected().size());
}

TEST_P(DroppedEventsTest, NotUnderAReader) {
  EventWorld world(GetParam().make(), 1);
  world.CreateTransfers(50);
  ASSERT_TRUE(world.Checkpoint().ok());
  const auto read = world.store().ReadEvents({}, 1000);
  while (world.store().oldest_event() < Sequence(4)) {
    world.CreateTransfers(30);
    ASSERT_TRUE(world.Checkpoint().ok());
  }
  if (auto* real = dynamic_cast<TestedRocksDbStore*>(&world.tested())) {
    real->rocksdb().WaitForMerges();
  }
  const auto found = read->Finish();
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_FALSE(found->entries.empty());
  EXPECT_TRUE(found->entries.back().events == world.expected().at(Sequence(3)));
}

INSTANTIATE_TEST_SUITE_P(Stores, DroppedEventsTest,
                         testing::ValuesIn(KindsThatDrop()),
                         [](const auto& kind) { return kind.param.name; });

TEST(EventRuns, AreDroppedWhenOldAndMuchIsNewer) {
  constexpr uint64_t kSecond = kNanosPerSecond;
  const EventRuns runs = {
      {Sequence(1), Sequence(5), Timestamp(10 * kSecond), 100},
      {Sequence(6), Sequence(9), Timestamp(20 * kSecond), 100},
      {Sequence(10), Sequence(12), Timestamp(30 * kSecond), 100}};
  const EventLimits limits = {.age_seconds = 5, .bytes = 150};
  EXPECT_EQ(CountToDrop(runs, limits, Timestamp(31 * kSecond)), 1u);
  EXPECT_EQ(CountToDrop(runs, limits, Timestamp(14 * kSecond)), 0u);
  EXPECT_EQ(CountToDrop(runs, {.age_seconds = 5, .bytes = 100},
                        Timestamp(31 * kSecond)),
            2u);
  EXPECT_EQ(CountToDrop(runs, {.age_seconds = 5, .bytes = 250},
                        Timestamp(31 * kSecond)),
            0u);
  // Never the newest.
  EXPECT_EQ(CountToDrop(runs, {.age_seconds = 0, .bytes = 0},
                        Timestamp(99 * kSecond)),
            2u);
  EXPECT_EQ(CountToDrop({}, limits, Timestamp(1)), 0u);
}

}  // namespace
}  // namespace ledgerd::storage
