// A port that a daemon gives up and takes again, and nobody else in between.
//
//   const ReservedPort port;
//   Start({.client_address = port.address()});   // kill -9; start again
//
// Shape   A socket bound to a port of 127.0.0.1 that the system chose, and that
//         never listens. The system gives the port to no one who does not ask
//         for it by name; who does, with SO_REUSEADDR, gets it.
#ifndef LEDGERD_TESTS_INTEGRATION_RESERVED_PORT_H_
#define LEDGERD_TESTS_INTEGRATION_RESERVED_PORT_H_

#include <string>

namespace ledgerd::integration {

class ReservedPort {
 public:
  ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;
  ~ReservedPort();

  int port() const { return port_; }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_RESERVED_PORT_H_
