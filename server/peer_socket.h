// The connection to another replica's port, as a socket.
//
//   Dialled dialled = Dial("10.0.0.2:7302", 1s, stopping);
//   if (dialled.is_refused) ...        // nobody listens: its process is gone
//   SilenceWatch watch(dialled.socket.get());
//   if (watch.SilentFor(now) > 2s) ... // its machine takes nothing any more
//
// Why      The protocol asks at once whether to promote when a process is gone,
//          and not before a timeout when it is merely silent (replication.md,
//          rule 5). gRPC tells both as UNAVAILABLE; the kernel knows.
#ifndef LEDGERD_SERVER_PEER_SOCKET_H_
#define LEDGERD_SERVER_PEER_SOCKET_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "server/file_descriptor.h"

namespace ledgerd::server {

struct Dialled {
  // Connected, not blocking; invalid when it could not be.
  FileDescriptor socket;
  // A machine has answered that nobody listens there.
  bool is_refused = false;
  // Why there is no socket.
  std::string error;
};

// Waits `patience` at most for each of the addresses that the name stands for,
// and less when `stopping` is set.
Dialled Dial(const std::string& address, std::chrono::milliseconds patience,
             const std::atomic<bool>& stopping);

// Looks at what the other end's kernel has acknowledged. A process that is
// stopped is not silent in this sense: its kernel goes on.
class SilenceWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Its own descriptor of the same connection.
  explicit SilenceWatch(int socket);

  // For how long something has been sent and nothing was acknowledged. To be
  // asked often.
  std::chrono::steady_clock::duration SilentFor(Time now);

 private:
  FileDescriptor socket_;
  uint64_t acknowledged_ = 0;
  bool waiting_ = false;
  Time since_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_PEER_SOCKET_H_
