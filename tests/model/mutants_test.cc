// The proof that the property test can see: ledgers with one small mistake
// each, which the comparison with the naive model must find.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "storage/memory_state_store.h"
#include "tests/model/coverage.h"
#include "tests/model/subject.h"
#include "tests/model/world.h"

namespace ledgerd::model {
namespace {

enum class Mistake {
  kNone,
  kForgetsFailedIds,
  kForgetsPendingStates,
  kLosesOneUnit,
  kAnswersAnotherStatus,
  kAnswersAnotherTimestamp,
  kAnswersAnotherAmount,
  kHidesATransfer,
  kHashesWrong,
};

constexpr Mistake kMistakes[] = {
    Mistake::kForgetsFailedIds,
    Mistake::kForgetsPendingStates,
    Mistake::kLosesOneUnit,
    Mistake::kAnswersAnotherStatus,
    Mistake::kAnswersAnotherTimestamp,
    Mistake::kAnswersAnotherAmount,
    Mistake::kHidesATransfer,
    Mistake::kHashesWrong,
};

// The store's view, except for what `mistake` says.
class MistakenView final : public storage::StateView {
 public:
  MistakenView(storage::StateView& view, Mistake mistake)
      : view_(view), mistake_(mistake) {}

  const Account* FindAccount(AccountId id) override {
    return view_.FindAccount(id);
  }

  void InsertAccount(const Account& account) override {
    view_.InsertAccount(account);
  }

  void UpdateAccount(const Account* account, const Account& next) override {
    Account mistaken = next;
    if (mistake_ == Mistake::kLosesOneUnit &&
        next.credits_posted > account->credits_posted) {
      mistaken.credits_posted = Amount(next.credits_posted.value() - 1);
    }
    view_.UpdateAccount(account, mistaken);
  }

  void UndoInsertAccount(AccountId id, Timestamp newest) override {
    view_.UndoInsertAccount(id, newest);
  }

  storage::TransferIdState FindTransferId(TransferId id) override {
    return view_.FindTransferId(id);
  }

  const Transfer* FindTransfer(TransferId id) override {
    return view_.FindTransfer(id);
  }

  void InsertTransfer(const Transfer& transfer) override {
    view_.InsertTransfer(transfer);
  }

  void UndoInsertTransfer(TransferId id, Timestamp newest) override {
    view_.UndoInsertTransfer(id, newest);
  }

  void KeepFailedId(TransferId id, TransferStatus status) override {
    if (mistake_ != Mistake::kForgetsFailedIds) view_.KeepFailedId(id, status);
  }

  PendingState GetPendingState(const Transfer& pending) override {
    return view_.GetPendingState(pending);
  }

  void SetPendingState(const Transfer& pending, PendingState state) override {
    const bool posts = state == PendingState::kPosted;
    const bool mistaken = mistake_ == Mistake::kForgetsPendingStates && posts;
    view_.SetPendingState(pending, mistaken ? PendingState::kVoided : state);
  }

  std::vector<TransferId> FindDue(Timestamp now, size_t limit) override {
    return view_.FindDue(now, limit);
  }

  Timestamp newest_account_timestamp() const override {
    return view_.newest_account_timestamp();
  }

  Timestamp newest_transfer_timestamp() const override {
    return view_.newest_transfer_timestamp();
  }

  bool HasAccountAt(Timestamp timestamp) override {
    return view_.HasAccountAt(timestamp);
  }

  bool HasTransferAt(Timestamp timestamp) override {
    return view_.HasTransferAt(timestamp);
  }

 private:
  storage::StateView& view_;
  const Mistake mistake_;
};

class Mutant final : public RealLedger {
 public:
  explicit Mutant(Mistake mistake)
      : Mutant(std::make_unique<storage::MemoryStateStore>(), mistake) {}

  EntryResult Apply(const Entry& entry) override {
    EntryResult result = RealLedger::Apply(entry);
    for (TransferResult& each : result.transfers) Spoil(each);
    return result;
  }

  Uint128 StateHash() override {
    const Uint128 wrong = mistake_ == Mistake::kHashesWrong ? 1 : 0;
    return RealLedger::StateHash() + wrong;
  }

  storage::Found<Transfer> Transfers(std::vector<TransferId> ids) override {
    storage::Found<Transfer> found = RealLedger::Transfers(std::move(ids));
    if (mistake_ == Mistake::kHidesATransfer && found.rows.size() > 3) {
      found.rows.pop_back();
      found.pending_states.pop_back();
    }
    return found;
  }

 protected:
  storage::StateView& View() override { return view_; }

 private:
  Mutant(std::unique_ptr<storage::MemoryStateStore> store, Mistake mistake)
      : RealLedger(*store),
        store_(std::move(store)),
        view_(store_->view(), mistake),
        mistake_(mistake) {}

  void Spoil(TransferResult& result) const {
    if (mistake_ == Mistake::kAnswersAnotherStatus &&
        result.status == TransferStatus::kExists) {
      result.status = TransferStatus::kCreated;
    }
    if (mistake_ == Mistake::kAnswersAnotherTimestamp) {
      result.timestamp = result.timestamp.Next();
    }
    if (mistake_ == Mistake::kAnswersAnotherAmount && result.amount_differs) {
      result.amount = result.amount.Next();
    }
  }

  std::unique_ptr<storage::MemoryStateStore> store_;
  MistakenView view_;
  const Mistake mistake_;
};

// Whether any of a few hundred worlds shows the mistake.
bool IsFound(Mistake mistake) {
  Coverage coverage;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    if (RunWorld(
            {.seed = seed, .batches = 40},
            [mistake] { return std::make_unique<Mutant>(mistake); },
            coverage)) {
      return true;
    }
  }
  return false;
}

TEST(MutantsTest, EveryMistakeIsFound) {
  for (const Mistake mistake : kMistakes) {
    EXPECT_TRUE(IsFound(mistake)) << "mistake " << static_cast<int>(mistake);
  }
}

TEST(MutantsTest, NoMistakeIsFoundWhereThereIsNone) {
  Coverage coverage;
  EXPECT_FALSE(RunWorld(
                   {.seed = 1, .batches = 40},
                   [] { return std::make_unique<Mutant>(Mistake::kNone); },
                   coverage)
                   .has_value());
}

}  // namespace
}  // namespace ledgerd::model
