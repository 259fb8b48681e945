// What watches of a ledger under load were told, to be compared with each other
// and with the ledger.
//
//   const Told told = WatchToTheEnd(*client.WatchEvents(Sequence(0)));
//   ... meanwhile: load.Settle(); CreateLastAccount(client) ...
//   ExpectInOrder(told);  ExpectThatTheLedgerAgrees(client, told);
//   ExpectSame(told, WatchToTheEnd(*client.WatchEvents(Sequence(0))));
//
// Shape    A watch has no end of its own. The load's is where the account of
//          CreateLastAccount is there, and no hold falls due any more within
//          seconds.
#ifndef LEDGERD_TESTS_INTEGRATION_WATCHED_EVENTS_H_
#define LEDGERD_TESTS_INTEGRATION_WATCHED_EVENTS_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "client/ledger_client.h"
#include "proto/types.h"

namespace ledgerd::integration {

// What one watch was told, up to where nothing more happens.
struct Told {
  std::vector<std::pair<Sequence, client::LedgerEvent>> events;
  // Why it ended before.
  absl::Status status;
};

Told WatchToTheEnd(client::EventWatch& watch);

// After the last payment.
absl::Status CreateLastAccount(client::LedgerClient& client);

// ---- with GoogleTest's ASSERT_*

void ExpectInOrder(const Told& told);
void ExpectSame(const Told& one, const Told& other);

// The ledger as it is, and what was told of it, are the same.
void ExpectThatTheLedgerAgrees(client::LedgerClient& client, const Told& told);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_WATCHED_EVENTS_H_
