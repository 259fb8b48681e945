// A client without our client library: one gRPC stub, one attempt a call.
//
//   RawClient raw(daemon.client_address());
//   const Ending ending = raw.CreateTransfers({transfer}, 1s);
//
//   const WireError error = ReadError(status);        // a grpc::Status
//   EXPECT_EQ(error.reason, "INVALID_FIELD");
//
// Shape    Its own translation of rows and errors, so that a mistake in that of
//          client/ does not hide one in that of server/.
// Threads  Thread-safe.
#ifndef LEDGERD_TESTS_INTEGRATION_RAW_CLIENT_H_
#define LEDGERD_TESTS_INTEGRATION_RAW_CLIENT_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/types.h"
#include "tests/integration/history.h"

namespace ledgerd::integration {

// What the details of an error say; empty where they say nothing.
struct WireError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;
  std::string domain;
  std::string reason;
  std::string field;
  bool has_retry_info = false;
};

WireError ReadError(const grpc::Status& status);

// "UNAVAILABLE DRAINING".
std::string Text(const WireError& error);

// What an error leaves of the call: nothing done, or unknown.
Outcome OutcomeOf(const WireError& error);

void ToProto(const Transfer& transfer, ::ledger::v1::Transfer* proto);
void ToProto(const Account& account, ::ledger::v1::Account* proto);
Transfer FromProto(const ::ledger::v1::Transfer& proto);

class RawClient {
 public:
  using Timeout = std::chrono::milliseconds;

  explicit RawClient(const std::string& address)
      : RawClient(std::vector<std::string>{address}) {}

  // Of several replicas, of which one at a time serves: a call that ends in an
  // error that another replica may not have is followed by calls to the next.
  explicit RawClient(const std::vector<std::string>& addresses);

  // The endings are ready for a History.
  Ending CreateTransfers(const std::vector<Transfer>& transfers,
                         Timeout timeout);
  Ending CreateAccounts(const std::vector<Account>& accounts, Timeout timeout);
  Ending LookupTransfers(const std::vector<TransferId>& ids, Timeout timeout);

  // Waits until a server accepts connections, or for `timeout`.
  void WaitForConnection(Timeout timeout);

  ::ledger::v1::LedgerService::Stub& stub() { return *Of(current_).stub; }

 private:
  struct Endpoint {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<::ledger::v1::LedgerService::Stub> stub;
  };

  // The one with this number; they go round.
  Endpoint& Of(size_t number) { return endpoints_[number % endpoints_.size()]; }

  // The ending of a call to endpoint number `asked`.
  Ending EndingOf(const grpc::Status& status, size_t asked);

  std::vector<Endpoint> endpoints_;
  std::atomic<size_t> current_ = 0;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_RAW_CLIENT_H_
