// Runs a scenario of a table against the ledger.
//
//   TableRunner runner(store_options);
//   runner.Run(scenario);
//   for (const std::string& failure : runner.failures()) ...
//
// Shape   Every difference in a status, an amount, a timestamp, a balance, a
//         stored field, or in the ids that are kept as failed is a failure that
//         names its line. What a scenario does not say has not happened: after
//         its last block all balances must be those last given, or zero.
#ifndef LEDGERD_SERVER_LEDGER_TABLE_RUNNER_H_
#define LEDGERD_SERVER_LEDGER_TABLE_RUNNER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/results.h"
#include "proto/types.h"
#include "server/ledger/ledger_testing.h"
#include "server/ledger/table.h"

namespace ledgerd::server {

class TableRunner {
 public:
  struct FlagName {
    absl::string_view name;
    uint16_t bit = 0;
  };

  explicit TableRunner(storage::MemoryStateStore::Options options)
      : tester_(options) {}

  void Run(const TableScenario& scenario);

  const std::vector<std::string>& failures() const { return failures_; }

 private:
  void RunBlock(const TableBlock& block);
  void CreateAccounts(absl::Span<const TableRow> rows, Timestamp timestamp);
  void CreateTransfers(absl::Span<const TableRow> rows, Timestamp timestamp);
  Account AccountOf(const TableRow& row);
  Transfer TransferOf(const TableRow& row);
  uint16_t Flags(const TableRow& row, absl::Span<const FlagName> names);
  void CheckResult(const TableRow& row, const Account& asked, Timestamp event,
                   const AccountResult& result);
  void CheckResult(const TableRow& row, const Transfer& asked, Timestamp event,
                   const TransferResult& result);
  void SetBalances(const TableBlock& block);
  void CheckBalances(int line);
  void CheckStored(const TableRow& row);
  void CheckFailedIds(const TableBlock& block);

  // A failure unless they are equal.
  void Expect(int line, absl::string_view what, absl::string_view got,
              absl::string_view expected);
  void Fail(int line, absl::string_view what);

  // The cell as a number, or `otherwise` when it is empty.
  Uint128 Number(const TableRow& row, const std::string& column,
                 Uint128 otherwise = 0);

  LedgerTester tester_;
  std::vector<std::string> failures_;
  // As last given; of the accounts not in it, all is zero and open.
  std::map<AccountId, Account> balances_;
  // When each id ended CREATED, by what the results said.
  std::map<AccountId, Timestamp> created_accounts_;
  std::map<TransferId, Timestamp> created_transfers_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_TABLE_RUNNER_H_
