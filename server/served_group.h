// A ServedGroup is what the services see of one group: its running replica, and
// how others find it.
#ifndef LEDGERD_SERVER_SERVED_GROUP_H_
#define LEDGERD_SERVER_SERVED_GROUP_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "proto/base/mutex.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "replication/state_marks.h"
#include "server/damage_alarms.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/incident_keeper.h"
#include "server/peers.h"
#include "server/scrub_passes.h"
#include "storage/journal.h"
#include "storage/journal_archiver.h"
#include "storage/state_store.h"

namespace ledgerd::server {

// Where a replica is reached. Of this one: unknown until its ports are bound.
struct ReplicaAddresses {
  std::string client;
  std::string admin;
  // Empty when it has no others.
  std::string replication;
  // As the replica has said itself; 0: it has not been heard.
  Incarnation incarnation;
  // For probes and scrapers; empty: none. Not told to others.
  std::string metrics;
};

class SharedAddresses {
 public:
  // More are never asked for: those of a group, and who would like to join.
  static constexpr size_t kLearnedMax = 64;

  // This replica's own.
  void Set(ReplicaAddresses addresses) LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    addresses_ = std::move(addresses);
  }

  ReplicaAddresses Get() const LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return addresses_;
  }

  void Learn(ReplicaId replica, ReplicaAddresses addresses)
      LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (learned_.size() >= kLearnedMax && !learned_.contains(replica)) return;
    learned_[replica] = std::move(addresses);
  }

  // What was learned of `replica`; empty: nothing.
  ReplicaAddresses Of(ReplicaId replica) const LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = learned_.find(replica);
    return found == learned_.end() ? ReplicaAddresses() : found->second;
  }

 private:
  mutable Mutex mutex_;
  ReplicaAddresses addresses_ LEDGERD_GUARDED_BY(mutex_);
  std::map<ReplicaId, ReplicaAddresses> learned_ LEDGERD_GUARDED_BY(mutex_);
};

// All of it outlives the services.
struct ServedGroup {
  replication::ReplicaHandle& replica;
  storage::StateStore& store;
  const storage::Journal& journal;
  SharedAddresses& addresses;
  // What reads have met since the start.
  DamageAlarms& damage;
  ClusterId cluster;
  std::string data_dir;
  std::chrono::system_clock::time_point started_at;
  // What the state was, for comparison; null where that is not remembered.
  const replication::StateMarks* marks = nullptr;
  // Null when it is alone.
  Peers* peers = nullptr;
  // Null where the journal has no archive.
  const storage::JournalArchiver* archiver = nullptr;
  // The last looks for damage. Empty: nobody looks.
  std::function<ScrubPasses()> scrub_passes = nullptr;
  // Where what operators find out is recorded; null: nowhere.
  IncidentKeeper* incidents = nullptr;
  // Clients' writes that the group has not noted yet; null: not known.
  const CompletionTail* completion = nullptr;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_SERVED_GROUP_H_
