#include "storage/rocksdb_state_store.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "storage/lateness.h"
#include "storage/state_query.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_operations.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

// The seeds of this run: 8 fixed ones, or LEDGERD_SEED alone.
std::vector<uint64_t> Seeds() {
  if (const char* seed = std::getenv("LEDGERD_SEED")) {
    return {std::strtoull(seed, nullptr, 10)};
  }
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= 8; ++seed) seeds.push_back(seed);
  return seeds;
}

// The memory store as the model of the RocksDB store, step by step.
class Comparison {
 public:
  explicit Comparison(uint64_t seed)
      : operations_(seed, {.random_ids = seed % 2 == 0}),
        tested_(TinyStateOptions()),
        applier_(tested_),
        model_applier_(model_) {}

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      Step();
    }
    FinishQueries();
    tested_.rocksdb().WaitForMerges();
    EXPECT_TRUE(tested_.get().VerifyCheckpoint().ok())
        << tested_.get().VerifyCheckpoint();
  }

  // How many accounts and transfers the queries have found.
  size_t found() const { return found_; }

 private:
  void Step() {
    const uint64_t kind = operations_.Below(20);
    if (kind == 0) return Crash();
    if (kind <= 3) return Advance();
    if (kind <= 5) return CompareLookups();
    if (kind <= 8) return BeginQuery();
    if (kind == 9) return FinishQueries();
    Apply();
  }

  void Apply() {
    const auto entry = operations_.Next(model_.memory.state());
    uint64_t seen = 0;
    uint64_t expected = 0;
    applier_.Apply(entry.needs, [&](StateView& v) { seen = entry.change(v); });
    model_applier_.Apply(entry.needs,
                         [&](StateView& v) { expected = entry.change(v); });
    EXPECT_EQ(seen, expected);
    CompareStates();
  }

  void CompareStates() {
    StateStore& store = tested_.get();
    StateStore& model = model_.get();
    EXPECT_EQ(store.applied(), model.applied());
    EXPECT_TRUE(store.state_hash() == model.state_hash());
    EXPECT_EQ(store.view().newest_account_timestamp(),
              model.view().newest_account_timestamp());
    EXPECT_EQ(store.view().newest_transfer_timestamp(),
              model.view().newest_transfer_timestamp());
    EXPECT_EQ(store.checkpoint(), model.checkpoint());
    if (model.next_expiry() != Timestamp(0)) {
      EXPECT_NE(store.next_expiry(), Timestamp(0));
      EXPECT_LE(store.next_expiry(), model.next_expiry());
    }
  }

  void Crash() {
    FinishQueries();
    tested_.Crash();
    model_.Crash();
    frozen_ = written_ = false;
    CompareStates();
    EXPECT_TRUE(tested_.get().VerifyCheckpoint().ok())
        << tested_.get().VerifyCheckpoint();
  }

  // The next step of a checkpoint.
  void Advance() {
    for (StateStore* store : {&tested_.get(), &model_.get()}) {
      if (!frozen_) {
        store->Freeze();
      } else if (!written_) {
        EXPECT_TRUE(store->WriteCheckpoint().ok());
      } else {
        store->FinishCheckpoint();
      }
    }
    if (written_) {
      frozen_ = written_ = false;
    } else if (frozen_) {
      written_ = true;
    } else {
      frozen_ = true;
    }
    CompareStates();
  }

  void CompareLookups() {
    const auto accounts = operations_.SomeAccounts(10);
    EXPECT_EQ(applier_.LookupAccounts(accounts).rows,
              model_applier_.LookupAccounts(accounts).rows);
    const auto transfers = operations_.SomeTransfers(model_.memory.state(), 10);
    const auto found = applier_.LookupTransfers(transfers);
    const auto expected = model_applier_.LookupTransfers(transfers);
    EXPECT_EQ(found.rows, expected.rows);
    EXPECT_EQ(found.pending_states, expected.pending_states);
  }

  // A query sees the state in which it begins, however much later it ends.
  void BeginQuery() {
    const MemoryState& state = model_.memory.state();
    const uint64_t kind = operations_.Below(3);
    if (kind == 0) {
      const QueryFilter filter = operations_.SomeFilter(state);
      account_queries_.emplace_back(tested_.get().QueryAccounts(filter),
                                    model_applier_.QueryAccounts(filter));
    } else if (kind == 1) {
      const AccountFilter filter = operations_.SomeAccountFilter(state);
      queries_.emplace_back(tested_.get().GetAccountTransfers(filter),
                            model_applier_.GetAccountTransfers(filter));
    } else {
      const QueryFilter filter = operations_.SomeFilter(state);
      queries_.emplace_back(tested_.get().QueryTransfers(filter),
                            model_applier_.QueryTransfers(filter));
    }
  }

  void FinishQueries() {
    for (auto& [query, expected] : queries_) {
      const auto found = query->Finish();
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(found->rows, expected.rows);
      EXPECT_EQ(found->pending_states, expected.pending_states);
      found_ += found->rows.size();
    }
    queries_.clear();
    for (auto& [query, expected] : account_queries_) {
      const auto found = query->Finish();
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(found->rows, expected.rows);
      found_ += found->rows.size();
    }
    account_queries_.clear();
  }

  RandomOperations operations_;
  TestedRocksDbStore tested_;
  TestedMemoryStore model_{{.cold = true}};
  EntryApplier applier_;
  EntryApplier model_applier_;
  bool frozen_ = false;
  bool written_ = false;
  std::vector<std::pair<std::unique_ptr<Lookup<Transfer>>, Found<Transfer>>>
      queries_;
  std::vector<std::pair<std::unique_ptr<Lookup<Account>>, Found<Account>>>
      account_queries_;
  size_t found_ = 0;
};

TEST(RocksDbStateStoreTest, DoesWhatTheModelDoes) {
  size_t found = 0;
  for (const uint64_t seed : Seeds()) {
    SCOPED_TRACE("replay with LEDGERD_SEED=" + std::to_string(seed));
    Comparison comparison(seed);
    comparison.Run(400);
    if (HasFailure()) return;
    found += comparison.found();
  }
  if (Seeds().size() > 1) {
    EXPECT_GT(found, 100u);
  }
}

// Neighbours with nothing in common: what one field has, the other has not.
template <typename Row>
Row NumberedRow(uint64_t n) {
  Row row;
  row.user_data_64 = 1 + n % 2;
  row.code = static_cast<uint16_t>(1 + n % 2);
  row.ledger = 1;
  row.timestamp = Timestamp(n);
  return row;
}

// On the disk and in memory.
void AddRows(EntryApplier& applier, uint64_t rows) {
  for (const bool on_disk : {true, false}) {
    const uint64_t first = on_disk ? 1 : 2 * rows + 1;
    applier.Apply({}, [&](StateView& view) {
      for (uint64_t n = first; n < first + rows; ++n) {
        auto account = NumberedRow<Account>(n);
        account.id = AccountId(n);
        view.InsertAccount(account);
        auto transfer = NumberedRow<Transfer>(n + rows);
        transfer.id = TransferId(n + rows);
        transfer.debit_account_id = transfer.credit_account_id = account.id;
        view.InsertTransfer(transfer);
      }
    });
    if (on_disk) {
      LEDGERD_CHECK_OK(applier.Checkpoint());
    }
  }
}

TEST(LateQueryTest, EndsAtItsDeadline) {
  TestedRocksDbStore tested({});
  EntryApplier applier(tested);
  AddRows(applier, 2 * Lateness::kSteps);
  const QueryFilter filter = {.user_data_64 = 1, .code = 2, .limit = 10};
  const auto expect_late = [](auto query) {
    // The clock moves when it is looked at.
    int now = 0;
    const auto late = query->FinishUnless([&] { return ++now == 2; });
    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    EXPECT_EQ(now, 2);
  };
  const auto expect_none = [](auto query) {
    const auto none = query->Finish();
    ASSERT_TRUE(none.ok()) << none.status();
    EXPECT_TRUE(none->rows.empty());
  };
  expect_late(tested.get().QueryTransfers(filter));
  expect_late(tested.get().QueryAccounts(filter));
  expect_late(tested.get().GetAccountBalances({.rest = filter}));
  expect_none(tested.get().QueryTransfers(filter));
  expect_none(tested.get().QueryAccounts(filter));
}

}  // namespace
}  // namespace ledgerd::storage
