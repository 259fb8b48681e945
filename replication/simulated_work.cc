#include "replication/simulated_work.h"

#include <memory>
#include <utility>

namespace ledgerd::replication {
namespace {

// Tells a failed write to the replica. False when it may be tried again.
bool Settle(const absl::Status& status, Replica& replica) {
  if (absl::IsResourceExhausted(status)) return false;
  if (!status.ok()) replica.Halt(status);
  return true;
}

}  // namespace

void SimulatedWork::DoJournal(Replica& replica) {
  JournalPiece piece = std::move(journal_pieces_.front());
  journal_pieces_.pop_front();
  if (!piece(replica)) journal_pieces_.push_front(std::move(piece));
}

bool SimulatedWork::DoOne(Replica& replica, std::mt19937_64& random) {
  const size_t choices =
      other_pieces_.size() + (journal_pieces_.empty() ? 0 : 1);
  if (choices == 0) return false;
  const size_t choice = random() % choices;
  if (choice == other_pieces_.size()) {
    DoJournal(replica);
    return true;
  }
  const auto at = other_pieces_.begin() + static_cast<ptrdiff_t>(choice);
  const auto piece = std::move(*at);
  other_pieces_.erase(at);
  piece(replica);
  return true;
}

void SimulatedWork::DoAll(Replica& replica, std::mt19937_64& random) {
  bool more = true;
  while (more) {
    more = DoOne(replica, random);
    more |= replica.Apply();
  }
}

void SimulatedWork::PersistPromise(Epoch epoch) {
  journal_pieces_.push_back([this, epoch](Replica& replica) {
    storage::Superblock superblock = journal_.superblock();
    superblock.promised_epoch = epoch;
    const absl::Status status = journal_.WriteSuperblock(superblock);
    if (!Settle(status, replica)) return false;
    if (status.ok()) replica.OnPromisePersisted(epoch, now);
    return true;
  });
}

void SimulatedWork::PersistEntries(std::vector<Entry> entries,
                                   Sequence commit) {
  journal_pieces_.push_back(
      [this, entries = std::move(entries), commit](Replica& replica) {
        const absl::Status status = journal_.Append(entries, commit);
        if (!Settle(status, replica)) return false;
        if (status.ok()) replica.OnEntriesPersisted(entries.back().id());
        return true;
      });
}

void SimulatedWork::RecordCheckpoint(EntryId checkpoint) {
  journal_pieces_.push_back([this, checkpoint](Replica& replica) {
    storage::Superblock superblock = journal_.superblock();
    superblock.checkpoint = checkpoint;
    absl::Status status = journal_.WriteSuperblock(superblock);
    if (status.ok()) status = journal_.Release(checkpoint.sequence);
    return Settle(status, replica);
  });
}

void SimulatedWork::Fetch(Sequence sequence, storage::Needs missing) {
  other_pieces_.push_back(
      [this, sequence, missing = std::move(missing)](Replica& replica) {
        replica.OnFetched(sequence, store_.Fetch(missing));
      });
}

void SimulatedWork::ReadJournal(Sequence from) {
  other_pieces_.push_back([this, from](Replica& replica) {
    replica.OnJournalRead(journal_.Read(from, 1'000));
  });
}

void SimulatedWork::WriteCheckpoint() {
  other_pieces_.push_back([this](Replica& replica) {
    replica.OnCheckpointWritten(store_.WriteCheckpoint());
  });
}

void SimulatedWork::RunOnReader(std::function<void()> task) {
  other_pieces_.push_back([task = std::move(task)](Replica&) { task(); });
}

}  // namespace ledgerd::replication
