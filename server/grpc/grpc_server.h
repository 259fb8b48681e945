// A GrpcServer is one port: its services, and with them health and reflection.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto server, GrpcServer::Start(options));
//   server->SetServing("ledger.v1.LedgerService", true);
//
// Shape    Health is gRPC's own, by name; every name but "" begins NOT_SERVING.
//          Reflection lists all services, health too.
// Errors   Of Start: INVALID_ARGUMENT or UNAVAILABLE, when the port cannot be
//          bound; the message says which and what to do.
// Limits   Messages kMessageBytesMax; memory, threads and streams as the
//          options say. A port is never shared with another process.
// Threads  Safe from any thread.
#ifndef LEDGERD_SERVER_GRPC_GRPC_SERVER_H_
#define LEDGERD_SERVER_GRPC_GRPC_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace ledgerd::server {

struct GrpcServerOptions {
  // host:port; port 0 is any that is free.
  std::string address;
  std::vector<grpc::Service*> services;
  // Names for health, beside "".
  std::vector<std::string> health_names;
  bool channelz = false;
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
  const std::string& address() const { return address_; }

  void SetServing(const std::string& name, bool serving);

  // Every name NOT_SERVING, whatever SetServing says afterwards.
  void StopServing();

  // Takes no more calls, waits `patience` for those under way, cancels what is
  // left of them.
  void Shutdown(std::chrono::milliseconds patience);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address);

  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_GRPC_SERVER_H_
