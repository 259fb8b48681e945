#include "server/stop_signal.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "proto/base/check.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>

namespace ledgerd::server {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

StopSignal::StopSignal() {
  const sigset_t signals = StopSignals();
  LEDGERD_CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  // A log whose reader is gone must not end the daemon.
  LEDGERD_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  wakes_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  LEDGERD_CHECK(signals_ >= 0 && wakes_ >= 0) << "errno " << errno;
}

StopSignal::~StopSignal() {
  close(signals_);
  close(wakes_);
}

void StopSignal::Wake() const {
  const uint64_t one = 1;
  LEDGERD_CHECK(write(wakes_, &one, sizeof(one)) == sizeof(one));
}

std::string StopSignal::Wait() {
  pollfd waited[] = {{signals_, POLLIN, 0}, {wakes_, POLLIN, 0}};
  while (poll(waited, 2, -1) <= 0) LEDGERD_CHECK(errno == EINTR);
  signalfd_siginfo info{};
  const bool signalled = read(signals_, &info, sizeof(info)) == sizeof(info);
  const sigset_t signals = StopSignals();
  LEDGERD_CHECK(pthread_sigmask(SIG_UNBLOCK, &signals, nullptr) == 0);
  if (!signalled) return "";
  return info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT";
}

}  // namespace ledgerd::server
