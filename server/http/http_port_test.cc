#include "server/http/http_port.h"

#include <poll.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "server/file_descriptor.h"
#include "server/peer_socket.h"

#include <sys/socket.h>

namespace ledgerd::server {
namespace {

constexpr char kAsk[] = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

class HttpPortTest : public testing::Test {
 protected:
  static std::unique_ptr<HttpPort> Start(size_t connections_max) {
    auto port = HttpPort::Start(
        {.address = "127.0.0.1:0", .connections_max = connections_max},
        [](const HttpRequest& request) {
          return HttpAnswer{.body = request.path + " " +
                                    request.parameters.begin()->second};
        });
    LEDGERD_CHECK_OK(port.status());
    return *std::move(port);
  }

  FileDescriptor Connect() {
    const std::atomic<bool> stopping = false;
    Dialled dialled =
        Dial(port_->address(), std::chrono::seconds(10), stopping);
    LEDGERD_CHECK(dialled.socket.valid()) << dialled.error;
    return std::move(dialled.socket);
  }

  static void Send(const FileDescriptor& socket, const std::string& text) {
    EXPECT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // All until the other end has nothing more to say.
  static std::string Receive(const FileDescriptor& socket) {
    std::string all;
    for (;;) {
      pollfd polled = {.fd = socket.get(), .events = POLLIN, .revents = 0};
      poll(&polled, 1, -1);
      char buffer[4'096];
      const ssize_t size = recv(socket.get(), buffer, sizeof(buffer), 0);
      if (size <= 0) return all;
      all.append(buffer, static_cast<size_t>(size));
    }
  }

  std::unique_ptr<HttpPort> port_ = Start(/*connections_max=*/64);
};

TEST_F(HttpPortTest, ARequestIsAnswered) {
  const FileDescriptor client = Connect();
  Send(client, kAsk);
  const std::string answer = Receive(client);
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\n/a c")) << answer;
}

TEST_F(HttpPortTest, ARequestMayComeByteByByte) {
  const FileDescriptor client = Connect();
  for (const char byte : std::string(kAsk)) Send(client, std::string(1, byte));
  EXPECT_TRUE(absl::EndsWith(Receive(client), "/a c"));
}

TEST_F(HttpPortTest, WhoIsSlowHoldsUpNobodyAndIsCutOff) {
  const FileDescriptor slow = Connect();
  Send(slow, "GET /a");
  for (int i = 0; i < 3; ++i) {
    const FileDescriptor client = Connect();
    Send(client, kAsk);
    EXPECT_TRUE(absl::EndsWith(Receive(client), "/a c"));
  }
  EXPECT_EQ(Receive(slow), "");
}

TEST_F(HttpPortTest, ATooLongHeadIsRefused) {
  const FileDescriptor client = Connect();
  Send(client, "GET /" + std::string(HttpPort::kHeadMax, 'a'));
  EXPECT_TRUE(absl::StartsWith(Receive(client), "HTTP/1.1 431 "));
}

TEST_F(HttpPortTest, ANonsenseIsRefused) {
  const FileDescriptor client = Connect();
  Send(client, "\x16\x03\x01\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(Receive(client), "HTTP/1.1 400 "));
}

TEST_F(HttpPortTest, TheEndEndsThoseThatWait) {
  const FileDescriptor client = Connect();
  Send(client, "GET /a");
  port_ = nullptr;
  EXPECT_EQ(Receive(client), "");
}

TEST_F(HttpPortTest, ATakenPortIsSaidSo) {
  const auto second =
      HttpPort::Start({.address = port_->address()},
                      [](const HttpRequest&) { return HttpAnswer(); });
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
}

}  // namespace
}  // namespace ledgerd::server
