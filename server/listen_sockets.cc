#include "server/listen_sockets.h"

#include <netdb.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"
#include "server/host_port.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace ledgerd::server {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<AddressList> Resolve(const HostPort& at) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(at.host.c_str(), at.port.c_str(), &hints, &found);
  if (error == 0) return AddressList(found, &freeaddrinfo);
  return absl::InvalidArgumentError(absl::StrCat(
      "cannot listen at ", at.host, ":", at.port, ": ", gai_strerror(error)));
}

void SetPort(uint16_t port, sockaddr* address) {
  if (address->sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
  }
}

uint16_t PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(socket, any, &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

// A valid one that listens, or errno says why not.
FileDescriptor ListenAt(const addrinfo& at, bool both_families) {
  FileDescriptor made(
      socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.valid()) return made;
  const int on = 1;
  setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (both_families && at.ai_family == AF_INET6) {
    // The IPv4 one is a socket of its own.
    setsockopt(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (bind(made.get(), at.ai_addr, at.ai_addrlen) != 0) return {};
  if (listen(made.get(), SOMAXCONN) != 0) return {};
  return made;
}

absl::Status CannotBind(const std::string& address, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen at ", address, ": ",
                   std::generic_category().message(error),
                   ". Choose another address or port, or end the process that "
                   "has it (ss -ltnp)"));
}

}  // namespace

absl::StatusOr<ListenSockets> Listen(const std::string& address) {
  LEDGERD_ASSIGN_OR_RETURN(const HostPort at, SplitHostPort(address));
  LEDGERD_ASSIGN_OR_RETURN(const AddressList found, Resolve(at));
  ListenSockets result;
  uint16_t port = 0;
  int error = 0;
  for (addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    if (port != 0) SetPort(port, one->ai_addr);
    FileDescriptor made = ListenAt(*one, found->ai_next != nullptr);
    if (made.valid()) {
      port = PortOf(made.get());
      result.sockets.push_back(std::move(made));
    } else {
      error = errno;
      // A name may stand for a family that this machine does not have.
      if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) {
        return CannotBind(address, error);
      }
    }
  }
  if (result.sockets.empty()) return CannotBind(address, error);
  result.address = absl::StrCat(
      absl::string_view(address).substr(0, address.rfind(':')), ":", port);
  return result;
}

}  // namespace ledgerd::server
