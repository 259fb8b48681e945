#include "server/connection_listener.h"

#include <fcntl.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace ledgerd::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How soon accepting is tried again that has failed for want of something.
constexpr milliseconds kPause{20};
// How often it is looked for clients that take nothing.
constexpr milliseconds kLookForTheDeaf{250};
// How soon it is seen that all clients have what they were sent.
constexpr milliseconds kLook{2};
constexpr size_t kEventsMax = 256;

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

// The kernel hands out the lowest number that is free. So one this high says
// that all below are in use, whatever for.
size_t DescriptorsFor(size_t kept) {
  rlimit limit{};
  LEDGERD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const size_t all = limit.rlim_cur;
  return all - std::min(kept, all / 2);
}

// So that the client sees a reset, and not an end without a word.
void Refuse(FileDescriptor refused) {
  const linger at_once{1, 0};
  setsockopt(refused.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void SetOptions(int connection) {
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // For peers that are gone, and for those that are there and never read.
  const auto silence = static_cast<unsigned>(
      milliseconds(ConnectionListener::kSilenceMax).count());
  setsockopt(connection, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence,
             sizeof(silence));
}

// What accept() says of the one connection that it has just lost.
bool IsOfTheConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO ||
         error == ENETDOWN || error == ENETUNREACH || error == EHOSTDOWN ||
         error == EHOSTUNREACH || error == ENOPROTOOPT || error == ENONET ||
         error == EOPNOTSUPP || error == EPERM || error == ETIMEDOUT;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::Bind(
    ConnectionListenerOptions options) {
  std::unique_ptr<ConnectionListener> listener(
      new ConnectionListener(std::move(options)));
  LEDGERD_ASSIGN_OR_RETURN(listener->sockets_,
                           Listen(listener->options_.address));
  return listener;
}

ConnectionListener::ConnectionListener(ConnectionListenerOptions options)
    : options_(std::move(options)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  LEDGERD_CHECK(epoll_.valid() && wake_.valid()) << ErrorText(errno);
}

ConnectionListener::~ConnectionListener() { Stop(milliseconds(0)); }

void ConnectionListener::Start(std::function<void(int)> take) {
  take_ = std::move(take);
  Watch(wake_.get(), /*readable=*/true, /*add=*/true);
  for (const FileDescriptor& socket : sockets_.sockets) {
    Watch(socket.get(), /*readable=*/true, /*add=*/true);
  }
  thread_ = std::thread([this] { Loop(); });
}

void ConnectionListener::Stop(milliseconds patience) {
  if (!thread_.joinable()) return;
  patience_ = patience;
  stopping_ = true;
  const uint64_t one = 1;
  LEDGERD_CHECK(write(wake_.get(), &one, sizeof(one)) == sizeof(one));
  thread_.join();
}

void ConnectionListener::Loop() {
  pthread_setname_np(pthread_self(), "accept");
  while (!stopping_) {
    const milliseconds idle =
        watched_.empty() ? milliseconds(-1) : kLookForTheDeaf;
    Wait(paused_ ? kPause : idle);
    if (paused_) ResumeAccepting();
    CutOffTheDeaf();
  }
  sockets_.sockets.clear();
  const auto until = steady_clock::now() + patience_;
  while (!AllHaveReached() && steady_clock::now() < until) Wait(kLook);
  for (const auto& [number, connection] : watched_) {
    shutdown(number, SHUT_RDWR);
  }
  watched_.clear();
  open_ = 0;
}

void ConnectionListener::Wait(milliseconds timeout) {
  std::array<epoll_event, kEventsMax> events{};
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsMax,
                               static_cast<int>(timeout.count()));
  for (int i = 0; i < count; ++i) {
    const int number = events[static_cast<size_t>(i)].data.fd;
    if (number == wake_.get()) {
      uint64_t times = 0;
      LEDGERD_CHECK(read(number, &times, sizeof(times)) == sizeof(times));
    } else if (watched_.contains(number)) {
      Forget(number);
    } else if (!paused_ && !stopping_) {
      AcceptAll(number);
    }
  }
}

void ConnectionListener::AcceptAll(int listener) {
  while (true) {
    FileDescriptor accepted(
        accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.valid()) {
      Take(std::move(accepted));
    } else if (errno == EAGAIN) {
      return;
    } else if (!IsOfTheConnection(errno)) {
      return PauseAccepting(errno);
    }
  }
}

void ConnectionListener::Take(FileDescriptor accepted) {
  FileDescriptor watched(fcntl(accepted.get(), F_DUPFD_CLOEXEC, 0));
  const size_t highest =
      static_cast<size_t>(std::max(accepted.get(), watched.get()));
  if (!watched.valid() ||
      highest >= DescriptorsFor(options_.descriptors_kept)) {
    Notice(refused_,
           "connections refused, to keep file descriptors for the "
           "journal: raise the limit (ulimit -n, LimitNOFILE=)");
    return Refuse(std::move(accepted));
  }
  if (watched_.size() >= options_.connections_max) {
    Notice(refused_, "connections refused: there are connections_max already");
    return Refuse(std::move(accepted));
  }
  SetOptions(accepted.get());
  const int number = watched.get();
  Watch(number, /*readable=*/false, /*add=*/true);
  watched_.emplace(number, Watched{std::move(watched), std::nullopt});
  open_ = watched_.size();
  take_(accepted.Release());
}

void ConnectionListener::PauseAccepting(int error) {
  Notice(exhausted_,
         absl::StrCat("cannot accept connections for now: ", ErrorText(error)));
  paused_ = true;
  for (const FileDescriptor& socket : sockets_.sockets) {
    Watch(socket.get(), /*readable=*/false, /*add=*/false);
  }
}

void ConnectionListener::ResumeAccepting() {
  paused_ = false;
  for (const FileDescriptor& socket : sockets_.sockets) {
    Watch(socket.get(), /*readable=*/true, /*add=*/false);
  }
}

// What is not watched for reading is seen when both directions have ended.
void ConnectionListener::Watch(int descriptor, bool readable, bool add) {
  epoll_event event{};
  if (readable) event.events = EPOLLIN;
  event.data.fd = descriptor;
  LEDGERD_CHECK(epoll_ctl(epoll_.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                          descriptor, &event) == 0)
      << ErrorText(errno);
}

void ConnectionListener::Forget(int watched) {
  // Explicitly: while gRPC has its own descriptor, epoll would keep this one.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watched, nullptr);
  watched_.erase(watched);
  open_ = watched_.size();
}

void ConnectionListener::CutOffTheDeaf() {
  const auto now = steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + kLookForTheDeaf;
  for (auto& [number, connection] : watched_) {
    if (!IsDeaf(connection, now)) continue;
    Notice(deaf_,
           "connections cut off: their clients asked without end and "
           "took no answer");
    shutdown(number, SHUT_RDWR);
  }
}

bool ConnectionListener::IsDeaf(Watched& connection,
                                steady_clock::time_point now) {
  const int number = connection.descriptor.get();
  int not_sent = 0;
  if (ioctl(number, SIOCOUTQNSD, &not_sent) != 0 || not_sent == 0) {
    connection.stall.reset();
    return false;
  }
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(number, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return false;
  }
  if (!connection.stall.has_value() ||
      connection.stall->acknowledged != info.tcpi_bytes_acked) {
    connection.stall =
        Stall{info.tcpi_bytes_acked, info.tcpi_bytes_received, now};
  }
  return now - connection.stall->since >= kDeafTime &&
         info.tcpi_bytes_received - connection.stall->received >= kDeafBytes;
}

bool ConnectionListener::AllHaveReached() const {
  return std::all_of(watched_.begin(), watched_.end(), [](const auto& one) {
    int waiting = 0;
    return ioctl(one.first, SIOCOUTQ, &waiting) != 0 || waiting == 0;
  });
}

void ConnectionListener::Notice(LogThrottle& throttle, absl::string_view what) {
  const auto times = throttle.Pass(steady_clock::now());
  if (times.has_value() && options_.notice) options_.notice(what, *times);
}

}  // namespace ledgerd::server
