// A Disk is what of a replica survives a crash, moved by hand: writes wait
// until the scenario says that their sync has ended.
//
//   disk.Queue(*update.persist);
//   std::optional<WriteId> done = disk.SyncNext();   // then Step(Persisted)
//
// Faults   Lose(keep): a crash; of the writes that wait the first `keep` had
//          reached the disk. Damage(sequence): an entry cannot be read any
//          more. A copy of a Disk put back is a disk that came back old.
#ifndef LEDGERD_TESTS_SCENARIOS_DISK_H_
#define LEDGERD_TESTS_SCENARIOS_DISK_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "replication/core/protocol.h"

namespace ledgerd::scenarios {

class Disk {
 public:
  explicit Disk(replication::Fork fork, Membership membership);

  void Queue(const replication::JournalWrite& write);
  // The oldest write becomes durable; nothing when none waits.
  std::optional<replication::WriteId> SyncNext();
  void Lose(size_t keep);

  void Damage(Sequence sequence) { damaged_.insert(sequence); }

  // The state's checkpoint is taken at the applied point `at`.
  void Checkpoint(Sequence at);
  // The journal lets go of all up to the checkpoint.
  void Release();

  replication::DurableState Open() const;
  // Null when it is not there or damaged.
  const Entry* Read(Sequence sequence) const;
  // Of the entry before the first, or of one in the journal.
  std::optional<EntryId> IdAt(Sequence sequence) const;

  size_t waiting() const { return writes_.size(); }

  Epoch promised() const { return promised_; }

  Sequence last() const;

  const EntryId& checkpoint() const { return checkpoint_; }

  Timestamp checkpoint_timestamp() const { return checkpoint_timestamp_; }

 private:
  void Perform(const replication::JournalWrite& write);

  Epoch promised_;
  replication::Fork fork_;
  Membership membership_;
  Membership membership_before_;
  EntryId base_;
  std::vector<Entry> entries_;
  std::set<Sequence> damaged_;
  EntryId checkpoint_;
  Timestamp checkpoint_timestamp_;
  std::deque<replication::JournalWrite> writes_;
};

}  // namespace ledgerd::scenarios

#endif  // LEDGERD_TESTS_SCENARIOS_DISK_H_
