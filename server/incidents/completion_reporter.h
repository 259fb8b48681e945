// A CompletionReporter has the group know what became of clients' writes: as
// the primary it journals a note, when one is due; everywhere it completes the
// tail after a start, and keeps how far was answered for the next process.
//
//   CompletionReporter reporter(tail, keeper, replica, store, journal, clock);
//   ...
//   reporter.Stop();
//
// Shape    A look each kLook. A note after kNoteAfter, or sooner: when writes
//          of an older epoch wait for it, or there are many. Nothing while
//          nobody writes.
// Threads  One of its own.
// Source   counters.md: completion.
#ifndef LEDGERD_SERVER_INCIDENTS_COMPLETION_REPORTER_H_
#define LEDGERD_SERVER_INCIDENTS_COMPLETION_REPORTER_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "replication/replica_handle.h"
#include "server/incidents/completion_tail.h"
#include "server/incidents/incident_keeper.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::server {

class CompletionReporter {
 public:
  static constexpr std::chrono::milliseconds kLook{900};
  static constexpr std::chrono::seconds kNoteAfter{60};

  struct Ports {
    CompletionTail& tail;
    IncidentKeeper& keeper;
    replication::ReplicaHandle& replica;
    storage::StateStore& store;
    const storage::Journal& journal;
    const replication::Clock& clock;
  };

  // All of `ports` outlives it.
  explicit CompletionReporter(Ports ports);
  ~CompletionReporter();

  // Saves how far was answered.
  void Stop();

 private:
  void Loop();
  bool WaitForNext() LEDGERD_EXCLUDES(mutex_);
  bool IsEnding() LEDGERD_EXCLUDES(mutex_);
  void Save(const replication::ReplicaStatus& status);
  // Reads what the tail lacks, if that can be done by now.
  void Complete();
  // Up to where the group's notes go, as applied here.
  absl::StatusOr<Sequence> ReadNoted();
  void Note(const replication::ReplicaStatus& status);

  Ports ports_;
  const Timestamp series_;
  uint64_t number_ = 1;
  std::chrono::steady_clock::time_point next_try_;
  Mutex mutex_;
  CondVar changed_;
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_COMPLETION_REPORTER_H_
