// The balances of an account after one of its transfers: kept for ever, for
// accounts with the HISTORY flag.
//
//   delta.history.Append(HistoryRowOf(event.transfer, event.debit));
//
//   std::string row = PackHistory(rows);   // of one account, ascending
//   bool whole = UnpackHistory(first, row, balances);
//
// Source  ledger.md, "Queries", GetAccountBalances; FORMAT.md, "History".
#ifndef LEDGERD_STORAGE_HISTORY_ROW_H_
#define LEDGERD_STORAGE_HISTORY_ROW_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/types.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

struct HistoryRow {
  AccountId account;
  AccountBalances balances;
};

inline HistoryRow HistoryRowOf(Timestamp transfer, const EventSide& side) {
  return {side.account,
          {.debits_pending = side.debits_pending,
           .debits_posted = side.debits_posted,
           .credits_pending = side.credits_pending,
           .credits_posted = side.credits_posted,
           .timestamp = transfer}};
}

// Calls keep(side) for each account of `event` that keeps its history; of a
// transfer alone.
template <typename Keep>
void ForEachHistorySide(const Event& event, const Keep& keep) {
  const uint32_t flags = event.debit.flags | event.credit.flags;
  if ((flags & account_flags::kHistory) == 0) return;
  if (event.type == EventType::kAccountCreated ||
      event.type == EventType::kTwoPhaseExpired) {
    return;
  }
  for (const EventSide* side : {&event.debit, &event.credit}) {
    if ((side->flags & account_flags::kHistory) != 0) keep(*side);
  }
}

// The row's key has the first timestamp. Requires: not empty, ascending.
std::string PackHistory(absl::Span<const HistoryRow> rows);

// Replaces `balances`; false when the row is malformed.
bool UnpackHistory(Timestamp first, absl::string_view row,
                   std::vector<AccountBalances>& balances);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_HISTORY_ROW_H_
