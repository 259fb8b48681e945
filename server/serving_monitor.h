// A ServingMonitor tells when a replica begins to serve, and when it ceases to.
//
//   ServingMonitor monitor(replica, [&](bool serving) { ... });
//
// Threads  The call-back runs on the monitor's own thread, the first time soon
//          after construction. Destroyed before the replica.
#ifndef LEDGERD_SERVER_SERVING_MONITOR_H_
#define LEDGERD_SERVER_SERVING_MONITOR_H_

#include <chrono>
#include <functional>
#include <thread>

#include "proto/base/mutex.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

class ServingMonitor {
 public:
  static constexpr std::chrono::milliseconds kPeriod{10};

  ServingMonitor(const replication::ReplicaHandle& replica,
                 std::function<void(bool serving)> on_change);
  ~ServingMonitor();

  ServingMonitor(const ServingMonitor&) = delete;
  ServingMonitor& operator=(const ServingMonitor&) = delete;

 private:
  void Loop() LEDGERD_EXCLUDES(mutex_);

  const replication::ReplicaHandle& replica_;
  const std::function<void(bool)> on_change_;
  Mutex mutex_;
  CondVar changed_;
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_SERVING_MONITOR_H_
