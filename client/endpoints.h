// Where the servers are, and which one to ask next.
//
//   const auto endpoint = endpoints.Current();
//   ... a call by endpoint->stub fails ...
//   endpoints.OnFailure(*endpoint, error);      // Current() may be another now
//
// Shape    A list of addresses and a place in it. An answer that names the
//          primary moves there, and adds its address; one that says that this
//          server cannot serve moves to the next.
// Channels A broken connection is tried again after 50 .. 100 ms (gRPC's own
//          default stays in back-off for seconds), and a dead one is noticed by
//          keepalive while calls wait.
// Threads  Thread-safe.
// Source   gRPC 1.51, grpc/impl/codegen/grpc_types.h.
#ifndef LEDGERD_CLIENT_ENDPOINTS_H_
#define LEDGERD_CLIENT_ENDPOINTS_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"

#include "client/rpc_status.h"
#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/base/mutex.h"

namespace ledgerd::client {

// A channel that reconnects quickly and takes our largest messages.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

struct Endpoint {
  explicit Endpoint(std::string where);

  std::string address;
  std::unique_ptr<::ledger::v1::LedgerService::Stub> stub;
};

class Endpoints {
 public:
  // Requires: at least one address.
  explicit Endpoints(const std::vector<std::string>& addresses);

  std::shared_ptr<const Endpoint> Current();

  // `endpoint` has answered `error`. Late news about one that is not the
  // current one any more changes nothing.
  void OnFailure(const Endpoint& endpoint, const RpcError& error);

 private:
  void MoveTo(const std::string& address) LEDGERD_REQUIRES(mutex_);

  Mutex mutex_;
  std::vector<std::shared_ptr<const Endpoint>> all_ LEDGERD_GUARDED_BY(mutex_);
  size_t current_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_ENDPOINTS_H_
