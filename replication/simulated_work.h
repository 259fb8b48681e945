// SimulatedWork is ReplicaWork without threads: what the replica wants done
// waits here until the test, or its seed, lets one piece of it happen.
//
//   SimulatedWork work(journal, store);
//   Replica replica(options, journal, store, machine, work);
//   while (work.DoOne(replica, random)) replica.Apply();
//
// Faults   Pieces end in any order that ReplicaWork permits; those that are
//          dropped (a crash: destroy this) have happened not at all. The
//          journal's and the store's own faults are theirs. RESOURCE_EXHAUSTED
//          from the journal leaves the piece waiting.
#ifndef LEDGERD_REPLICATION_SIMULATED_WORK_H_
#define LEDGERD_REPLICATION_SIMULATED_WORK_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "absl/status/status.h"

#include "replication/replica.h"
#include "replication/replica_work.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

class SimulatedWork final : public ReplicaWork {
 public:
  SimulatedWork(storage::Journal& journal, storage::StateStore& store)
      : journal_(journal), store_(store) {}

  // The time that events carry.
  Now now{Timestamp(1), Deadline{}};

  // Replaces state and journal by the checkpoint that the write names, as one
  // thing, with the write's superblock.
  std::function<absl::Status(const JournalWrite&)> install;

  // Does one piece of what waits, chosen by `random`; false when nothing waits.
  bool DoOne(Replica& replica, std::mt19937_64& random);

  // Does everything, and lets `replica` apply in between.
  void DoAll(Replica& replica, std::mt19937_64& random);

  size_t journal_pieces() const { return journal_pieces_.size(); }

  size_t other_pieces() const { return other_pieces_.size(); }

  // Does the next piece of the journal's alone.
  void DoJournal(Replica& replica);

  // ReplicaWork
  void Persist(JournalWrite write) override;
  void RecordCheckpoint(EntryId checkpoint) override;
  void ReplaceState(EntryId checkpoint) override;
  void Fetch(FetchId id, storage::Needs missing) override;
  void ReadJournal(Sequence from) override;
  void ReadFor(JournalRead read) override;
  void WriteCheckpoint() override;
  void RunOnReader(ReadKind kind, std::function<void()> task) override;

 private:
  // Returns whether it is done; else it waits on.
  absl::Status Perform(const JournalWrite& write);

  using JournalPiece = std::function<bool(Replica&)>;

  storage::Journal& journal_;
  storage::StateStore& store_;
  std::deque<JournalPiece> journal_pieces_;
  std::vector<std::function<void(Replica&)>> other_pieces_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_SIMULATED_WORK_H_
