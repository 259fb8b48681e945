#include "server/serving_monitor.h"

#include <optional>
#include <utility>

namespace ledgerd::server {

ServingMonitor::ServingMonitor(const replication::ReplicaHandle& replica,
                               std::function<void(bool serving)> on_change)
    : replica_(replica),
      on_change_(std::move(on_change)),
      thread_([this] { Loop(); }) {}

ServingMonitor::~ServingMonitor() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.Signal();
  thread_.join();
}

void ServingMonitor::Loop() {
  std::optional<bool> told;
  while (true) {
    const bool serving = replica_.status().role == replication::Role::kPrimary;
    if (serving != told) {
      told = serving;
      on_change_(serving);
    }
    const MutexLock lock(mutex_);
    if (ending_) return;
    changed_.WaitFor(mutex_, kPeriod);
    if (ending_) return;
  }
}

}  // namespace ledgerd::server
