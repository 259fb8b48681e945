// Imports a data set and compares what happens with what the set says.
//
//   Importer importer(client, {.verify = true}, notes, progress);
//   const absl::StatusOr<ImportSummary> summary = importer.Run(data_set);
//
// Shape     Accounts first, then transfers, in batches, in the file's order.
// Resumable Run again after a crash: what exists counts as there. What was
//           there before this run had a balance that is gone, so its checkpoint
//           is not compared (`balances_passed_by`); final balances are, always.
// Errors    Those of the files and of the client, which end the run; a status
//           or a balance other than stated is counted and noted, and the run
//           goes on.
#ifndef LEDGERD_CLIENT_LEDGERCTL_IMPORTER_H_
#define LEDGERD_CLIENT_LEDGERCTL_IMPORTER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "client/ledger_client.h"
#include "client/ledgerctl/data_set.h"
#include "client/ledgerctl/import_batch.h"

namespace ledgerd::client {

struct ImportSummary {
  size_t accounts_created = 0;
  size_t accounts_there = 0;  // Existed before.
  size_t transfers_created = 0;
  size_t transfers_there = 0;
  size_t transfers_refused = 0;  // As expected, or not.
  // Statuses other than expected, of accounts and transfers.
  size_t unexpected_statuses = 0;
  size_t batches = 0;
  // Balances on the way and at the end.
  size_t balances_on_the_way = 0;
  size_t final_balances = 0;
  size_t balances_differ = 0;
  size_t balances_passed_by = 0;
};

class Importer {
 public:
  struct Options {
    size_t batch_max = kMaxBatchSize;
    // Compare balances: expected.csv, checkpoints.csv.
    bool verify = false;
  };

  // One difference, in words.
  using Note = std::function<void(const std::string&)>;
  // What is being done, how much of it is done (0 .. 1), and how many rows.
  using Progress =
      std::function<void(absl::string_view what, double fraction, size_t rows)>;

  Importer(LedgerClient& client, Options options, Note note, Progress progress)
      : client_(client),
        options_(options),
        note_(std::move(note)),
        progress_(std::move(progress)) {}

  absl::StatusOr<ImportSummary> Run(const DataSet& set);

 private:
  absl::Status ImportAccounts(const std::string& path);
  absl::Status SendAccounts(std::vector<Account> batch);
  absl::Status ImportTransfers(const DataSet& set);
  absl::Status SendTransfers(const std::string& path, const ImportBatch& batch);
  void CompareStatus(const std::string& path, const TransferLine& line,
                     const TransferResult& result);
  absl::Status CompareOnTheWay(const ImportBatch& batch,
                               const TransferResults& results);
  absl::Status CompareFinal(const std::string& path);
  // Looks the accounts up and compares; `where` words the difference.
  absl::Status Compare(const std::vector<StatedBalance>& stated,
                       const std::function<std::string(size_t)>& where);

  LedgerClient& client_;
  const Options options_;
  const Note note_;
  const Progress progress_;
  ImportSummary summary_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_IMPORTER_H_
