// What a replica is to others, by its status: whether it takes writes, serves
// reads, is ready; and what its log says of that.
//
//   Standing now = StandingOf(status, before);
//   if (now != before) ...
//
//   StandingLog log(logger);
//   log.Note(status);          // again and again; says what is new
#ifndef LEDGERD_SERVER_STANDING_H_
#define LEDGERD_SERVER_STANDING_H_

#include <optional>
#include <set>

#include "absl/strings/string_view.h"

#include "proto/types.h"
#include "replication/replica_handle.h"
#include "server/logging.h"

namespace ledgerd::server {

struct Standing {
  // Primary, with its epoch's start committed.
  bool writes = false;
  // That, or a standby that has caught up since it found its primary.
  bool reads = false;
  // It does its part: primary, or follows one.
  bool ready = false;

  friend bool operator==(const Standing&, const Standing&) = default;
};

Standing StandingOf(const replication::ReplicaStatus& status,
                    const Standing& before);

// It reads, or follows without a state that is read: a witness keeps none, a
// learner answers nobody.
bool IsWithTheGroup(const Standing& standing, replication::Role role);

absl::string_view Name(replication::Role role);

// What an alarm means, and what to do.
absl::string_view WordsFor(replication::Alarm alarm);

// Threads  One at a time.
class StandingLog {
 public:
  explicit StandingLog(Logger& logger) : logger_(logger) {}

  void Note(const replication::ReplicaStatus& status);

 private:
  Logger& logger_;
  std::optional<replication::Role> role_;
  Epoch epoch_;
  ReplicaId primary_;
  std::set<replication::Alarm> alarms_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_STANDING_H_
