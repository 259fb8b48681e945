#include "tests/model/invariants.h"

#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/model/dump.h"

namespace ledgerd::model {
namespace {

using Verdict = std::optional<std::string>;

// A sum of amounts that cannot overflow.
struct Sum {
  uint64_t carries = 0;
  Uint128 low = 0;

  void Add(Amount amount) {
    low += amount.value();
    if (low < amount.value()) ++carries;
  }

  friend bool operator==(const Sum&, const Sum&) = default;
};

bool Has(uint16_t flags, uint16_t flag) { return (flags & flag) != 0; }

// 1. Per ledger: sum of debits = sum of credits, posted and pending.
Verdict CheckSums(const Rows& rows) {
  struct Sums {
    Sum debits_pending, debits_posted, credits_pending, credits_posted;
  };

  std::map<uint32_t, Sums> ledgers;
  for (const auto& [id, account] : rows.accounts) {
    Sums& sums = ledgers[account.ledger];
    sums.debits_pending.Add(account.debits_pending);
    sums.debits_posted.Add(account.debits_posted);
    sums.credits_pending.Add(account.credits_pending);
    sums.credits_posted.Add(account.credits_posted);
  }
  for (const auto& [ledger, sums] : ledgers) {
    if (!(sums.debits_posted == sums.credits_posted) ||
        !(sums.debits_pending == sums.credits_pending)) {
      return absl::StrCat("rule 1: ledger ", ledger, " does not balance");
    }
  }
  return std::nullopt;
}

// 2. Each *_pending is the sum of the still-pending transfers on that side.
Verdict CheckPendingBalances(const Rows& rows) {
  std::map<AccountId, std::pair<Sum, Sum>> held;
  for (const auto& [id, state] : rows.pending_states) {
    if (state != PendingState::kPending) continue;
    const Transfer& pending = rows.transfers.at(id);
    held[pending.debit_account_id].first.Add(pending.amount);
    held[pending.credit_account_id].second.Add(pending.amount);
  }
  for (const auto& [id, account] : rows.accounts) {
    Sum debits, credits;
    debits.Add(account.debits_pending);
    credits.Add(account.credits_pending);
    if (!(held[id] == std::make_pair(debits, credits))) {
      return absl::StrCat("rule 2: holds do not add up: ", Dump(account));
    }
  }
  return std::nullopt;
}

// 4. Limits hold at every committed point.
Verdict CheckLimits(const Rows& rows) {
  for (const auto& [id, account] : rows.accounts) {
    const auto debits = CheckedAdd(account.debits_pending.value(),
                                   account.debits_posted.value());
    const auto credits = CheckedAdd(account.credits_pending.value(),
                                    account.credits_posted.value());
    if (!debits || !credits) {
      return absl::StrCat("rule 4: a total overflows: ", Dump(account));
    }
    if ((Has(account.flags, account_flags::kDebitsMustNotExceedCredits) &&
         *debits > account.credits_posted.value()) ||
        (Has(account.flags, account_flags::kCreditsMustNotExceedDebits) &&
         *credits > account.debits_posted.value())) {
      return absl::StrCat("rule 4: above its limit: ", Dump(account));
    }
  }
  return std::nullopt;
}

PendingState ResolvedTo(const Transfer& transfer) {
  if (Has(transfer.flags, transfer_flags::kPostPending)) {
    return PendingState::kPosted;
  }
  if (Has(transfer.flags, transfer_flags::kVoidPending)) {
    return PendingState::kVoided;
  }
  return PendingState::kNone;
}

// 5. A pending transfer has at most one resolution, and it is its state.
Verdict CheckResolutions(const Rows& rows) {
  std::map<TransferId, PendingState> resolutions;
  for (const auto& [id, transfer] : rows.transfers) {
    const PendingState to = ResolvedTo(transfer);
    if (to == PendingState::kNone) continue;
    if (!resolutions.emplace(transfer.pending_id, to).second) {
      return absl::StrCat("rule 5: resolved twice: ",
                          Dump(transfer.pending_id.value()));
    }
  }
  for (const auto& [id, state] : rows.pending_states) {
    const auto resolution = resolutions.find(id);
    const bool open =
        state != PendingState::kPosted && state != PendingState::kVoided;
    if (open ? resolution != resolutions.end()
             : resolution == resolutions.end() || resolution->second != state) {
      return absl::StrCat("rule 5: ", Dump(state),
                          " against its resolution: ", Dump(id.value()));
    }
  }
  return std::nullopt;
}

template <typename Map>
Timestamp Newest(const Map& rows) {
  Timestamp newest;
  for (const auto& [id, row] : rows) newest = std::max(newest, row.timestamp);
  return newest;
}

// 6. Timestamps are unique and increase, for what `now` has more than `before`.
template <typename Map>
Verdict CheckTimestamps(const Map& before, const Map& now,
                        std::set<Timestamp>& seen) {
  const Timestamp newest = Newest(before);
  for (const auto& [id, row] : now) {
    const bool fresh = before.find(id) == before.end();
    if (!seen.insert(row.timestamp).second) {
      return absl::StrCat("rule 6: a timestamp twice: ", Dump(row));
    }
    if (fresh && row.timestamp <= newest) {
      return absl::StrCat("rule 6: a timestamp of the past: ", Dump(row));
    }
  }
  return std::nullopt;
}

// Whether the entry itself may change an account that was closed before it.
bool MayChangeClosed(const Step& step, const EntryResult& result,
                     const Rows& rows, AccountId id) {
  if (step.kind == EntryKind::kExpireTransfers) return true;
  for (size_t i = 0; i < result.transfers.size(); ++i) {
    const Transfer& event = step.transfers[i];
    if (result.transfers[i].status != TransferStatus::kCreated) continue;
    const Transfer& stored = rows.transfers.at(event.id);
    if (ResolvedTo(stored) == PendingState::kVoided &&
        (stored.debit_account_id == id || stored.credit_account_id == id)) {
      return true;
    }
  }
  return false;
}

// What never changes of an account.
Account Fixed(Account account) {
  account.debits_pending = account.debits_posted = Amount(0);
  account.credits_pending = account.credits_posted = Amount(0);
  account.flags &= static_cast<uint16_t>(~account_flags::kClosed);
  return account;
}

bool ExistsOrEarlier(TransferStatus status) {
  return status <= TransferStatus::kExists &&
         status != TransferStatus::kCreated;
}

bool IsKept(TransferStatus status) {
  switch (status) {
    case TransferStatus::kDebitAccountNotFound:
    case TransferStatus::kCreditAccountNotFound:
    case TransferStatus::kPendingTransferNotFound:
    case TransferStatus::kExceedsCredits:
    case TransferStatus::kExceedsDebits:
    case TransferStatus::kDebitAccountAlreadyClosed:
    case TransferStatus::kCreditAccountAlreadyClosed:
      return true;
    default:
      return false;
  }
}

// 9. of one answer, after `fate`.
bool AgreesWithFate(TransferStatus fate, const TransferResult& result) {
  if (fate == TransferStatus::kCreated) return ExistsOrEarlier(result.status);
  if (result.status == TransferStatus::kIdAlreadyFailed) {
    return result.original_status == fate;
  }
  return result.status < TransferStatus::kExistsWithDifferentFlags &&
         result.status != TransferStatus::kCreated;
}

}  // namespace

Verdict Invariants::Check(const Step& step, const EntryResult& result,
                          const Rows& rows) {
  std::set<Timestamp> seen;
  for (const Verdict& verdict :
       {CheckSums(rows), CheckPendingBalances(rows), CheckLimits(rows),
        CheckResolutions(rows),
        CheckTimestamps(before_.accounts, rows.accounts, seen),
        CheckTimestamps(before_.transfers, rows.transfers, seen),
        CheckChanges(step, result, rows), CheckFates(step, result)}) {
    if (verdict) return verdict;
  }
  before_ = rows;
  return std::nullopt;
}

// 3. Posted totals never go down. 7. A closed account changes only by void and
// expiry. And: nothing is deleted, nothing immutable changes.
Verdict Invariants::CheckChanges(const Step& step, const EntryResult& result,
                                 const Rows& rows) const {
  for (const auto& [id, was] : before_.accounts) {
    const auto found = rows.accounts.find(id);
    if (found == rows.accounts.end() || Fixed(found->second) != Fixed(was)) {
      return absl::StrCat("an account was lost or changed: ", Dump(was));
    }
    const Account& is = found->second;
    if (is.debits_posted < was.debits_posted ||
        is.credits_posted < was.credits_posted) {
      return absl::StrCat("rule 3: a posted total went down: ", Dump(is));
    }
    if (Has(was.flags, account_flags::kClosed) && !(is == was) &&
        !MayChangeClosed(step, result, rows, id)) {
      return absl::StrCat("rule 7: a closed account changed: ", Dump(is));
    }
  }
  for (const auto& [id, was] : before_.transfers) {
    const auto found = rows.transfers.find(id);
    if (found == rows.transfers.end() || !(found->second == was)) {
      return absl::StrCat("a transfer was lost or changed: ", Dump(was));
    }
    const PendingState state = before_.pending_states.at(id);
    if (state != PendingState::kPending &&
        state != rows.pending_states.at(id)) {
      return absl::StrCat("rule 5: an end was not the end: ", Dump(was));
    }
  }
  return std::nullopt;
}

// 9. An id that ended CREATED, or was kept as failed, never ends otherwise.
Verdict Invariants::CheckFates(const Step& step, const EntryResult& result) {
  for (size_t i = 0; i < result.accounts.size(); ++i) {
    const bool created = result.accounts[i].status == AccountStatus::kCreated;
    if (created &&
        !created_accounts_.emplace(step.accounts[i].id, true).second) {
      return absl::StrCat("rule 9: created twice: ", Dump(step.accounts[i]));
    }
  }
  for (size_t i = 0; i < result.transfers.size(); ++i) {
    const TransferResult& answer = result.transfers[i];
    const TransferId id = step.transfers[i].id;
    const auto fate = fates_.find(id);
    if (fate != fates_.end()) {
      if (!AgreesWithFate(fate->second, answer)) {
        return absl::StrCat("rule 9: after ", Name(fate->second), " now ",
                            Name(answer.status), ": ", Dump(step.transfers[i]));
      }
    } else if (answer.status == TransferStatus::kCreated ||
               IsKept(answer.status)) {
      fates_[id] = answer.status;
    }
  }
  return std::nullopt;
}

}  // namespace ledgerd::model
