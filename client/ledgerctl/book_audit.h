// Reads all accounts as of one sequence, for the books, however many there are
// and however busy the ledger is.
//
//   BookAudit audit(client, {.batch_max = 8190});
//   LEDGERD_ASSIGN_OR_RETURN(const BookAudit::Result result, audit.Run());
//
// Shape    Page by page, oldest first, by QueryAccounts; each page has a
//          sequence of its own. An event tells both accounts as they are after
//          it, so the events after the first page's sequence, through the last
//          page's, bring all accounts to the latter. New accounts are younger
//          than all others: they are on later pages, or in those events.
//          Entries without events at the end are not told before another one
//          follows. When nothing is told for `silence` the ledger is at rest,
//          or nearly so, and the pages are read again: at one sequence, now.
// Memory   About 250 bytes an account.
// Errors   Those of the client; COMPACTED when the events were dropped before
//          they were read; ABORTED when no round came to an end.
#ifndef LEDGERD_CLIENT_LEDGERCTL_BOOK_AUDIT_H_
#define LEDGERD_CLIENT_LEDGERCTL_BOOK_AUDIT_H_

#include <chrono>
#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/event_watch.h"
#include "client/ledger_client.h"
#include "client/ledgerctl/books.h"
#include "proto/system_limits.h"
#include "proto/types.h"

namespace ledgerd::client {

class BookAudit {
 public:
  struct Options {
    size_t batch_max = kMaxBatchSize;
    // Above the second after which a busy server tells its progress.
    std::chrono::milliseconds silence{3000};
    int rounds_max = 20;
  };

  struct Result {
    Books books;
    Sequence sequence;  // As of which the books are.
    size_t accounts = 0;
  };

  BookAudit(LedgerClient& client, Options options)
      : client_(client), options_(options) {}

  // Called once.
  absl::StatusOr<Result> Run();

 private:
  absl::Status ReadPages();
  // False when the server fell silent before the last page's sequence.
  absl::StatusOr<bool> ReadEvents();
  void Take(const LedgerEvents& entry);

  LedgerClient& client_;
  const Options options_;
  absl::flat_hash_map<AccountId, Account> accounts_;
  Sequence first_;  // The first page's.
  Sequence last_;   // The last one's.
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_BOOK_AUDIT_H_
