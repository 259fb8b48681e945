// An ApplyQueue takes entries in journal order, brings what they look at into
// memory while they are being made durable, and applies them once committed.
//
//   queue.Add(entry, done);            // when it is handed to the journal
//   queue.Advance(commit);             // when the commit point moved
//   // done(result) has been called for every entry applied.
//
// Shape    The entries after the applied point: committed ones read back from
//          the journal (after a start), then those added. An entry is planned
//          when it comes in, fetched if something is missing, installed and
//          applied in its turn.
// Limits   Entries read back wait up to kReplayBytesMax. Those added that
//          somebody waits for are bounded by whoever adds (added_bytes()); the
//          others, on a standby, by kAddedBytesMax: beyond it they are let go
//          of, and read back from the journal in their turn.
// Errors   A failed fetch or read is returned and fatal.
// Threads  Belongs to the replica thread.
#ifndef LEDGERD_REPLICATION_APPLY_QUEUE_H_
#define LEDGERD_REPLICATION_APPLY_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/results.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "replication/replica_work.h"
#include "replication/state_machine.h"
#include "replication/state_marks.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

// Called with the result of an applied entry, or with why it is not known.
using Done = std::function<void(absl::StatusOr<EntryResult>)>;

class ApplyQueue {
 public:
  // Entries read back from the journal that wait at most, beyond one read.
  static constexpr size_t kReplayBytesMax = size_t{8} << 20;
  // More than a primary adds before it waits.
  static constexpr size_t kAddedBytesMax = 8 * kGroupBytesMax;

  // `marks` is told of each entry applied; null: nobody is.
  ApplyQueue(storage::StateStore& store, const StateMachine& machine,
             ReplicaWork& work, StateMarks* marks = nullptr);

  // Adds the entry after the last one added. `done` may be empty.
  void Add(Entry entry, Done done);

  // Applies what is committed and ready, at most `events_max` events (at least
  // one entry), and asks for what is needed to go on. Returns the events
  // applied.
  size_t Advance(Sequence commit, size_t events_max);

  // Takes `from` and all after it away again: they are cut off the journal.
  // Answers those that wait with `why`. Requires: above the commit point.
  void CutFrom(Sequence from, const absl::Status& why);

  // Answers those above `commit` with `why`; their entries stay, since they may
  // still be committed.
  void Disown(Sequence commit, const absl::Status& why);

  absl::Status OnFetched(
      FetchId id, absl::StatusOr<std::unique_ptr<storage::Fetched>> fetched);
  // Takes those up to `commit`: what is above may be cut off the journal.
  absl::Status OnJournalRead(absl::StatusOr<std::vector<Entry>> entries,
                             Sequence commit);

  // The state has been replaced by a checkpoint: what was read back is of no
  // use. Those added after the checkpoint stay.
  void Reset();

  // Takes all away, and answers those that wait with `why`.
  void Abandon(const absl::Status& why);

  Sequence applied() const { return store_.applied().entry.sequence; }

  // Bytes of the entries added and not applied yet.
  size_t added_bytes() const { return added_bytes_; }

  bool empty() const { return added_.empty(); }

  // The entries up to `last` that are not applied begin in the journal alone.
  bool replays(Sequence last) const {
    return applied() < last &&
           (added_.empty() ||
            applied().Next() < added_.front().entry.sequence());
  }

 private:
  struct Item {
    Entry entry;
    Done done;
    storage::Plan plan;
    std::unique_ptr<storage::Fetched> fetched;
    bool fetching = false;
    // Of the last fetch for it.
    uint64_t fetch = 0;
  };

  Item MakeItem(Entry entry, Done done);
  void LetGoOfAdded();
  void MakePlan(Item& item);
  Item* Find(Sequence sequence);
  // The queue that holds the next entry to apply; nullptr when it is not here.
  std::deque<Item>* Next();
  void ReadMore(Sequence commit);
  bool ApplyFront(std::deque<Item>& queue);

  storage::StateStore& store_;
  const StateMachine& machine_;
  ReplicaWork& work_;
  StateMarks* const marks_;
  std::deque<Item> replayed_;
  size_t replayed_bytes_ = 0;
  uint64_t fetches_ = 0;
  bool reading_ = false;
  // What is being read is of no use any more.
  bool read_is_stale_ = false;
  std::deque<Item> added_;
  size_t added_bytes_ = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_APPLY_QUEUE_H_
