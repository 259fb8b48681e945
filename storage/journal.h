// A Journal holds one replica's entries in sequence order, and beside them what
// the replica must never forget: its superblock.
//
//   LEDGERD_RETURN_IF_ERROR(journal.Append(entries, commit_point));
//   // entries are on the disk now, and not before.
//
// Shape       The entries after base() up to last(), dense; empty when the two
//             are equal. Release moves base() forward, RollBack moves last()
//             back, Install begins anew elsewhere. base() of a journal that
//             has released nothing is the entry that a checkpoint was taken at,
//             or {0, 0, zeros}.
// Units       Sizes are bytes. A Sequence is a 1-based position.
// Durability  An entry survives a crash once the Append that carried it has
//             returned OK; likewise the superblock, RollBack and Install. Torn
//             records at the end are set aside by opening the journal.
// Errors      DATA_LOSS            a stored record fails its checksum, its
//                                  place or its chain; the message names
//                                  sequence, file and offset.
//             RESOURCE_EXHAUSTED   the device is full; nothing was appended,
//                                  and the call may be repeated.
//             OUT_OF_RANGE         (Read) before first() or after the last.
//             Anything else is fatal: the caller stops the replica, because
//             after a failed write or sync the page cache no longer tells the
//             truth. All later calls that write return the same error.
// Threads     Append, RollBack, Release, WriteSuperblock, Install: one thread
//             at a time (the journal thread). TakeOutline: before these, once.
//             The others: any thread, at any time; they see what is durable.
// Source      Layout: storage/FORMAT.md. The sync rule: Rebello et al., "Can
//             Applications Recover from fsync Failures?", ATC 2020.
#ifndef LEDGERD_STORAGE_JOURNAL_H_
#define LEDGERD_STORAGE_JOURNAL_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"

namespace ledgerd::storage {

// What a replica must remember beside its journal.
struct Superblock {
  // The highest epoch that this replica has promised to follow or to begin.
  Epoch promised_epoch;
  // Counts forced promotions (replication.md, rule 15).
  uint64_t fork = 0;
  // The state's checkpoint: entries up to it may be gone from the journal.
  EntryId checkpoint;
  // The newest membership that was put into the journal, and the one before
  // it. The newest holds when its entry is in the journal; after a crash
  // between this and the entry, or a rollback, it is not, and the one before
  // holds. Two are enough: a change is proposed once the one before it is
  // committed (replication.md, rule 11).
  Membership membership;
  Membership membership_before;

  friend bool operator==(const Superblock&, const Superblock&) = default;
};

// The ids of a journal's entries: what another journal is compared with.
struct Outline {
  // The entry before the first of `entries`.
  EntryId base;
  // Dense.
  std::vector<EntryId> entries;

  // The end of the journal.
  const EntryId& last() const {
    return entries.empty() ? base : entries.back();
  }
};

// The membership that format gives to a group: voters of the first incarnation.
inline Membership FirstMembership(std::vector<ReplicaId> voters) {
  std::sort(voters.begin(), voters.end());
  Membership membership;
  for (const ReplicaId id : voters) {
    membership.members.push_back({.id = id, .incarnation = Incarnation(1)});
  }
  return membership;
}

class Journal {
 public:
  virtual ~Journal() = default;

  // Appends `entries` after last() and makes them durable, with one sync.
  // `commit_point` is stored beside them, for audit and recovery.
  //
  // Requires: entries are dense, continue last() and its hash chain; not empty.
  virtual absl::Status Append(absl::Span<const Entry> entries,
                              Sequence commit_point) = 0;

  // Makes it durable that everything appended so far was on the disk
  // (FORMAT.md, synced_through). Called when no Append has followed for 10 ms;
  // does nothing when that is recorded already.
  virtual absl::Status WriteFiller() = 0;

  // Copies the entries from `from` on aside, syncs the copy, then removes them.
  //
  // Requires: `from` is above the commit point and the checkpoint.
  virtual absl::Status RollBack(Sequence from) = 0;

  // Lets go of entries up to `through`, as far as the retention for catch-up
  // permits and as whole segments go.
  //
  // Requires: `through` is at or below superblock().checkpoint.
  virtual absl::Status Release(Sequence through) = 0;

  // Replaces the superblock. Requires: promise, fork and checkpoint do not go
  // back.
  virtual absl::Status WriteSuperblock(const Superblock& superblock) = 0;

  // Replaces the journal by the end of a checkpoint that was received: it is
  // empty, and goes on after superblock.checkpoint. Entries above the commit
  // point are copied aside first. All of it with the superblock, or nothing:
  // also after a crash.
  //
  // Requires: promise and fork do not go back, the checkpoint goes forward.
  virtual absl::Status Install(const Superblock& superblock) = 0;

  // Entries from `from` on until `bytes_max` is reached; at least one.
  virtual absl::StatusOr<std::vector<Entry>> Read(Sequence from,
                                                  uint64_t bytes_max) const = 0;

  // The ids of what opening has read: of all entries above the checkpoint, and
  // of those before them as far as whole segments go. Not of all that is kept
  // for catch-up: that may be millions of small entries, in segments that a
  // start does not read. It is enough, since
  // - the last entry in common with another journal is at or above the own
  //   commit point (replication.md, rule 8), and so above the checkpoint;
  // - what is sent to a replica that is further behind is read from the journal
  //   anyway, with its ids.
  //
  // Gives the memory away: for the start alone. Requires: nothing was written
  // since opening, and it is called once.
  virtual Outline TakeOutline() = 0;

  // The entry before the first one kept: where another journal may still begin.
  virtual EntryId base() const = 0;

  Sequence first() const { return base().sequence.Next(); }

  virtual EntryId last() const = 0;
  // The final timestamp of last(), 0 when it is not in the journal.
  virtual Timestamp last_timestamp() const = 0;
  virtual Superblock superblock() const = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_H_
