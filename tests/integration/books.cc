#include "tests/integration/books.h"

#include <map>

#include "absl/strings/str_cat.h"

#include "proto/base/uint128.h"

namespace ledgerd::integration {
namespace {

struct Balances {
  Uint128 debits_pending = 0;
  Uint128 debits_posted = 0;
  Uint128 credits_pending = 0;
  Uint128 credits_posted = 0;

  friend bool operator==(const Balances&, const Balances&) = default;
};

Balances BalancesOf(const Account& account) {
  return {.debits_pending = account.debits_pending.value(),
          .debits_posted = account.debits_posted.value(),
          .credits_pending = account.credits_pending.value(),
          .credits_posted = account.credits_posted.value()};
}

std::string Text(const Balances& b) {
  return absl::StrCat("debits ", ToString(b.debits_pending), " pending, ",
                      ToString(b.debits_posted), " posted, credits ",
                      ToString(b.credits_pending), " pending, ",
                      ToString(b.credits_posted), " posted");
}

bool Has(uint16_t flags, uint16_t flag) { return (flags & flag) != 0; }

class BooksChecker {
 public:
  explicit BooksChecker(const FinalState& state) : state_(state) {}

  std::vector<std::string> Check() {
    for (const FoundTransfer& found : state_.transfers) Add(found);
    for (const FoundTransfer& found : state_.transfers) CheckResolution(found);
    for (const Account& account : state_.accounts) CheckAccount(account);
    CheckConservation();
    CheckTimestamps();
    return violations_;
  }

 private:
  void Add(const FoundTransfer& found) {
    const Transfer& transfer = found.transfer;
    Balances& debit = sums_[transfer.debit_account_id];
    Balances& credit = sums_[transfer.credit_account_id];
    if (Has(transfer.flags, transfer_flags::kPending)) {
      if (found.pending_state != PendingState::kPending) return;
      debit.debits_pending += transfer.amount.value();
      credit.credits_pending += transfer.amount.value();
      return;
    }
    if (Has(transfer.flags, transfer_flags::kVoidPending)) {
      voids_[transfer.pending_id]++;
      return;
    }
    if (Has(transfer.flags, transfer_flags::kPostPending)) {
      posts_[transfer.pending_id]++;
    }
    debit.debits_posted += transfer.amount.value();
    credit.credits_posted += transfer.amount.value();
  }

  void CheckResolution(const FoundTransfer& found) {
    const Transfer& transfer = found.transfer;
    const int posts = Count(posts_, transfer.id);
    const int voids = Count(voids_, transfer.id);
    const bool pending = Has(transfer.flags, transfer_flags::kPending);
    const bool right = [&] {
      switch (found.pending_state) {
        case PendingState::kNone:
          return !pending && posts + voids == 0;
        case PendingState::kPending:
          return pending && posts + voids == 0;
        case PendingState::kPosted:
          return pending && posts == 1 && voids == 0;
        case PendingState::kVoided:
          return pending && posts == 0 && voids == 1;
        case PendingState::kExpired:
          return pending && posts + voids == 0 && transfer.timeout_seconds > 0;
      }
      return false;
    }();
    if (right) return;
    Violation("transfer ", ToString(transfer.id.value()), " has pending state ",
              static_cast<int>(found.pending_state), ", flags ", transfer.flags,
              ", ", posts, " posts and ", voids, " voids");
  }

  void CheckAccount(const Account& account) {
    const Balances stated = BalancesOf(account);
    const Balances& summed = sums_[account.id];
    if (stated != summed) {
      Violation("account ", ToString(account.id.value()), " states ",
                Text(stated), "; its transfers make ", Text(summed));
    }
    if (Has(account.flags, account_flags::kDebitsMustNotExceedCredits) &&
        stated.debits_pending + stated.debits_posted > stated.credits_posted) {
      Violation("account ", ToString(account.id.value()),
                " is overdrawn: ", Text(stated));
    }
    if (Has(account.flags, account_flags::kCreditsMustNotExceedDebits) &&
        stated.credits_pending + stated.credits_posted > stated.debits_posted) {
      Violation("account ", ToString(account.id.value()),
                " has more credits than debits: ", Text(stated));
    }
  }

  void CheckConservation() {
    std::map<uint32_t, Balances> totals;
    for (const Account& account : state_.accounts) {
      Balances& total = totals[account.ledger];
      total.debits_pending += account.debits_pending.value();
      total.debits_posted += account.debits_posted.value();
      total.credits_pending += account.credits_pending.value();
      total.credits_posted += account.credits_posted.value();
    }
    for (const auto& [ledger, total] : totals) {
      if (total.debits_pending == total.credits_pending &&
          total.debits_posted == total.credits_posted) {
        continue;
      }
      Violation("ledger ", ledger, " does not balance: ", Text(total));
    }
  }

  void CheckTimestamps() {
    std::map<Timestamp, Uint128> seen;
    const auto check = [&](Timestamp timestamp, Uint128 id) {
      const auto [other, is_new] = seen.emplace(timestamp, id);
      if (is_new) return;
      Violation(ToString(id), " and ", ToString(other->second),
                " have the same timestamp ", timestamp.value());
    };
    for (const Account& account : state_.accounts) {
      check(account.timestamp, account.id.value());
    }
    for (const FoundTransfer& found : state_.transfers) {
      check(found.transfer.timestamp, found.transfer.id.value());
    }
  }

  static int Count(const std::map<TransferId, int>& counts, TransferId id) {
    const auto at = counts.find(id);
    return at == counts.end() ? 0 : at->second;
  }

  template <typename... Parts>
  void Violation(const Parts&... parts) {
    violations_.push_back(absl::StrCat(parts...));
  }

  const FinalState& state_;
  std::map<AccountId, Balances> sums_;
  std::map<TransferId, int> posts_;
  std::map<TransferId, int> voids_;
  std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> CheckBooks(const FinalState& state) {
  return BooksChecker(state).Check();
}

}  // namespace ledgerd::integration
