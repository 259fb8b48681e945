// A StatusMonitor looks at a replica again and again, for whoever tells others
// what has become of it.
//
//   StatusMonitor monitor(replica, [&](const ReplicaStatus& status) { ... });
//
// Threads  The call-back runs on the monitor's own thread, the first time soon
//          after construction. Destroyed before the replica.
#ifndef LEDGERD_SERVER_STATUS_MONITOR_H_
#define LEDGERD_SERVER_STATUS_MONITOR_H_

#include <chrono>
#include <functional>
#include <thread>

#include "proto/base/mutex.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

class StatusMonitor {
 public:
  static constexpr std::chrono::milliseconds kPeriod{10};

  StatusMonitor(const replication::ReplicaHandle& replica,
                std::function<void(const replication::ReplicaStatus&)> on_look);
  ~StatusMonitor();

  StatusMonitor(const StatusMonitor&) = delete;
  StatusMonitor& operator=(const StatusMonitor&) = delete;

 private:
  void Loop() LEDGERD_EXCLUDES(mutex_);

  const replication::ReplicaHandle& replica_;
  const std::function<void(const replication::ReplicaStatus&)> on_look_;
  Mutex mutex_;
  CondVar changed_;
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_STATUS_MONITOR_H_
