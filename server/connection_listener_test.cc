#include "server/connection_listener.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace ledgerd::server {
namespace {

using std::chrono::milliseconds;

// A socket that connects to `address`, which is on 127.0.0.1.
FileDescriptor Connect(const std::string& address) {
  FileDescriptor made(socket(AF_INET, SOCK_STREAM, 0));
  LEDGERD_CHECK(made.valid());
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(
      static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  LEDGERD_CHECK(
      connect(made.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
  return made;
}

// Waits for the end of a connection; how it came: 0, or an errno.
int EndOf(const FileDescriptor& connection) {
  char byte = 0;
  const ssize_t size = recv(connection.get(), &byte, 1, 0);
  return size < 0 ? errno : 0;
}

// How many of them have been reset by now.
size_t CountRefused(const std::vector<FileDescriptor>& connections) {
  return static_cast<size_t>(std::count_if(
      connections.begin(), connections.end(), [](const FileDescriptor& one) {
        pollfd state{.fd = one.get(), .events = 0, .revents = 0};
        return poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0;
      }));
}

// Sets how many file descriptors this process may have, for as long as it is.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(size_t count) {
    LEDGERD_CHECK(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = count;
    LEDGERD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }

  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

size_t LowestFree() {
  const FileDescriptor lowest(fcntl(0, F_DUPFD_CLOEXEC, 0));
  LEDGERD_CHECK(lowest.valid());
  return static_cast<size_t>(lowest.get());
}

class ConnectionListenerTest : public ::testing::Test {
 protected:
  void Start(ConnectionListenerOptions options) {
    options.address = "127.0.0.1:0";
    options.notice = [this](absl::string_view what, size_t) {
      const MutexLock lock(mutex_);
      notices_.emplace_back(what);
    };
    auto bound = ConnectionListener::Bind(options);
    LEDGERD_CHECK_OK(bound.status());
    listener_ = *std::move(bound);
    listener_->Start([this](int descriptor) {
      const MutexLock lock(mutex_);
      taken_.emplace_back(descriptor);
      changed_.SignalAll();
    });
  }

  FileDescriptor Connect() {
    return ledgerd::server::Connect(listener_->address());
  }

  void WaitForTaken(size_t count) {
    const MutexLock lock(mutex_);
    while (taken_.size() < count) changed_.Wait(mutex_);
  }

  size_t Taken() {
    const MutexLock lock(mutex_);
    return taken_.size();
  }

  // As gRPC ends a connection.
  void EndTaken(size_t index) {
    const MutexLock lock(mutex_);
    shutdown(taken_[index].get(), SHUT_RDWR);
    taken_[index] = FileDescriptor();
  }

  void WaitForOpen(size_t count) {
    while (listener_->connections() != count) std::this_thread::yield();
  }

  std::vector<std::string> notices() {
    const MutexLock lock(mutex_);
    return notices_;
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<FileDescriptor> taken_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<std::string> notices_ LEDGERD_GUARDED_BY(mutex_);
  std::unique_ptr<ConnectionListener> listener_;
};

TEST_F(ConnectionListenerTest, HandsConnectionsOverAndSeesTheirEnd) {
  Start({});
  EXPECT_NE(listener_->address(), "127.0.0.1:0");
  const FileDescriptor first = Connect();
  const FileDescriptor second = Connect();
  WaitForTaken(2);
  WaitForOpen(2);
  {
    const MutexLock lock(mutex_);
    const int flags = fcntl(taken_[0].get(), F_GETFL);
    EXPECT_NE(flags & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(taken_[0].get(), F_GETFD), FD_CLOEXEC);
  }
  EndTaken(0);
  WaitForOpen(1);
  EXPECT_EQ(EndOf(first), 0);
}

TEST_F(ConnectionListenerTest, RefusesMoreThanItsLimitUntilThereIsRoom) {
  Start({.connections_max = 2});
  const FileDescriptor first = Connect();
  const FileDescriptor second = Connect();
  WaitForTaken(2);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(EndOf(Connect()), ECONNRESET);
  EXPECT_EQ(notices().size(), 1u) << "of ten";
  EndTaken(1);
  WaitForOpen(1);
  const FileDescriptor third = Connect();
  WaitForTaken(3);
}

TEST_F(ConnectionListenerTest, KeepsFileDescriptorsForOthers) {
  Start({.descriptors_kept = 50});
  const size_t used = LowestFree();
  const DescriptorLimit limit(used + 50 + 30);
  std::vector<FileDescriptor> clients;
  // Three for each that is taken: the client's, gRPC's, and the listener's.
  for (int i = 0; i < 25; ++i) clients.push_back(Connect());
  size_t refused = 0;
  while (refused + Taken() < clients.size()) {
    std::this_thread::yield();
    refused = CountRefused(clients);
  }
  EXPECT_GE(refused, 10u);
  EXPECT_GE(used + 50 + 30 - LowestFree(), 20u) << "are left for others";
  clients.clear();
  // Taken ones do not read here, so their ends are not seen by themselves.
  const size_t taken = Taken();
  for (size_t i = 0; i < taken; ++i) EndTaken(i);
  WaitForOpen(0);
  const FileDescriptor late = Connect();
  WaitForTaken(taken + 1);
}

TEST_F(ConnectionListenerTest, AcceptsAgainAfterThereWereNoDescriptorsAtAll) {
  Start({});
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM, 0));
  }
  {
    const DescriptorLimit none(LowestFree());
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string& address = listener_->address();
    to.sin_port = htons(static_cast<uint16_t>(
        std::stoi(address.substr(address.rfind(':') + 1))));
    for (const FileDescriptor& client : clients) {
      ASSERT_EQ(
          connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)),
          0);
    }
    while (notices().empty()) std::this_thread::yield();
    EXPECT_EQ(listener_->connections(), 0u);
    EXPECT_NE(notices()[0].find("Too many open files"), std::string::npos);
  }
  WaitForTaken(4);
}

// The client asks and asks; the server's side reads all of it, and what it has
// answered stays in its own kernel.
TEST_F(ConnectionListenerTest, ADeafClientIsCutOff) {
  Start({});
  const FileDescriptor client = Connect();
  WaitForTaken(1);
  int server = -1;
  {
    const MutexLock lock(mutex_);
    server = taken_[0].get();
  }
  std::string bytes(size_t{64} << 10, 'x');
  while (send(server, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
  }
  // What was sent goes on into the client's kernel, until that is full too.
  while (send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    while (recv(server, bytes.data(), bytes.size(), 0) > 0) {
    }
    while (send(server, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  WaitForOpen(0);
  EXPECT_EQ(notices().size(), 1u);
}

// The same of a client that asks for nothing more is none of our business: the
// kernel's time limit ends it.
TEST_F(ConnectionListenerTest, ASlowClientIsNotCutOffAtOnce) {
  Start({});
  const FileDescriptor slow = Connect();
  WaitForTaken(1);
  const std::string bytes(size_t{1} << 20, 'x');
  {
    const MutexLock lock(mutex_);
    while (send(taken_[0].get(), bytes.data(), bytes.size(), 0) > 0) {
    }
  }
  const FileDescriptor other = Connect();
  // Several looks later.
  timeval second{1, 0};
  setsockopt(other.get(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
  EXPECT_EQ(EndOf(other), EAGAIN);
  EXPECT_EQ(listener_->connections(), 2u);
}

TEST_F(ConnectionListenerTest, StopWaitsForWhatWasSent) {
  Start({});
  const FileDescriptor client = Connect();
  WaitForTaken(1);
  // More than a client's kernel takes without somebody who reads.
  std::string sent(size_t{1} << 20, 'x');
  ssize_t size = 0;
  {
    const MutexLock lock(mutex_);
    size = send(taken_[0].get(), sent.data(), sent.size(), 0);
    ASSERT_GT(size, 0);
  }
  std::thread reader([&client, size] {
    std::string got(static_cast<size_t>(size), ' ');
    EXPECT_EQ(recv(client.get(), got.data(), got.size(), MSG_WAITALL), size);
    EXPECT_EQ(EndOf(client), 0);
  });
  listener_->Stop(std::chrono::minutes(1));
  reader.join();
}

TEST_F(ConnectionListenerTest, StopEndsWhatIsIdleAtOnce) {
  Start({});
  const FileDescriptor client = Connect();
  WaitForTaken(1);
  const auto begin = std::chrono::steady_clock::now();
  listener_->Stop(std::chrono::minutes(1));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
  EXPECT_EQ(EndOf(client), 0);
  EXPECT_EQ(listener_->connections(), 0u);
}

TEST(ListenTest, NamesStandForAllTheirAddresses) {
  const auto both = Listen("localhost:0");
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_GE(both->sockets.size(), 1u);
  EXPECT_EQ(both->address.find("localhost:"), 0u);
  Connect(both->address);
  const auto taken = Listen(both->address);
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(taken.status().message()).find(both->address),
            std::string::npos);
}

TEST(ListenTest, NonsenseIsRefused) {
  for (const char* address :
       {"", "7300", ":7300", "127.0.0.1:port", "127.0.0.256:1"}) {
    const auto status = Listen(address).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address;
  }
  // Of TEST-NET-1: no machine's.
  EXPECT_EQ(Listen("192.0.2.1:0").status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace ledgerd::server
