// The ways in which clients use ledgerd. Each returns when the source has no
// more requests and every answer is here.
//
//   LaneCounts counts = DriveCalls(target, run);
#ifndef LEDGERD_CLIENT_BENCH_DRIVERS_H_
#define LEDGERD_CLIENT_BENCH_DRIVERS_H_

#include <chrono>
#include <string>

#include "client/bench/lane.h"

namespace ledgerd::bench {

struct Target {
  std::string address;
  // Each has a connection of its own.
  int clients = 1;
  // Calls, single transfers or stream messages of a client without an answer.
  int in_flight = 1;
  std::chrono::milliseconds timeout{60'000};
};

// CreateTransfers by gRPC's callback interface: batches, or unary calls with
// one transfer each. No retries: what is refused counts as refused.
LaneCounts DriveCalls(const Target& target, Run& run);

// GetServerInfo in the same way, once a number of the source: what such calls
// cost when there is nothing to do. No transfer is made.
LaneCounts DrivePings(const Target& target, Run& run);

// LedgerClient::CreateTransfer, which coalesces single transfers. Retries are
// the library's.
LaneCounts DriveCoalesced(const Target& target, Run& run);

// LedgerClient::StreamTransfers, one stream and one thread a client.
LaneCounts DriveStreams(const Target& target, Run& run);

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_DRIVERS_H_
