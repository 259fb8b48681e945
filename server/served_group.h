// A ServedGroup is what the services see of one group: its running replica, and
// how others find it.
#ifndef LEDGERD_SERVER_SERVED_GROUP_H_
#define LEDGERD_SERVER_SERVED_GROUP_H_

#include <chrono>
#include <string>

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "server/damage_alarms.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::server {

// Where this replica is reached. Unknown until both ports are bound.
struct ReplicaAddresses {
  std::string client;
  std::string admin;
};

class SharedAddresses {
 public:
  void Set(ReplicaAddresses addresses) LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    addresses_ = std::move(addresses);
  }

  ReplicaAddresses Get() const LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return addresses_;
  }

 private:
  mutable Mutex mutex_;
  ReplicaAddresses addresses_ LEDGERD_GUARDED_BY(mutex_);
};

// All of it outlives the services.
struct ServedGroup {
  replication::ReplicaHandle& replica;
  storage::StateStore& store;
  const storage::Journal& journal;
  const SharedAddresses& addresses;
  // What reads have met since the start.
  DamageAlarms& damage;
  ClusterId cluster;
  std::string data_dir;
  std::chrono::system_clock::time_point started_at;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_SERVED_GROUP_H_
