// A GrpcServer is one port: its services, and with them health and reflection.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto server, GrpcServer::Start(options));
//   server->SetServing("ledger.v1.LedgerService", true);
//
// Shape    Health is gRPC's own, by name; every name but "" begins NOT_SERVING.
//          Reflection lists all services, health too.
// Errors   Of Start: those of ConnectionListener::Bind.
// Limits   Messages, memory, threads, streams and connections
//          as the options say; 3 s for a client to say that it speaks HTTP/2. A
//          port is never shared with another process. A call whose client
//          compresses ends in UNIMPLEMENTED.
// Threads  Safe from any thread.
#ifndef LEDGERD_SERVER_GRPC_GRPC_SERVER_H_
#define LEDGERD_SERVER_GRPC_GRPC_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/system_limits.h"
#include "server/connection_listener.h"
#include "server/open_calls.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace ledgerd::server {

struct GrpcServerOptions {
  ConnectionListenerOptions listener;
  std::vector<grpc::Service*> services;
  // Names for health, beside "".
  std::vector<std::string> health_names;
  bool channelz = false;
  // Shutdown waits for calls under way. For ports where calls are few.
  bool waits_for_calls = false;
  // The services are typed: what is no message is refused for them, with a
  // reason. For ports where calls are few.
  bool refuses_no_messages = false;
  // One message at most.
  size_t message_bytes_max = kMessageBytesMax;
  // The services refuse what is longer, with a reason; gRPC, which has none,
  // only what is twice as long.
  bool services_refuse_long_messages = false;
  // One frame of HTTP/2 that is taken, at least 16 KiB: large ones cost less
  // for large messages, and let small ones wait. 0: gRPC's default.
  int frame_bytes_max = 0;
  // What all messages in flight may take.
  uint64_t memory_bytes = uint64_t{1} << 30;
  int threads_max = 64;
  int streams_per_connection_max = 1'000;
};

class GrpcServer {
 public:
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options);

  // Shuts down at once, if Shutdown was not called.
  ~GrpcServer();

  // With the port that was bound.
  const std::string& address() const { return listener_->address(); }

  void SetServing(const std::string& name, bool serving);

  // Every name NOT_SERVING, whatever SetServing says afterwards.
  void StopServing();

  // Ends all connections, once what was answered has reached the clients; waits
  // `patience` at most. Calls still open by then get UNAVAILABLE, without a
  // reason: their services should have ended them.
  void Shutdown(std::chrono::milliseconds patience);

 private:
  explicit GrpcServer(std::unique_ptr<ConnectionListener> listener);

  void StartServer(const GrpcServerOptions& options);

  OpenCalls open_calls_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ConnectionListener> listener_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_GRPC_SERVER_H_
