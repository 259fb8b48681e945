// A folder of CSV files: accounts, transfers, and the balances that somebody
// else has stated.
//
//   LEDGERD_ASSIGN_OR_RETURN(const DataSet set, FindDataSet({"berka"}));
//   LEDGERD_ASSIGN_OR_RETURN(auto transfers, TransferFile::Open(path));
//
// Shape    accounts     id, ledger, code, flags; optional user_data_128, _64,
//                       _32, timestamp (with the flag imported)
//          transfers    id, debit_account_id, credit_account_id, amount,
//                       ledger, code, flags; optional expect, pending_id,
//                       timeout, user_data_*, timestamp
//          expected     account_id, net
//          checkpoints  after_transfer_id, account_id, net
//          Any other column is ignored. Each file is .csv or .csv.gz.
// Errors   INVALID_ARGUMENT, as file:line: the value and what is wrong with it.
#ifndef LEDGERD_CLIENT_LEDGERCTL_DATA_SET_H_
#define LEDGERD_CLIENT_LEDGERCTL_DATA_SET_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "client/ledgerctl/csv.h"
#include "client/ledgerctl/values.h"
#include "proto/statuses.h"
#include "proto/types.h"

namespace ledgerd::client {

// The files of a set; empty where there is none.
struct DataSet {
  std::string accounts;
  std::string transfers;
  std::string expected;
  std::string checkpoints;
};

// From folders, and from files that are named after what they hold
// (accounts.csv, transfers-2.csv.gz). INVALID_ARGUMENT when a file is of no
// kind, or two are of the same.
absl::StatusOr<DataSet> FindDataSet(const std::vector<std::string>& paths);

struct StatedBalance {
  AccountId account;
  Net net;
};

struct TransferLine {
  Transfer transfer;
  TransferStatus expect = TransferStatus::kCreated;
  size_t line = 0;
};

using Checkpoints = absl::flat_hash_map<TransferId, std::vector<StatedBalance>>;

absl::StatusOr<std::vector<Account>> ReadAccounts(const std::string& path);
absl::StatusOr<std::vector<StatedBalance>> ReadExpected(
    const std::string& path);
absl::StatusOr<Checkpoints> ReadCheckpoints(const std::string& path);

// Transfers, read as they are needed.
class TransferFile {
 public:
  static absl::StatusOr<std::unique_ptr<TransferFile>> Open(
      const std::string& path);

  // The next unit: a whole linked chain, or one transfer; empty at the end.
  // INVALID_ARGUMENT when the file ends within a chain.
  absl::StatusOr<std::vector<TransferLine>> NextUnit();

  double fraction() const { return file_->fraction(); }

  const std::string& path() const { return file_->path(); }

 private:
  explicit TransferFile(std::unique_ptr<CsvFile> file)
      : file_(std::move(file)) {}

  const std::unique_ptr<CsvFile> file_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_DATA_SET_H_
