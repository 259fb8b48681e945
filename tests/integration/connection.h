// A connection below gRPC, for what no gRPC client would send.
//
//   Connection connection(ledger.address());
//   connection.Send("GET / HTTP/1.1\r\n\r\n");
//   EXPECT_TRUE(connection.WaitForEnd(10s));
//
// Threads  One thread.
#ifndef LEDGERD_TESTS_INTEGRATION_CONNECTION_H_
#define LEDGERD_TESTS_INTEGRATION_CONNECTION_H_

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace ledgerd::integration {

class Connection {
 public:
  // To a port of 127.0.0.1. Waits until the kernel has connected them, which
  // keeps about `receive_bytes` of what comes until it is read; 0: many.
  explicit Connection(int port, int receive_bytes = 0)
      : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    LEDGERD_CHECK(socket_ >= 0) << "too few file descriptors for this test?";
    if (receive_bytes > 0) {
      LEDGERD_CHECK(setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
                               sizeof(receive_bytes)) == 0);
    }
    LEDGERD_CHECK(connect(socket_, reinterpret_cast<sockaddr*>(&address),
                          sizeof(address)) == 0);
  }

  // To host:port, of which only the port counts.
  explicit Connection(const std::string& address, int receive_bytes = 0)
      : Connection(std::stoi(address.substr(address.rfind(':') + 1)),
                   receive_bytes) {}

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ~Connection() { close(socket_); }

  // Whether all of it went out: a server may hang up before.
  bool Send(const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t size =
          send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) return false;
      sent += static_cast<size_t>(size);
    }
    return true;
  }

  // Sends what goes out without waiting; how much that was, or -1 when the
  // server has hung up.
  ssize_t SendSome(const char* bytes, size_t size) {
    const ssize_t sent =
        send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    return errno == EAGAIN ? 0 : -1;
  }

  // How much has come and is not read.
  size_t Waiting() const {
    int bytes = 0;
    LEDGERD_CHECK(ioctl(socket_, FIONREAD, &bytes) == 0);
    return static_cast<size_t>(bytes);
  }

  // Adds what comes to `bytes`, until nothing does for `silence`; false when
  // the server has ended the connection.
  bool Receive(std::string& bytes, std::chrono::milliseconds silence) {
    char piece[4096];
    while (true) {
      pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, static_cast<int>(silence.count())) <= 0) {
        return true;
      }
      const ssize_t size = recv(socket_, piece, sizeof(piece), 0);
      if (size <= 0) return false;
      bytes.append(piece, static_cast<size_t>(size));
    }
  }

  // Reads, and forgets, until the server ends the connection; false when it has
  // not within `timeout`.
  bool WaitForEnd(std::chrono::milliseconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    char bytes[4096];
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
      if (left.count() <= 0 ||
          poll(&readable, 1, static_cast<int>(left.count())) <= 0) {
        return false;
      }
      if (recv(socket_, bytes, sizeof(bytes), 0) <= 0) return true;
    }
  }

 private:
  const int socket_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_CONNECTION_H_
