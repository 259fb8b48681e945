#include "server/peer_socket.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "server/file_descriptor.h"
#include "server/listen_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace ledgerd::server {
namespace {

constexpr std::chrono::seconds kPatience(10);

TEST(PeerSocketTest, ConnectsToWhoListens) {
  const auto listening = Listen("127.0.0.1:0");
  ASSERT_TRUE(listening.ok()) << listening.status();
  const std::atomic<bool> stopping = false;
  const Dialled dialled = Dial(listening->address, kPatience, stopping);
  EXPECT_TRUE(dialled.socket.valid()) << dialled.error;
  EXPECT_FALSE(dialled.is_refused);
  // Nothing was sent, so nothing waits.
  SilenceWatch watch(dialled.socket.get());
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(watch.SilentFor(now), now - now);
  EXPECT_EQ(watch.SilentFor(now + kPatience), now - now);
}

TEST(PeerSocketTest, ARefusalIsToldFromSilence) {
  std::string address;
  {
    const auto listening = Listen("127.0.0.1:0");
    ASSERT_TRUE(listening.ok()) << listening.status();
    address = listening->address;
  }
  const std::atomic<bool> stopping = false;
  const Dialled refused = Dial(address, kPatience, stopping);
  EXPECT_FALSE(refused.socket.valid());
  EXPECT_TRUE(refused.is_refused);
  EXPECT_NE(refused.error.find(address), std::string::npos) << refused.error;
}

// A listener whose backlog is full: what more is sent to it is dropped, as on a
// network that is cut.
class SilentListener {
 public:
  SilentListener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    auto* any = reinterpret_cast<sockaddr*>(&at);
    EXPECT_EQ(bind(socket_.get(), any, size), 0);
    EXPECT_EQ(listen(socket_.get(), 0), 0);
    EXPECT_EQ(getsockname(socket_.get(), any, &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    const std::atomic<bool> stopping = false;
    while (true) {
      filling_.push_back(
          Dial(address_, std::chrono::milliseconds(100), stopping));
      if (!filling_.back().socket.valid()) return;
    }
  }

  const std::string& address() const { return address_; }

 private:
  const FileDescriptor socket_;
  std::string address_;
  std::vector<Dialled> filling_;
};

TEST(PeerSocketTest, SilenceIsNoRefusal) {
  const SilentListener silent;
  const std::atomic<bool> stopping = false;
  const Dialled dialled =
      Dial(silent.address(), std::chrono::milliseconds(100), stopping);
  EXPECT_FALSE(dialled.socket.valid());
  EXPECT_FALSE(dialled.is_refused) << dialled.error;
}

TEST(PeerSocketTest, AStopEndsTheWait) {
  const SilentListener silent;
  const std::atomic<bool> stopping = true;
  const Dialled dialled =
      Dial(silent.address(), std::chrono::hours(1), stopping);
  EXPECT_FALSE(dialled.socket.valid());
}

TEST(PeerSocketTest, WhatIsNoAddressIsToldSo) {
  const std::atomic<bool> stopping = false;
  const Dialled dialled = Dial("nowhere", kPatience, stopping);
  EXPECT_FALSE(dialled.socket.valid());
  EXPECT_FALSE(dialled.is_refused);
  EXPECT_NE(dialled.error.find("nowhere"), std::string::npos);
}

}  // namespace
}  // namespace ledgerd::server
