// An IncidentKeeper is where a replica's incidents are raised and closed: each
// is on its own disk before anything is done about it, and kept until the group
// has it.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto keeper, IncidentKeeper::Open(options));
//   const uint64_t number = keeper->Raise({.kind = IncidentKind::kDiskFull,
//                                          .cause = "no space for ..."});
//   ...
//   keeper->Close(number, {.resolution = "there is space again"});
//
// Shape       Open incidents by their number; beside them the records that the
//             group has not been told yet, oldest first (incident_reporter.h
//             tells it). What a process left open, the next one closes as
//             failed; but a crash replay, and a restore, goes on with another
//             attempt, and how a fault ends that has halted the replica is
//             known when it is back.
// Same cause  What is raised again within kSameCause of its end, or while it is
//             open, is the same incident, seen once more.
// Durability  Raise and Close have synced when they return.
// Errors      Of Open: those of the file, but for RESOURCE_EXHAUSTED: on a full
//             disk that has no file of them yet they are kept in memory alone.
//             A write that fails later is the disk's fault as any other:
//             on_fault is called, once, and the process should end.
// Limits      kUnsentMax records that wait: the oldest is dropped then, which
//             leaves a gap in the numbers (C). kOpenMax are open at most: what
//             would be one more is not recorded, but leaves its number too.
// Threads     Any. Raise and Close wait for the disk.
// Source      counters.md.
#ifndef LEDGERD_SERVER_INCIDENTS_INCIDENT_KEEPER_H_
#define LEDGERD_SERVER_INCIDENTS_INCIDENT_KEEPER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/incident.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "server/incidents/completion_tail.h"
#include "server/logging.h"
#include "storage/file.h"
#include "storage/incident_file.h"

namespace ledgerd::server {

struct IncidentSeen {
  IncidentKind kind = IncidentKind::kCrashReplay;
  std::string cause;
  Epoch epoch;
  bool injected = false;
  bool planned = false;
  // When it began, if that was before now.
  Timestamp since;
  // This replica was the primary then.
  bool of_primary = false;
  // It halts for it.
  bool halts = false;
};

struct IncidentEnd {
  IncidentOutcome outcome = IncidentOutcome::kSuccess;
  std::string resolution;
  uint64_t lost_entries = 0;
  uint64_t rolled_back_entries = 0;
  uint64_t write_unavailable_ns = 0;
  std::vector<IncidentPhase> phases;
};

// What stands beside the counters (IsNote).
struct IncidentNote {
  IncidentKind kind = IncidentKind::kConsistencyCheck;
  std::string what;
  bool successful = true;
  // 0: now.
  Timestamp at;
};

struct IncidentKeeperOptions {
  std::string data_dir;
  ReplicaId replica;
  // Any thread; may not call the keeper.
  std::function<void(const absl::Status&)> on_fault;
};

class IncidentKeeper {
 public:
  static constexpr size_t kUnsentMax = 300;
  static constexpr size_t kOpenMax = 32;
  static constexpr std::chrono::seconds kSameCause{10};

  // Everything outlives it.
  static absl::StatusOr<std::unique_ptr<IncidentKeeper>> Open(
      storage::FileSystem& files, const IncidentKeeperOptions& options,
      const replication::Clock& clock, Logger& logger);

  // The process before this one did not end cleanly.
  bool crashed() const { return crashed_; }

  // This process may write from here on: if it does not end cleanly, the next
  // one has something to replay.
  void BeginRunning() LEDGERD_EXCLUDES(mutex_);

  // Its number.
  uint64_t Raise(const IncidentSeen& seen) LEDGERD_EXCLUDES(mutex_);

  // The number of the one of this kind that was open at the start already. It
  // is another attempt if the process before crashed.
  std::optional<uint64_t> GoOn(IncidentKind kind) LEDGERD_EXCLUDES(mutex_);

  // Those that the replica has halted for, and that are open.
  std::vector<Incident> Halted() const LEDGERD_EXCLUDES(mutex_);

  // Does nothing unless it is open.
  void Close(uint64_t number, const IncidentEnd& end) LEDGERD_EXCLUDES(mutex_);

  // Those of this kind that are open.
  void CloseAll(IncidentKind kind, const IncidentEnd& end)
      LEDGERD_EXCLUDES(mutex_);

  // Tells the group, too; nothing ends it.
  void AddNote(const IncidentNote& note) LEDGERD_EXCLUDES(mutex_);

  // How far the primary of an epoch had answered when that was saved last; 0:
  // nothing was. In this replica's file alone.
  CompletionTail::Answered answered() const LEDGERD_EXCLUDES(mutex_);
  void SaveAnswered(const CompletionTail::Answered& answered)
      LEDGERD_EXCLUDES(mutex_);

  // This process ends, and has left nothing to replay. What is open is closed
  // as aborted.
  void EndCleanly() LEDGERD_EXCLUDES(mutex_);

  // Why on_fault was called; OK otherwise.
  absl::Status fault() const LEDGERD_EXCLUDES(mutex_);

  // ---- for whoever tells the group

  // What it has not been told, oldest first; at most kIncidentsAtOnceMax.
  std::vector<Incident> Unsent() const LEDGERD_EXCLUDES(mutex_);

  // It has been told these, as Unsent returned them.
  void NoteSent(const std::vector<Incident>& sent) LEDGERD_EXCLUDES(mutex_);

  // Waits until there is something unsent, or `End` was called: false.
  bool WaitForUnsent() LEDGERD_EXCLUDES(mutex_);
  // Waits so long, or until `End` was called: false.
  bool WaitAWhile(std::chrono::milliseconds time) LEDGERD_EXCLUDES(mutex_);
  void End() LEDGERD_EXCLUDES(mutex_);

 private:
  struct Ended {
    Incident incident;
    std::chrono::steady_clock::time_point at;
  };

  IncidentKeeper(IncidentKeeperOptions options,
                 std::unique_ptr<storage::IncidentFile> file,
                 const replication::Clock& clock, Logger& logger);

  void Load(const std::string& contents) LEDGERD_REQUIRES(mutex_);
  void CloseWhatWasLeft() LEDGERD_REQUIRES(mutex_);
  Incident* FindSame(const IncidentSeen& seen) LEDGERD_REQUIRES(mutex_);
  void CloseOne(Incident incident, const IncidentEnd& end)
      LEDGERD_REQUIRES(mutex_);
  // Puts the record of its present state at the end of what is unsent.
  void Tell(const Incident& incident) LEDGERD_REQUIRES(mutex_);
  void Save() LEDGERD_REQUIRES(mutex_);

  const IncidentKeeperOptions options_;
  // Null where there was no space for it.
  const std::unique_ptr<storage::IncidentFile> file_;
  const replication::Clock& clock_;
  Logger& logger_;
  bool crashed_ = false;
  mutable Mutex mutex_;
  CondVar changed_;
  Timestamp series_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t last_number_ LEDGERD_GUARDED_BY(mutex_) = 0;
  bool running_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;
  absl::Status fault_ LEDGERD_GUARDED_BY(mutex_);
  std::map<uint64_t, Incident> open_ LEDGERD_GUARDED_BY(mutex_);
  CompletionTail::Answered answered_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<Incident> unsent_ LEDGERD_GUARDED_BY(mutex_);
  // By this process, not longer ago than kSameCause.
  std::vector<Ended> ended_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_INCIDENT_KEEPER_H_
