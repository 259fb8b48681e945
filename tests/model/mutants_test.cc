// The comparison can fail: ledgers with one small fault each, in what they see,
// in what they store, or in what they answer, and every one is found out.
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "proto/system_limits.h"
#include "storage/state_query.h"
#include "tests/model/checker.h"
#include "tests/model/coverage.h"
#include "tests/model/forwarding_view.h"
#include "tests/model/stores.h"
#include "tests/model/world.h"

namespace ledgerd::model {
namespace {

constexpr size_t kWorlds = 100;

// ---- ledgers that see or change their state wrongly

class LosesFailedIds final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void KeepFailedId(TransferId, TransferStatus) override {}
};

class KeepsAnotherReason final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void KeepFailedId(TransferId id, TransferStatus status) override {
    ForwardingView::KeepFailedId(id, status == TransferStatus::kExceedsCredits
                                         ? TransferStatus::kExceedsDebits
                                         : status);
  }
};

class AddsToABalance final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void UpdateAccount(const Account* account, const Account& next) override {
    Account changed = next;
    if (next.credits_posted > account->credits_posted) {
      changed.credits_posted = next.credits_posted.Next();
    }
    ForwardingView::UpdateAccount(account, changed);
  }
};

class NeverCloses final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void UpdateAccount(const Account* account, const Account& next) override {
    Account changed = next;
    changed.flags = account->flags;
    ForwardingView::UpdateAccount(account, changed);
  }
};

class ExpiresLate final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  std::vector<TransferId> FindDue(Timestamp now, size_t limit) override {
    return ForwardingView::FindDue(Timestamp(now.value() - kNanosPerSecond / 4),
                                   limit);
  }
};

class ExpiresAllButOne final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  std::vector<TransferId> FindDue(Timestamp now, size_t limit) override {
    std::vector<TransferId> due = ForwardingView::FindDue(now, limit);
    if (due.size() > 1) due.pop_back();
    return due;
  }
};

class MistakesVoidForPost final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void SetPendingState(const Transfer& pending, PendingState state) override {
    ForwardingView::SetPendingState(pending, state == PendingState::kVoided
                                                 ? PendingState::kPosted
                                                 : state);
  }
};

class MistakesPostForVoid final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void SetPendingState(const Transfer& pending, PendingState state) override {
    ForwardingView::SetPendingState(pending, state == PendingState::kPosted
                                                 ? PendingState::kVoided
                                                 : state);
  }
};

class ForgetsTheTimeout final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void InsertTransfer(const Transfer& transfer) override {
    Transfer changed = transfer;
    changed.timeout_seconds = 0;
    ForwardingView::InsertTransfer(changed);
  }
};

class UndoesTooManyEvents final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void UndoEvents(const storage::EventMark&) override {
    ForwardingView::UndoEvents({});
  }
};

class TellsNothingOfExpiry final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void AppendEvent(const storage::Event& event) override {
    if (event.type == storage::EventType::kTwoPhaseExpired) return;
    ForwardingView::AppendEvent(event);
  }
};

class TellsOldBalances final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void AppendEvent(const storage::Event& event) override {
    storage::Event told = event;
    if (told.type == storage::EventType::kTwoPhasePosted) {
      told.credit.credits_posted = Amount(0);
    }
    ForwardingView::AppendEvent(told);
  }
};

class MissesTimestampsOfAccounts final : public ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  bool HasAccountAt(Timestamp) override { return false; }
};

// ---- ledgers that answer wrongly

using ChangeAnswers = std::function<void(EntryResult&)>;

// Changes the answers to transfers that ended with `status`.
ChangeAnswers Of(TransferStatus status,
                 const std::function<void(TransferResult&)>& change) {
  return [=](EntryResult& result) {
    for (TransferResult& each : result.transfers) {
      if (each.status == status) change(each);
    }
  };
}

ChangeAnswers Of(AccountStatus status,
                 const std::function<void(AccountResult&)>& change) {
  return [=](EntryResult& result) {
    for (AccountResult& each : result.accounts) {
      if (each.status == status) change(each);
    }
  };
}

// ---- ledgers that find too much or too little

// Something that a query can ask for.
struct FilterPart {
  std::string name;
  std::function<bool(const storage::AccountFilter&)> is_set;
  std::function<void(storage::AccountFilter&)> forget;
};

template <typename Value>
FilterPart PartOf(std::string name, Value storage::QueryFilter::*field) {
  const Value unset = storage::QueryFilter{}.*field;
  return {.name = std::move(name),
          .is_set = [=](const auto& f) { return f.rest.*field != unset; },
          .forget = [=](auto& f) { f.rest.*field = unset; }};
}

FilterPart SideOf(std::string name, bool storage::AccountFilter::*other) {
  return {.name = std::move(name),
          .is_set = [=](const auto& f) { return !(f.*other); },
          .forget = [=](auto& f) { f.*other = true; }};
}

std::vector<FilterPart> PartsOf(Query query) {
  using Filter = storage::QueryFilter;
  std::vector<FilterPart> parts = {
      PartOf("UserData128", &Filter::user_data_128),
      PartOf("UserData64", &Filter::user_data_64),
      PartOf("UserData32", &Filter::user_data_32),
      PartOf("Code", &Filter::code),
      PartOf("TimestampMin", &Filter::timestamp_min),
      PartOf("TimestampMax", &Filter::timestamp_max),
      PartOf("Reversed", &Filter::reversed),
      {.name = "Limit",
       .is_set = [](const auto& f) { return f.rest.limit < kMaxBatchSize; },
       .forget = [](auto& f) { f.rest.limit = kMaxBatchSize; }},
  };
  if (query == Query::kAccounts || query == Query::kTransfers) {
    parts.push_back(PartOf("Ledger", &Filter::ledger));
  } else {
    parts.push_back(SideOf("Debits", &storage::AccountFilter::credits));
    parts.push_back(SideOf("Credits", &storage::AccountFilter::debits));
  }
  return parts;
}

template <typename Row>
void LoseAHit(std::vector<Row>& rows) {
  if (rows.empty()) return;
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2));
}

void LoseAHit(storage::Found<Transfer>& found) {
  LoseAHit(found.rows);
  LoseAHit(found.pending_states);
}

// ---- the table

struct Mutant {
  std::string name;
  // One of these.
  std::function<std::unique_ptr<ForwardingView>(storage::StateView&)> view;
  ChangeAnswers answers;
  std::function<void(std::vector<Account>&)> accounts;
  std::function<void(storage::Found<Transfer>&)> transfers;
  // Of queries of one kind that ask for this part: it is not looked at, or a
  // row of what is found is lost.
  std::optional<Query> query;
  FilterPart part;
  bool loses_a_hit = false;
  Uint128 hash_error = 0;
  uint64_t expiry_error = 0;
  // Whether a client could notice: then the answers alone must tell.
  bool shows_in_answers = false;
};

template <typename View>
Mutant ViewMutant(std::string name, bool shows_in_answers) {
  Mutant mutant{.name = std::move(name)};
  mutant.view = [](storage::StateView& view) {
    return std::make_unique<View>(view);
  };
  mutant.shows_in_answers = shows_in_answers;
  return mutant;
}

Mutant AnswerMutant(std::string name, ChangeAnswers answers) {
  Mutant mutant{.name = std::move(name), .answers = std::move(answers)};
  mutant.shows_in_answers = true;
  return mutant;
}

class MutantLedger final : public LedgerInMemory {
 public:
  explicit MutantLedger(const Mutant& mutant)
      : LedgerInMemory(/*cold=*/false), mutant_(mutant) {}

  EntryResult Apply(const Entry& entry) override {
    EntryResult result = LedgerInMemory::Apply(entry);
    if (mutant_.answers) mutant_.answers(result);
    return result;
  }

  Uint128 StateHash() override {
    return LedgerInMemory::StateHash() + mutant_.hash_error;
  }

  Timestamp NextExpiry() override {
    return Timestamp(LedgerInMemory::NextExpiry().value() +
                     mutant_.expiry_error);
  }

  std::vector<Account> Accounts(std::vector<AccountId> ids) override {
    std::vector<Account> rows = LedgerInMemory::Accounts(std::move(ids));
    if (mutant_.accounts) mutant_.accounts(rows);
    return rows;
  }

  storage::Found<Transfer> Transfers(std::vector<TransferId> ids) override {
    storage::Found<Transfer> found = LedgerInMemory::Transfers(std::move(ids));
    if (mutant_.transfers) mutant_.transfers(found);
    return found;
  }

  std::vector<Account> QueryAccounts(
      const storage::QueryFilter& filter) override {
    return Find(Query::kAccounts, {.rest = filter}, [&](const auto& changed) {
      return LedgerInMemory::QueryAccounts(changed.rest);
    });
  }

  storage::Found<Transfer> QueryTransfers(
      const storage::QueryFilter& filter) override {
    return Find(Query::kTransfers, {.rest = filter}, [&](const auto& changed) {
      return LedgerInMemory::QueryTransfers(changed.rest);
    });
  }

  storage::Found<Transfer> AccountTransfers(
      const storage::AccountFilter& filter) override {
    return Find(Query::kAccountTransfers, filter, [&](const auto& changed) {
      return LedgerInMemory::AccountTransfers(changed);
    });
  }

  std::vector<storage::AccountBalances> Balances(
      const storage::AccountFilter& filter) override {
    return Find(Query::kBalances, filter, [&](const auto& changed) {
      return LedgerInMemory::Balances(changed);
    });
  }

 protected:
  storage::StateView& View() override {
    storage::StateView& real = LedgerInMemory::View();
    if (!mutant_.view) return real;
    view_ = mutant_.view(real);
    return *view_;
  }

 private:
  template <typename Really>
  std::invoke_result_t<Really, storage::AccountFilter> Find(
      Query query, storage::AccountFilter filter, const Really& really) {
    const bool at_fault = mutant_.query == query && mutant_.part.is_set(filter);
    if (at_fault && !mutant_.loses_a_hit) mutant_.part.forget(filter);
    auto found = really(filter);
    if (at_fault && mutant_.loses_a_hit) LoseAHit(found);
    return found;
  }

  const Mutant& mutant_;
  std::unique_ptr<ForwardingView> view_;
};

std::vector<Mutant> ViewMutants() {
  return {
      ViewMutant<LosesFailedIds>("LosesFailedIds", true),
      ViewMutant<KeepsAnotherReason>("KeepsAnotherReason", true),
      ViewMutant<AddsToABalance>("AddsToABalance", true),
      ViewMutant<NeverCloses>("NeverCloses", true),
      ViewMutant<ExpiresLate>("ExpiresLate", true),
      ViewMutant<ExpiresAllButOne>("ExpiresAllButOne", true),
      ViewMutant<MistakesVoidForPost>("MistakesVoidForPost", true),
      ViewMutant<MistakesPostForVoid>("MistakesPostForVoid", true),
      ViewMutant<ForgetsTheTimeout>("ForgetsTheTimeout", true),
      ViewMutant<MissesTimestampsOfAccounts>("MissesTimestampsOfAccounts",
                                             true),
  };
}

std::vector<Mutant> AnswerMutants() {
  using A = AccountStatus;
  using T = TransferStatus;
  return {
      AnswerMutant("CreatedForExists",
                   Of(T::kExists, [](auto& r) { r.status = T::kCreated; })),
      AnswerMutant(
          "CreatedForExceeds",
          Of(T::kExceedsDebits, [](auto& r) { r.status = T::kCreated; })),
      AnswerMutant(
          "AnotherAmount",
          Of(T::kCreated, [](auto& r) { r.amount = r.amount.Next(); })),
      AnswerMutant("AmountNotMarked",
                   Of(T::kCreated, [](auto& r) { r.amount_differs = false; })),
      AnswerMutant(
          "AnotherTimestamp",
          Of(T::kExists, [](auto& r) { r.timestamp = r.timestamp.Next(); })),
      AnswerMutant("NoOriginalStatus",
                   Of(T::kIdAlreadyFailed,
                      [](auto& r) { r.original_status = T::kUnspecified; })),
      AnswerMutant("AccountExistsAsCreated",
                   Of(A::kExists, [](auto& r) { r.status = A::kCreated; })),
      AnswerMutant(
          "AccountAnotherTimestamp",
          Of(A::kCreated, [](auto& r) { r.timestamp = r.timestamp.Next(); })),
      AnswerMutant("AnAnswerLess",
                   [](EntryResult& result) {
                     if (!result.transfers.empty()) result.transfers.pop_back();
                   }),
      AnswerMutant("AnotherSequence",
                   [](EntryResult& result) {
                     result.sequence = result.sequence.Next();
                   }),
  };
}

std::vector<Mutant> RowMutants() {
  std::vector<Mutant> mutants;
  mutants.push_back(
      {.name = "ABalanceRead", .accounts = [](std::vector<Account>& rows) {
         if (rows.empty()) return;
         rows[0].debits_pending = rows[0].debits_pending.Next();
       }});
  mutants.push_back(
      {.name = "AnAccountLost", .accounts = [](std::vector<Account>& rows) {
         if (rows.size() > 3) rows.pop_back();
       }});
  mutants.push_back({.name = "APendingStateRead",
                     .transfers = [](storage::Found<Transfer>& found) {
                       for (PendingState& state : found.pending_states) {
                         if (state == PendingState::kExpired) {
                           state = PendingState::kVoided;
                         }
                       }
                     }});
  mutants.push_back({.name = "ATransferTwisted",
                     .transfers = [](storage::Found<Transfer>& found) {
                       if (found.rows.empty()) return;
                       Transfer& row = found.rows.back();
                       std::swap(row.debit_account_id, row.credit_account_id);
                     }});
  mutants.push_back({.name = "ATransferHidden",
                     .transfers = [](storage::Found<Transfer>& found) {
                       if (found.rows.size() <= 3) return;
                       found.rows.pop_back();
                       found.pending_states.pop_back();
                     }});
  mutants.push_back({.name = "AnotherHash", .hash_error = 1});
  mutants.push_back({.name = "ExpiryTooLate", .expiry_error = 1});
  return mutants;
}

std::vector<Mutant> EventMutants() {
  return {
      ViewMutant<UndoesTooManyEvents>("UndoesTooManyEvents", false),
      ViewMutant<TellsNothingOfExpiry>("TellsNothingOfExpiry", false),
      ViewMutant<TellsOldBalances>("TellsOldBalances", false),
  };
}

std::vector<Mutant> QueryMutants(Query query) {
  std::vector<Mutant> mutants;
  for (const FilterPart& part : PartsOf(query)) {
    Mutant mutant{.name = "Forgets" + part.name};
    mutant.query = query;
    mutant.part = part;
    mutants.push_back(mutant);
    mutant.name = "LosesAHitOf" + part.name;
    mutant.loses_a_hit = true;
    mutants.push_back(mutant);
  }
  return mutants;
}

std::optional<Failure> FindOut(const MakeSubject& make, Compare compare,
                               bool shrink = false) {
  Coverage coverage;
  for (uint64_t seed = 1; seed <= kWorlds; ++seed) {
    auto failure = RunWorld(
        {.seed = seed, .compare = compare, .shrink = shrink}, make, coverage);
    if (failure) return failure;
  }
  return std::nullopt;
}

void ExpectAllFoundOut(const std::vector<Mutant>& mutants) {
  for (const Mutant& mutant : mutants) {
    SCOPED_TRACE(mutant.name);
    const auto make = [&] { return std::make_unique<MutantLedger>(mutant); };
    const auto failure = FindOut(make, Compare::kEverything);
    EXPECT_TRUE(failure.has_value());
    if (mutant.shows_in_answers) {
      EXPECT_TRUE(FindOut(make, Compare::kAnswers).has_value());
    }
  }
}

TEST(Mutants, ThatChangeTheStateAreFoundOut) {
  ExpectAllFoundOut(ViewMutants());
}

TEST(Mutants, ThatChangeTheAnswersAreFoundOut) {
  ExpectAllFoundOut(AnswerMutants());
}

TEST(Mutants, ThatChangeWhatIsReadAreFoundOut) {
  ExpectAllFoundOut(RowMutants());
}

TEST(Mutants, ThatTellOtherEventsAreFoundOut) {
  ExpectAllFoundOut(EventMutants());
}

TEST(Mutants, ThatMisunderstandQueriesOfAccountsAreFoundOut) {
  ExpectAllFoundOut(QueryMutants(Query::kAccounts));
}

TEST(Mutants, ThatMisunderstandQueriesOfTransfersAreFoundOut) {
  ExpectAllFoundOut(QueryMutants(Query::kTransfers));
}

TEST(Mutants, ThatMisunderstandQueriesOfAnAccountsTransfersAreFoundOut) {
  ExpectAllFoundOut(QueryMutants(Query::kAccountTransfers));
}

TEST(Mutants, ThatMisunderstandQueriesOfAnAccountsBalancesAreFoundOut) {
  ExpectAllFoundOut(QueryMutants(Query::kBalances));
}

TEST(Mutants, WithNothingChangedPass) {
  const Mutant none{.name = "None"};
  Coverage coverage;
  EXPECT_FALSE(RunWorld(
      {}, [&] { return std::make_unique<MutantLedger>(none); }, coverage));
}

TEST(Mutants, AreMadeSmall) {
  const Mutant mutant = ViewMutants().front();
  const auto failure =
      FindOut([&] { return std::make_unique<MutantLedger>(mutant); },
              Compare::kAnswers, /*shrink=*/true);
  ASSERT_TRUE(failure.has_value());
  // An id that fails, and comes again.
  size_t lines = 0;
  for (const char c : failure->text) lines += c == '\n' ? 1 : 0;
  EXPECT_LE(lines, 12u) << failure->text;
}

}  // namespace
}  // namespace ledgerd::model
