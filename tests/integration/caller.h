// One call by one of the ways into the daemon, written down in a history.
//
//   Caller caller(client_number, &ways, &history);
//   const Ending ending = caller.Create(Way::kRaw, transfers);
//
// Threads  One Caller for each thread.
#ifndef LEDGERD_TESTS_INTEGRATION_CALLER_H_
#define LEDGERD_TESTS_INTEGRATION_CALLER_H_

#include <functional>
#include <string>
#include <vector>

#include "client/ledger_client.h"
#include "tests/integration/history.h"
#include "tests/integration/raw_client.h"

namespace ledgerd::integration {

enum class Way {
  kRaw,            // A bare stub, one attempt.
  kPatient,        // LedgerClient's batch call, ten seconds.
  kHasty,          // The same, a fraction of a second.
  kPatientShared,  // LedgerClient's single call or chain: shares batches.
  kHastyShared,
};

inline constexpr int kWays = 5;

// The ways into the daemon, shared by the clients of a load.
struct Ways {
  explicit Ways(const std::vector<std::string>& addresses);

  client::LedgerClient patient;
  client::LedgerClient hasty;
  RawClient raw;
};

class Caller {
 public:
  Caller(int client, Ways* ways, History* history)
      : client_(client), ways_(*ways), history_(*history) {}

  // The shared ways take one unit: a single transfer or a chain.
  Ending Create(Way way, const std::vector<Transfer>& transfers);
  Ending Create(Way way, const std::vector<Account>& accounts);
  Ending Lookup(Way way, const std::vector<TransferId>& ids);

 private:
  Ending Record(Exchange exchange, const std::function<Ending()>& call);
  Ending CreateShared(client::LedgerClient& client,
                      const std::vector<Transfer>& transfers);
  client::LedgerClient& Library(Way way);

  const int client_;
  Ways& ways_;
  History& history_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_CALLER_H_
