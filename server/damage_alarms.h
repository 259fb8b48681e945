// DamageAlarms remember what reads have met, for an operator who asks: a client
// that was refused with DATA_LOSS is the only other one who knows.
//
//   alarms.Raise(DamageAlarms::Place::kState, error, clock.WallNow());
//   for (const DamageAlarms::Alarm& alarm : alarms.Get()) ...
//
// Shape    At most one of each name, with the first error and how many came
//          after it: STATE_DAMAGED, JOURNAL_DAMAGED and, where replicas were
//          compared, STATE_MISMATCH for DATA_LOSS, else DISK_ERROR. They stay
//          until an operator clears them or the process ends: what is on the
//          disk does not heal by itself. What the scrubber has mended ends its
//          alarm.
// Threads  Any.
#ifndef LEDGERD_SERVER_DAMAGE_ALARMS_H_
#define LEDGERD_SERVER_DAMAGE_ALARMS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "proto/types.h"

namespace ledgerd::server {

class DamageAlarms {
 public:
  enum class Place { kState, kJournal, kReplicas };

  struct Alarm {
    std::string name;
    // The error names the file.
    std::string message;
    Timestamp raised_at;
  };

  // Of a read that has failed. True: this error is to be logged, as it has not
  // been met since the start, or since its alarm was cleared.
  bool Raise(Place place, const absl::Status& error, Timestamp now)
      LEDGERD_EXCLUDES(mutex_);

  // The same of what is told once more, by who sees to it: nothing is raised,
  // or counted, of an error that the alarm has.
  bool RaiseUnlessTold(Place place, const absl::Status& error, Timestamp now)
      LEDGERD_EXCLUDES(mutex_);

  // The operator has seen to it; the next one that is met raises it again.
  // False: there is none of this name.
  bool Clear(const std::string& name) LEDGERD_EXCLUDES(mutex_);

  // What was damaged there is mended.
  void ClearDamage(Place place) LEDGERD_EXCLUDES(mutex_);

  // By name.
  std::vector<Alarm> Get() const LEDGERD_EXCLUDES(mutex_);

  // How often damage was met since the start, cleared or not: DATA_LOSS, and
  // not a device's error.
  uint64_t detections() const LEDGERD_EXCLUDES(mutex_);

 private:
  struct Raised {
    std::string first;
    Timestamp at;
    uint64_t more = 0;
    // Of the errors, the first ones.
    std::set<std::string> messages;
  };

  bool RaiseLocked(const std::string& name, const absl::Status& error,
                   Timestamp now) LEDGERD_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Raised> raised_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t detections_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_DAMAGE_ALARMS_H_
