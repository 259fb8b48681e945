#include "server/peer_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "server/host_port.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ledgerd::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How soon a stop is seen.
constexpr milliseconds kSlice{50};

// 0 once it is connected, else why not: ETIMEDOUT, ECONNREFUSED, ...
int WaitUntilConnected(int socket, milliseconds patience,
                       const std::atomic<bool>& stopping) {
  const auto until = steady_clock::now() + patience;
  while (!stopping && steady_clock::now() < until) {
    pollfd one{.fd = socket, .events = POLLOUT, .revents = 0};
    if (poll(&one, 1, static_cast<int>(kSlice.count())) <= 0) continue;
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }
  return ETIMEDOUT;
}

// A connected socket, or errno says why there is none.
FileDescriptor ConnectTo(const addrinfo& at, milliseconds patience,
                         const std::atomic<bool>& stopping) {
  FileDescriptor made(
      socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.valid()) return made;
  const int on = 1;
  setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(made.get(), at.ai_addr, at.ai_addrlen) == 0) return made;
  if (errno != EINPROGRESS) return {};
  const int error = WaitUntilConnected(made.get(), patience, stopping);
  if (error == 0) return made;
  errno = error;
  return {};
}

}  // namespace

Dialled Dial(const std::string& address, milliseconds patience,
             const std::atomic<bool>& stopping) {
  const auto at = SplitHostPort(address);
  if (!at.ok()) return {.error = std::string(at.status().message())};
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed =
      getaddrinfo(at->host.c_str(), at->port.c_str(), &hints, &list);
  if (failed != 0) {
    return {.error = absl::StrCat(address, ": ", gai_strerror(failed))};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(list,
                                                                 &freeaddrinfo);
  Dialled result;
  bool all_refused = true;
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    result.socket = ConnectTo(*one, patience, stopping);
    if (result.socket.valid()) return result;
    all_refused &= errno == ECONNREFUSED || errno == ECONNRESET;
    result.error =
        absl::StrCat(address, ": ", std::generic_category().message(errno));
  }
  result.is_refused = all_refused;
  return result;
}

SilenceWatch::SilenceWatch(int socket)
    : socket_(fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}

steady_clock::duration SilenceWatch::SilentFor(Time now) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return {};
  }
  if (info.tcpi_unacked == 0) {
    waiting_ = false;
    return {};
  }
  if (!waiting_ || info.tcpi_bytes_acked != acknowledged_) {
    waiting_ = true;
    acknowledged_ = info.tcpi_bytes_acked;
    since_ = now;
  }
  return now - since_;
}

}  // namespace ledgerd::server
