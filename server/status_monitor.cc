#include "server/status_monitor.h"

#include <utility>

namespace ledgerd::server {

StatusMonitor::StatusMonitor(
    const replication::ReplicaHandle& replica,
    std::function<void(const replication::ReplicaStatus&)> on_look)
    : replica_(replica),
      on_look_(std::move(on_look)),
      thread_([this] { Loop(); }) {}

StatusMonitor::~StatusMonitor() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.Signal();
  thread_.join();
}

void StatusMonitor::Loop() {
  while (true) {
    on_look_(replica_.status());
    const MutexLock lock(mutex_);
    if (ending_) return;
    changed_.WaitFor(mutex_, kPeriod);
    if (ending_) return;
  }
}

}  // namespace ledgerd::server
