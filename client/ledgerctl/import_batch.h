// Cuts a file of transfers into requests: in their order, chains whole, and so
// that every balance that is stated can be seen.
//
//   ImportBatch batch({.batch_max = 8190, .checkpoints = &checkpoints});
//   if (batch.MustEndBefore(unit)) { Send(batch); batch.Clear(); }
//   batch.Add(unit);
//
// Shape    A batch ends when it is full, before a transfer that touches an
//          account whose stated balance is still to be looked at, and where
//          imported transfers begin or end.
// Pure     No server, no files, no clock.
#ifndef LEDGERD_CLIENT_LEDGERCTL_IMPORT_BATCH_H_
#define LEDGERD_CLIENT_LEDGERCTL_IMPORT_BATCH_H_

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_set.h"

#include "client/ledgerctl/data_set.h"
#include "proto/types.h"

namespace ledgerd::client {

class ImportBatch {
 public:
  struct Options {
    size_t batch_max = 0;
    // Those to look at; nullptr is none. Must outlive the batch.
    const Checkpoints* checkpoints = nullptr;
  };

  // What is to be seen once the batch is done.
  struct Check {
    size_t index = 0;  // Of the transfer in lines(), after which it holds.
    StatedBalance stated;
  };

  explicit ImportBatch(Options options) : options_(options) {}

  bool MustEndBefore(const std::vector<TransferLine>& unit) const;

  // Returns how many stated balances can never be seen, because a later member
  // of the same chain touches the account again.
  size_t Add(const std::vector<TransferLine>& unit);

  void Clear();

  const std::vector<TransferLine>& lines() const { return lines_; }

  std::vector<Transfer> transfers() const;

  const std::vector<Check>& checks() const { return checks_; }

 private:
  const std::vector<StatedBalance>* StatedAfter(TransferId id) const;

  const Options options_;
  std::vector<TransferLine> lines_;
  std::vector<Check> checks_;
  absl::flat_hash_set<AccountId> watched_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_IMPORT_BATCH_H_
