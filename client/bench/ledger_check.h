// Whether a ledger has what was sent to it: prepares the accounts before a run
// and compares all of them, and samples of the transfers, after it.
//
//   LedgerCheck check(address, workload);
//   check.Prepare();
//   ...                                       // the run: numbers 0 .. end
//   check.Verify(end, outcomes.exceptions());
//
// Shape    Every account's four balances must be what the transfers that were
//          executed add up to. Of those without a known outcome the ledger is
//          asked. Samples are compared field by field.
// Errors   DATA_LOSS: the ledger is wrong, and with it every figure of the run.
#ifndef LEDGERD_CLIENT_BENCH_LEDGER_CHECK_H_
#define LEDGERD_CLIENT_BENCH_LEDGER_CHECK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/bench/books.h"
#include "client/bench/requests.h"
#include "client/bench/workload.h"
#include "client/ledger_client.h"

namespace ledgerd::bench {

class LedgerCheck {
 public:
  LedgerCheck(const std::string& address, const Workload& workload);

  // Creates the accounts that are not there, and reads all.
  absl::Status Prepare();

  // Numbers 0 .. end were sent, all but the exceptions executed.
  absl::Status Verify(uint64_t end, std::vector<Exception> exceptions);

  // The same ledger serves at another address now.
  void Use(const std::string& address);

  // How many transfers Verify has found to be there.
  uint64_t executed() const { return executed_; }

 private:
  absl::StatusOr<std::vector<Account>> ReadAccounts();
  // Whether all of those numbers are there (or none): asks the ledger.
  absl::StatusOr<bool> AreThere(const Exception& unknown);
  absl::Status CheckSamples(uint64_t end,
                            const std::vector<Exception>& exceptions);
  absl::Status CheckRange(uint64_t first, uint64_t count);
  std::vector<TransferId> Ids(uint64_t first, uint64_t count) const;

  std::unique_ptr<client::LedgerClient> ledger_;
  const Workload& workload_;
  std::vector<Account> before_;
  uint64_t executed_ = 0;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_LEDGER_CHECK_H_
