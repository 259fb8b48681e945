#include "server/ledger/invariants.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"

namespace ledgerd::server {
namespace {

// Sums are kept modulo 2^128: only their equality is asked for.
struct Sides {
  Uint128 debits_pending = 0;
  Uint128 debits_posted = 0;
  Uint128 credits_pending = 0;
  Uint128 credits_posted = 0;
};

// Everything by id, and what the transfers say that the balances must be.
struct Index {
  std::map<AccountId, const Account*> accounts;
  std::map<TransferId, size_t> transfers;
  std::map<AccountId, Sides> sums;
  // How many transfers post or void the pending one.
  std::map<TransferId, size_t> resolutions;
  // The accounts that a transfer, still pending, has closed.
  std::set<AccountId> closed;
};

bool Has(uint16_t flags, uint16_t bits) { return (flags & bits) != 0; }

bool IsPending(const Transfer& t) {
  return Has(t.flags, transfer_flags::kPending);
}

bool IsPost(const Transfer& t) {
  return Has(t.flags, transfer_flags::kPostPending);
}

bool IsVoid(const Transfer& t) {
  return Has(t.flags, transfer_flags::kVoidPending);
}

std::string At(const Account& account) {
  return absl::StrCat(" (account ", ToString(account.id.value()), ")");
}

std::string At(const Transfer& transfer) {
  return absl::StrCat(" (transfer ", ToString(transfer.id.value()), ")");
}

template <typename Object>
absl::Status Require(bool holds, absl::string_view what, const Object& at) {
  if (holds) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("does not hold: ", what, At(at)));
}

// Each id names one account, each transfer id one transfer; a transfer moves
// between two accounts of its own ledger.
absl::Status IndexObjects(const Books& books, Index& index) {
  for (const Account& a : books.accounts) {
    const bool first = index.accounts.emplace(a.id, &a).second;
    LEDGERD_RETURN_IF_ERROR(Require(first, "an id names one account", a));
  }
  for (size_t i = 0; i < books.transfers.size(); ++i) {
    const Transfer& t = books.transfers[i];
    const bool first = index.transfers.emplace(t.id, i).second;
    LEDGERD_RETURN_IF_ERROR(Require(first, "an id names one transfer", t));
    for (const AccountId id : {t.debit_account_id, t.credit_account_id}) {
      const auto found = index.accounts.find(id);
      const bool right =
          found != index.accounts.end() && found->second->ledger == t.ledger;
      LEDGERD_RETURN_IF_ERROR(
          Require(right, "both accounts exist in the transfer's ledger", t));
    }
  }
  return absl::OkStatus();
}

void SumTransfer(const Transfer& t, PendingState state, Index& index) {
  Sides& debit = index.sums[t.debit_account_id];
  Sides& credit = index.sums[t.credit_account_id];
  if (state == PendingState::kPending) {
    debit.debits_pending += t.amount.value();
    credit.credits_pending += t.amount.value();
    if (Has(t.flags, transfer_flags::kClosingDebit)) {
      index.closed.insert(t.debit_account_id);
    }
    if (Has(t.flags, transfer_flags::kClosingCredit)) {
      index.closed.insert(t.credit_account_id);
    }
  }
  if (!IsPending(t) && !IsVoid(t)) {
    debit.debits_posted += t.amount.value();
    credit.credits_posted += t.amount.value();
  }
  if (IsPost(t) || IsVoid(t)) ++index.resolutions[t.pending_id];
}

// 1. Per ledger: sum of debits_posted = sum of credits_posted; the same for
// pending.
absl::Status CheckLedgers(const Books& books) {
  std::map<uint32_t, Sides> ledgers;
  for (const Account& a : books.accounts) {
    Sides& sum = ledgers[a.ledger];
    sum.debits_pending += a.debits_pending.value();
    sum.debits_posted += a.debits_posted.value();
    sum.credits_pending += a.credits_pending.value();
    sum.credits_posted += a.credits_posted.value();
  }
  for (const auto& [ledger, sum] : ledgers) {
    if (sum.debits_posted != sum.credits_posted ||
        sum.debits_pending != sum.credits_pending) {
      return absl::DataLossError(absl::StrCat(
          "does not hold: what was debited is what was credited (ledger ",
          ledger, ")"));
    }
  }
  return absl::OkStatus();
}

// 2. Each *_pending is the sum of the still-pending transfers on that side; and
// each *_posted that of the single-phase transfers and posts.
absl::Status CheckBalances(const Account& a, const Index& index) {
  const auto found = index.sums.find(a.id);
  const Sides sums = found == index.sums.end() ? Sides{} : found->second;
  const bool pending = a.debits_pending.value() == sums.debits_pending &&
                       a.credits_pending.value() == sums.credits_pending;
  LEDGERD_RETURN_IF_ERROR(
      Require(pending, "pending balances are the sum of what is pending", a));
  const bool posted = a.debits_posted.value() == sums.debits_posted &&
                      a.credits_posted.value() == sums.credits_posted;
  return Require(posted, "posted balances are the sum of what was posted", a);
}

// 4. Limits hold at every committed point; so does that of 128 bits.
absl::Status CheckLimits(const Account& a) {
  const auto debits =
      CheckedAdd(a.debits_pending.value(), a.debits_posted.value());
  const auto credits =
      CheckedAdd(a.credits_pending.value(), a.credits_posted.value());
  LEDGERD_RETURN_IF_ERROR(Require(debits.has_value() && credits.has_value(),
                                  "pending and posted together fit 128 bits",
                                  a));
  const bool debits_limited =
      Has(a.flags, account_flags::kDebitsMustNotExceedCredits);
  LEDGERD_RETURN_IF_ERROR(
      Require(!debits_limited || *debits <= a.credits_posted.value(),
              "debits do not exceed credits", a));
  const bool credits_limited =
      Has(a.flags, account_flags::kCreditsMustNotExceedDebits);
  return Require(!credits_limited || *credits <= a.debits_posted.value(),
                 "credits do not exceed debits", a);
}

// 7. A closed account changes only by void and expiry: whom a transfer that is
// still pending has closed is closed; who is closed otherwise was created so,
// and has never moved anything.
absl::Status CheckClosed(const Account& a, const Index& index) {
  const bool closed = Has(a.flags, account_flags::kClosed);
  const bool by_transfer = index.closed.contains(a.id);
  LEDGERD_RETURN_IF_ERROR(
      Require(closed || !by_transfer, "a closing transfer closes", a));
  const bool untouched = !index.sums.contains(a.id);
  return Require(!closed || by_transfer || untouched,
                 "an account created closed never moves anything", a);
}

// 5. A pending transfer has at most one resolution, and the state that goes
// with it.
absl::Status CheckResolutions(const Transfer& t, PendingState state,
                              const Index& index) {
  const bool has_state = state != PendingState::kNone;
  LEDGERD_RETURN_IF_ERROR(
      Require(has_state == IsPending(t), "pending transfers have a state", t));
  const auto found = index.resolutions.find(t.id);
  const size_t count = found == index.resolutions.end() ? 0 : found->second;
  const bool resolved =
      state == PendingState::kPosted || state == PendingState::kVoided;
  return Require(count == (resolved ? 1 : 0),
                 "a pending transfer has at most one resolution", t);
}

// 5, from the other side: a post takes at most what was pending, a void all.
absl::Status CheckResolution(const Transfer& t, const Books& books,
                             const Index& index) {
  if (!IsPost(t) && !IsVoid(t)) return absl::OkStatus();
  const auto found = index.transfers.find(t.pending_id);
  LEDGERD_RETURN_IF_ERROR(Require(found != index.transfers.end(),
                                  "a resolution has a pending transfer", t));
  const Transfer& pending = books.transfers[found->second];
  const PendingState state = books.pending_states[found->second];
  const bool fits =
      IsPost(t) ? state == PendingState::kPosted && t.amount <= pending.amount
                : state == PendingState::kVoided && t.amount == pending.amount;
  LEDGERD_RETURN_IF_ERROR(
      Require(fits, "a resolution fits what was pending", t));
  const bool same_accounts = t.debit_account_id == pending.debit_account_id &&
                             t.credit_account_id == pending.credit_account_id &&
                             t.code == pending.code;
  return Require(same_accounts, "a resolution inherits its accounts", t);
}

// 6. Timestamps are unique and increase.
absl::Status CheckTimestamps(const Books& books) {
  std::set<Timestamp> taken;
  for (const Account& a : books.accounts) {
    const bool valid = a.timestamp > Timestamp(0) &&
                       a.timestamp <= kTimestampMax &&
                       taken.insert(a.timestamp).second;
    LEDGERD_RETURN_IF_ERROR(Require(valid, "timestamps are unique", a));
  }
  Timestamp previous;
  for (const Transfer& t : books.transfers) {
    const bool valid = t.timestamp > previous && t.timestamp <= kTimestampMax &&
                       !taken.contains(t.timestamp);
    LEDGERD_RETURN_IF_ERROR(
        Require(valid, "timestamps are unique and increase", t));
    previous = t.timestamp;
  }
  return absl::OkStatus();
}

// 9. An id that ended CREATED, or was kept as failed, never ends otherwise: it
// is never both.
absl::Status CheckFailedIds(const Books& books, const Index& index) {
  for (const FailedId& failed : books.failed_ids) {
    const auto found = index.transfers.find(failed.id);
    if (found == index.transfers.end()) continue;
    return Require(false, "an id that failed never succeeds",
                   books.transfers[found->second]);
  }
  return absl::OkStatus();
}

// An account is immutable but for its balances and the CLOSED bit. 3. Posted
// totals never go down.
absl::Status CheckLaterAccount(const Account& before, const Account& after,
                               bool stayed_closed) {
  Account same = after;
  same.debits_pending = before.debits_pending;
  same.debits_posted = before.debits_posted;
  same.credits_pending = before.credits_pending;
  same.credits_posted = before.credits_posted;
  same.flags ^= (before.flags ^ after.flags) & account_flags::kClosed;
  LEDGERD_RETURN_IF_ERROR(
      Require(same == before, "an account is immutable", before));
  const bool grows = after.debits_posted >= before.debits_posted &&
                     after.credits_posted >= before.credits_posted;
  LEDGERD_RETURN_IF_ERROR(
      Require(grows, "posted totals never go down", before));
  // 7. A closed account changes only by void and expiry.
  const bool only_released = after.debits_posted == before.debits_posted &&
                             after.credits_posted == before.credits_posted &&
                             after.debits_pending <= before.debits_pending &&
                             after.credits_pending <= before.credits_pending;
  return Require(!stayed_closed || only_released,
                 "a closed account changes only by void and expiry", before);
}

// The accounts that a transfer had closed earlier and keeps closed later.
std::set<AccountId> StayedClosed(const Books& earlier, const Books& later) {
  std::set<AccountId> closed;
  for (size_t i = 0; i < earlier.transfers.size(); ++i) {
    if (earlier.pending_states[i] != PendingState::kPending ||
        later.pending_states[i] != PendingState::kPending) {
      continue;
    }
    const Transfer& t = earlier.transfers[i];
    if (Has(t.flags, transfer_flags::kClosingDebit)) {
      closed.insert(t.debit_account_id);
    }
    if (Has(t.flags, transfer_flags::kClosingCredit)) {
      closed.insert(t.credit_account_id);
    }
  }
  return closed;
}

// A transfer is never changed or deleted, and later ones have later timestamps:
// the earlier transfers are the first of the later ones.
// 5. Resolved is resolved.
absl::Status CheckLaterTransfers(const Books& earlier, const Books& later) {
  for (size_t i = 0; i < earlier.transfers.size(); ++i) {
    const Transfer& t = earlier.transfers[i];
    const bool same = i < later.transfers.size() && later.transfers[i] == t;
    LEDGERD_RETURN_IF_ERROR(Require(same, "a transfer is immutable", t));
    const PendingState before = earlier.pending_states[i];
    const bool stays = before == PendingState::kPending
                           ? later.pending_states[i] != PendingState::kNone
                           : later.pending_states[i] == before;
    LEDGERD_RETURN_IF_ERROR(
        Require(stays, "a pending transfer is resolved once", t));
  }
  return absl::OkStatus();
}

absl::Status CheckLaterAccounts(const Books& earlier, const Books& later) {
  std::map<AccountId, const Account*> after;
  for (const Account& a : later.accounts) after.emplace(a.id, &a);
  const std::set<AccountId> stayed_closed = StayedClosed(earlier, later);
  for (const Account& a : earlier.accounts) {
    const auto found = after.find(a.id);
    LEDGERD_RETURN_IF_ERROR(
        Require(found != after.end(), "an account is never deleted", a));
    LEDGERD_RETURN_IF_ERROR(
        CheckLaterAccount(a, *found->second, stayed_closed.contains(a.id)));
  }
  return absl::OkStatus();
}

// 9. What was kept as failed stays so, for the same reason.
absl::Status CheckLaterFailedIds(const Books& earlier, const Books& later) {
  std::map<TransferId, TransferStatus> after;
  for (const FailedId& f : later.failed_ids) after.emplace(f.id, f.status);
  for (const FailedId& failed : earlier.failed_ids) {
    const auto found = after.find(failed.id);
    if (found != after.end() && found->second == failed.status) continue;
    return absl::DataLossError(
        absl::StrCat("does not hold: an id that failed stays failed (transfer ",
                     ToString(failed.id.value()), ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckShape(const Books& books) {
  if (books.pending_states.size() == books.transfers.size()) {
    return absl::OkStatus();
  }
  return absl::DataLossError("does not hold: each transfer has its state");
}

}  // namespace

absl::Status CheckBooks(const Books& books) {
  LEDGERD_RETURN_IF_ERROR(CheckShape(books));
  Index index;
  LEDGERD_RETURN_IF_ERROR(IndexObjects(books, index));
  for (size_t i = 0; i < books.transfers.size(); ++i) {
    SumTransfer(books.transfers[i], books.pending_states[i], index);
  }
  LEDGERD_RETURN_IF_ERROR(CheckTimestamps(books));
  LEDGERD_RETURN_IF_ERROR(CheckLedgers(books));
  for (const Account& a : books.accounts) {
    LEDGERD_RETURN_IF_ERROR(CheckBalances(a, index));
    LEDGERD_RETURN_IF_ERROR(CheckLimits(a));
    LEDGERD_RETURN_IF_ERROR(CheckClosed(a, index));
  }
  for (size_t i = 0; i < books.transfers.size(); ++i) {
    LEDGERD_RETURN_IF_ERROR(
        CheckResolutions(books.transfers[i], books.pending_states[i], index));
    LEDGERD_RETURN_IF_ERROR(CheckResolution(books.transfers[i], books, index));
  }
  return CheckFailedIds(books, index);
}

absl::Status CheckSuccession(const Books& earlier, const Books& later) {
  LEDGERD_RETURN_IF_ERROR(CheckShape(earlier));
  LEDGERD_RETURN_IF_ERROR(CheckShape(later));
  LEDGERD_RETURN_IF_ERROR(CheckLaterTransfers(earlier, later));
  LEDGERD_RETURN_IF_ERROR(CheckLaterAccounts(earlier, later));
  return CheckLaterFailedIds(earlier, later);
}

}  // namespace ledgerd::server
