// Sockets that listen at an address, one for each that its name stands for
// (localhost: 127.0.0.1 and ::1).
//
//   LEDGERD_ASSIGN_OR_RETURN(ListenSockets at, Listen("127.0.0.1:0"));
//   at.address;   // "127.0.0.1:41234"
//
// Shape    Not blocking. Without SO_REUSEPORT: two daemons never share a port.
// Errors   INVALID_ARGUMENT  the address cannot be understood.
//          UNAVAILABLE       the port cannot be bound; the message says which
//                            and what to do.
#ifndef LEDGERD_SERVER_LISTEN_SOCKETS_H_
#define LEDGERD_SERVER_LISTEN_SOCKETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "server/file_descriptor.h"

namespace ledgerd::server {

struct ListenSockets {
  // host:port as asked for, with the port that was bound.
  std::string address;
  std::vector<FileDescriptor> sockets;
};

// `address` is host:port or [host]:port; port 0 is any that is free.
absl::StatusOr<ListenSockets> Listen(const std::string& address);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LISTEN_SOCKETS_H_
