// Reads all accounts as of one sequence, for the books.
//
//   BookAudit audit(client, {.batch_max = 8190}, read_journal);
//   LEDGERD_ASSIGN_OR_RETURN(const BookAudit::Result result, audit.Run());
//
// Shape    The journal names every account that was ever asked for. All of them
//          are looked up; answers of one round must reflect one sequence, up to
//          which the journal has been read; otherwise the rest of the journal
//          is read and the round is tried again.
// Errors   ABORTED  the ledger changed during every round.
//          Those of the client and of read_journal.
#ifndef LEDGERD_CLIENT_LEDGERCTL_BOOK_AUDIT_H_
#define LEDGERD_CLIENT_LEDGERCTL_BOOK_AUDIT_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"

#include "client/ledger_client.h"
#include "client/ledgerctl/books.h"
#include "proto/entry.h"

namespace ledgerd::client {

class BookAudit {
 public:
  struct Options {
    size_t batch_max = kMaxBatchSize;
    int rounds_max = 50;
  };

  // Calls `on_entry` with the checked entries from `from` through the commit
  // point, or through `to` when that is not 0.
  using ReadJournal = std::function<absl::Status(
      Sequence from, Sequence to,
      const std::function<void(const Entry&)>& on_entry)>;

  struct Result {
    Books books;
    Sequence sequence;  // As of which the books are.
    size_t accounts = 0;
    size_t entries = 0;
  };

  BookAudit(LedgerClient& client, Options options, ReadJournal read_journal)
      : client_(client),
        options_(options),
        read_journal_(std::move(read_journal)) {}

  absl::StatusOr<Result> Run();

 private:
  // Adds the accounts that later entries ask for, through `to` (0: all).
  absl::Status ReadOn(Sequence to);
  // One round; false when its answers do not reflect one sequence.
  absl::StatusOr<bool> LookUpAll(Result* result);

  LedgerClient& client_;
  const Options options_;
  const ReadJournal read_journal_;
  absl::flat_hash_set<AccountId> seen_;
  std::vector<AccountId> ids_;  // Each once, in the journal's order.
  Sequence read_through_;
  size_t entries_ = 0;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_BOOK_AUDIT_H_
