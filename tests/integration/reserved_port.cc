#include "tests/integration/reserved_port.h"

#include <unistd.h>

#include "proto/base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ledgerd::integration {

ReservedPort::ReservedPort()
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  LEDGERD_CHECK(socket_ >= 0);
  // Either option lets a server in that asks for the port with the same one.
  const int on = 1;
  LEDGERD_CHECK(
      setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
  LEDGERD_CHECK(
      setsockopt(socket_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  LEDGERD_CHECK(bind(socket_, any, size) == 0);
  LEDGERD_CHECK(getsockname(socket_, any, &size) == 0);
  port_ = ntohs(address.sin_port);
}

ReservedPort::~ReservedPort() { close(socket_); }

}  // namespace ledgerd::integration
