#include "tests/integration/tcp_proxy.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "proto/base/check.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ledgerd::integration {
namespace {

constexpr int kLookMs = 5;

sockaddr_in Loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<uint16_t>(port));
  return at;
}

int MakeSocket() {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  LEDGERD_CHECK(made >= 0);
  return made;
}

void SendNow(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

TcpProxy::TcpProxy(int port) : port_(port), listener_(MakeSocket()) {
  sockaddr_in at = Loopback(0);
  socklen_t size = sizeof(at);
  auto* const any = reinterpret_cast<sockaddr*>(&at);
  LEDGERD_CHECK(bind(listener_, any, size) == 0);
  LEDGERD_CHECK(listen(listener_, SOMAXCONN) == 0);
  LEDGERD_CHECK(getsockname(listener_, any, &size) == 0);
  own_port_ = ntohs(at.sin_port);
  thread_ = std::thread([this] { Loop(); });
}

TcpProxy::~TcpProxy() {
  ending_ = true;
  thread_.join();
  for (const Pair& pair : pairs_) {
    close(pair.client);
    close(pair.server);
  }
  close(listener_);
}

std::string TcpProxy::address() const {
  return "127.0.0.1:" + std::to_string(own_port_);
}

void TcpProxy::Loop() {
  while (!ending_) {
    std::vector<pollfd> watched = {{listener_, POLLIN, 0}};
    if (!blocked_) {
      for (const Pair& pair : pairs_) {
        if (!IsOpen(pair)) continue;
        watched.push_back({pair.client, POLLIN, 0});
        watched.push_back({pair.server, POLLIN, 0});
      }
    }
    // One that has opened meanwhile is watched the next time.
    if (poll(watched.data(), watched.size(), kLookMs) <= 0) continue;
    if (watched[0].revents != 0) Accept();
    if (!blocked_) PassAll();
  }
}

// Who is refused by the server is refused here.
void TcpProxy::Accept() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = MakeSocket();
  sockaddr_in at = Loopback(port_);
  if (connect(server, reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0) {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(client);
    close(server);
    return;
  }
  SendNow(client);
  SendNow(server);
  pairs_.push_back({client, server, std::chrono::steady_clock::now()});
}

bool TcpProxy::IsOpen(const Pair& pair) const {
  return std::chrono::steady_clock::now() - pair.since >= delay_.load();
}

void TcpProxy::PassAll() {
  for (auto pair = pairs_.begin(); pair != pairs_.end();) {
    if (!IsOpen(*pair)) {
      ++pair;
      continue;
    }
    if (Pass(pair->client, pair->server) && Pass(pair->server, pair->client)) {
      ++pair;
      continue;
    }
    close(pair->client);
    close(pair->server);
    pair = pairs_.erase(pair);
  }
}

bool TcpProxy::Pass(int from, int to) {
  std::array<char, 65'536> buffer;
  const ssize_t size = recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t more = send(to, buffer.data() + sent,
                              static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += more;
  }
  return size > 0;
}

}  // namespace ledgerd::integration
