#include "client/ledgerctl/book_audit.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

namespace ledgerd::client {

absl::StatusOr<BookAudit::Result> BookAudit::Run() {
  LEDGERD_RETURN_IF_ERROR(ReadOn(Sequence(0)));
  for (int round = 0; round < options_.rounds_max; ++round) {
    Result result;
    LEDGERD_ASSIGN_OR_RETURN(const bool same, LookUpAll(&result));
    if (same && result.sequence <= read_through_) {
      result.entries = entries_;
      return result;
    }
    LEDGERD_RETURN_IF_ERROR(ReadOn(Sequence(0)));
  }
  return absl::AbortedError(
      absl::StrCat("the ledger changed during each of ", options_.rounds_max,
                   " attempts to read all accounts as of one moment; try again "
                   "when it is less busy"));
}

absl::Status BookAudit::ReadOn(Sequence to) {
  return read_journal_(read_through_.Next(), to, [&](const Entry& entry) {
    ++entries_;
    read_through_ = entry.sequence();
    if (entry.kind() != EntryKind::kCreateAccounts) return;
    for (const Account& account : entry.rows<Account>()) {
      if (seen_.insert(account.id).second) ids_.push_back(account.id);
    }
  });
}

absl::StatusOr<bool> BookAudit::LookUpAll(Result* result) {
  std::optional<Sequence> sequence;
  for (size_t begin = 0; begin < ids_.size(); begin += options_.batch_max) {
    const size_t end = std::min(ids_.size(), begin + options_.batch_max);
    LEDGERD_ASSIGN_OR_RETURN(
        const FoundAccounts found,
        client_.LookupAccounts({ids_.begin() + static_cast<ptrdiff_t>(begin),
                                ids_.begin() + static_cast<ptrdiff_t>(end)}));
    if (sequence.has_value() && *sequence != found.sequence) return false;
    sequence = found.sequence;
    for (const Account& account : found.accounts) result->books.Add(account);
    result->accounts += found.accounts.size();
  }
  result->sequence = sequence.value_or(read_through_);
  return true;
}

}  // namespace ledgerd::client
