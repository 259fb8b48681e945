// An EventFeed reads events for all who watch them, each piece once for those
// who are at the same place.
//
//   EventFeed feed(replica, store);
//   EventFeed::Piece piece = feed.Get(position, this, [](auto piece) { ... });
//   if (piece == nullptr) ...  // the call-back has it, once there is something
//   feed.Leave(position, this);   // ... or it is not wanted any more
//
// Shape    A piece begins at a position and is bounded; the next one begins
//          where it ends. Watchers who have all that there is are at one
//          position, so one read serves them all, however many they are; a few
//          pieces are kept for those who come a little later. A slow one is at
//          a place of its own, and reads from there when it is ready for more:
//          nobody waits for it, and nothing is kept for it.
// Waiting  One read of the replica waits for the next entry, for all who want
//          what is not applied yet, however far ahead; none when nobody does.
// Errors   Given to the call-back: COMPACTED (OUT_OF_RANGE), NO_PRIMARY when
//          the entry did not come and no primary is known, and those of
//          ReplicaHandle::Read.
// Threads  Get: any. Call-backs run on the feed's own thread. Outlives those
//          who watch, and the replica's last read.
// Source   ledger.proto, WatchEvents.
#ifndef LEDGERD_SERVER_EVENT_FEED_H_
#define LEDGERD_SERVER_EVENT_FEED_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/base/mutex.h"
#include "proto/types.h"
#include "replication/replica_handle.h"
#include "server/answer_thread.h"
#include "server/responses.h"
#include "storage/state_store.h"
#include "storage/watched_event.h"

namespace ledgerd::server {

class EventFeed {
 public:
  // Of one piece; at about 400 bytes on the wire and 1 KiB in memory each.
  static constexpr size_t kEventsMax = kPieceEventsMax;
  static constexpr size_t kPiecesKept = 16;
  // Of the read that waits for the next entry; then it is begun again, if
  // anyone still wants one and the replica may still hear of one: where no
  // primary is known watches end, as others go on elsewhere perhaps.
  static constexpr std::chrono::seconds kWait{2};

  struct Messages {
    // One for each entry that has events in the piece.
    std::vector<ledger::v1::WatchEventsResponse> messages;
    // What it takes in memory for each who holds it, about.
    size_t bytes = 0;
    // Where the next piece begins; all before it is told.
    storage::EventPosition next;
  };

  using Piece = std::shared_ptr<const Messages>;
  using Done = std::function<void(absl::StatusOr<Piece>)>;

  EventFeed(replication::ReplicaHandle& replica, storage::StateStore& store)
      : replica_(replica), store_(store) {}

  // The piece that begins at `from`, if it is at hand; else null, and `done` is
  // called once, unless `watcher` leaves before. Waits for the entry `from` to
  // be applied. Requires: `watcher` waits for nothing else.
  Piece Get(storage::EventPosition from, const void* watcher, Done done)
      LEDGERD_EXCLUDES(mutex_);

  // Forgets what `watcher` waits for at `from`, if it still does; its call-back
  // may be running or about to run if not.
  void Leave(storage::EventPosition from, const void* watcher)
      LEDGERD_EXCLUDES(mutex_);

  // A copy of the first events of `piece`, which begins at `from` and has some:
  // `count` at most, all of one entry.
  static Piece FirstOf(const Messages& piece, storage::EventPosition from,
                       size_t count);

  // Runs `task` on the thread of the call-backs.
  void Run(std::function<void()> task) { thread_.Run(std::move(task)); }

  // Whose call-backs wait for a piece. For tests.
  size_t waiting() const LEDGERD_EXCLUDES(mutex_);

 private:
  struct Waiting {
    absl::flat_hash_map<const void*, Done> watchers;
    // The piece is being read; else its entry is waited for.
    bool reading = false;
  };

  // Waits for the next entry, if somebody wants one and nothing waits yet.
  void WaitForNext() LEDGERD_EXCLUDES(mutex_);
  // On the replica thread: something is applied, or the wait is over.
  std::function<void()> OnApplied(const absl::StatusOr<Sequence>& at)
      LEDGERD_EXCLUDES(mutex_);
  void OnNothingApplied(const absl::Status& error) LEDGERD_EXCLUDES(mutex_);
  // Those whose entry is applied as of `at`; each is to be read then.
  std::vector<storage::EventPosition> TakeReady(Sequence at)
      LEDGERD_EXCLUDES(mutex_);
  // Begins to read the piece for those who wait for it.
  void Read(storage::EventPosition from) LEDGERD_EXCLUDES(mutex_);
  // On the replica thread.
  std::function<void()> Begin(storage::EventPosition from,
                              const absl::StatusOr<Sequence>& at)
      LEDGERD_EXCLUDES(mutex_);
  // False when nobody is left who waits for what was to be read.
  bool IsWanted(storage::EventPosition from) LEDGERD_EXCLUDES(mutex_);
  // On the feed's thread.
  void Deliver(storage::EventPosition from,
               const absl::StatusOr<storage::FoundEvents>& found)
      LEDGERD_EXCLUDES(mutex_);
  void CallAll(storage::EventPosition from, const absl::StatusOr<Piece>& piece)
      LEDGERD_EXCLUDES(mutex_);
  void FailWaiting(const absl::Status& error) LEDGERD_EXCLUDES(mutex_);

  replication::ReplicaHandle& replica_;
  storage::StateStore& store_;

  mutable Mutex mutex_;
  // None without watchers, unless it is being read.
  std::map<storage::EventPosition, Waiting> waiting_ LEDGERD_GUARDED_BY(mutex_);
  // All up to here is, as far as is known.
  Sequence applied_ LEDGERD_GUARDED_BY(mutex_);
  // A read of the replica waits for what is above.
  bool waits_ LEDGERD_GUARDED_BY(mutex_) = false;
  // By where they begin, the newest last.
  std::deque<std::pair<storage::EventPosition, Piece>> kept_
      LEDGERD_GUARDED_BY(mutex_);

  // Last: its thread uses what is above.
  AnswerThread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_EVENT_FEED_H_
