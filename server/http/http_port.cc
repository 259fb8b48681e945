#include "server/http/http_port.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"

#include "proto/base/status_macros.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

namespace ledgerd::server {
namespace {

// How soon one whose time is up is seen.
constexpr int kLookMs = 100;

bool IsOver(const std::string& head) {
  return absl::StrContains(head, "\r\n\r\n");
}

bool WouldWait(ssize_t size) {
  return size < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpPort>> HttpPort::Start(
    ConnectionListenerOptions options, Handler handler) {
  LEDGERD_ASSIGN_OR_RETURN(auto listener,
                           ConnectionListener::Bind(std::move(options)));
  FileDescriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.valid()) {
    return absl::ResourceExhaustedError("no file descriptor is left");
  }
  return std::unique_ptr<HttpPort>(
      new HttpPort(std::move(listener), std::move(wake), std::move(handler)));
}

HttpPort::HttpPort(std::unique_ptr<ConnectionListener> listener,
                   FileDescriptor wake, Handler handler)
    : handler_(std::move(handler)),
      wake_(std::move(wake)),
      listener_(std::move(listener)),
      thread_([this] { Loop(); }) {
  listener_->Start([this](int descriptor) { Take(descriptor); });
}

HttpPort::~HttpPort() {
  listener_->Stop(std::chrono::milliseconds(0));
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

void HttpPort::Take(int descriptor) {
  {
    const MutexLock lock(mutex_);
    taken_.emplace_back(descriptor);
  }
  eventfd_write(wake_.get(), 1);
}

void HttpPort::Loop() {
  while (!stopping_) {
    Wait();
    Admit();
  }
}

void HttpPort::Admit() {
  std::vector<FileDescriptor> taken;
  {
    const MutexLock lock(mutex_);
    taken.swap(taken_);
  }
  for (FileDescriptor& socket : taken) {
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    connection.until = std::chrono::steady_clock::now() + kPatience;
  }
}

void HttpPort::Wait() {
  std::vector<pollfd> polled = {
      {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const Connection& connection : connections_) {
    const bool sending = connection.sent < connection.answer.size();
    polled.push_back(
        {.fd = connection.socket.get(),
         .events = static_cast<int16_t>(sending ? POLLOUT : POLLIN),
         .revents = 0});
  }
  poll(polled.data(), polled.size(), connections_.empty() ? -1 : kLookMs);
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
  size_t i = 0;
  std::erase_if(connections_, [&](Connection& connection) {
    if (Advance(connection, polled[++i].revents)) return false;
    // The listener sees the end by this.
    shutdown(connection.socket.get(), SHUT_RDWR);
    return true;
  });
}

bool HttpPort::Advance(Connection& connection, int16_t events) {
  if (std::chrono::steady_clock::now() > connection.until) return false;
  if (events == 0) return true;
  if (connection.sent < connection.answer.size()) return Send(connection);
  return Receive(connection);
}

// After the answer the client's end is waited for: what it has sent and nobody
// has read would make the kernel throw away what it has not read.
bool HttpPort::Receive(Connection& connection) {
  char buffer[4'096];
  const ssize_t size = recv(connection.socket.get(), buffer, sizeof(buffer), 0);
  if (WouldWait(size)) return true;
  if (size <= 0) return false;
  if (!connection.answer.empty()) return true;
  connection.head.append(buffer, static_cast<size_t>(size));
  if (!IsOver(connection.head) && connection.head.size() < kHeadMax) {
    return true;
  }
  Answer(connection);
  return Send(connection);
}

void HttpPort::Answer(Connection& connection) {
  ParsedHead head = ParseHead(connection.head);
  if (!IsOver(connection.head)) head.refusal = 431;
  const HttpAnswer answer = head.refusal == 0
                                ? handler_(head.request)
                                : HttpAnswer{.status = head.refusal};
  connection.answer = Serialize(answer, head.wants_body);
  connection.until = std::chrono::steady_clock::now() + kPatience;
}

bool HttpPort::Send(Connection& connection) {
  const ssize_t size =
      send(connection.socket.get(), connection.answer.data() + connection.sent,
           connection.answer.size() - connection.sent, MSG_NOSIGNAL);
  if (WouldWait(size)) return true;
  if (size < 0) return false;
  connection.sent += static_cast<size_t>(size);
  if (connection.sent == connection.answer.size()) {
    shutdown(connection.socket.get(), SHUT_WR);
  }
  return true;
}

}  // namespace ledgerd::server
