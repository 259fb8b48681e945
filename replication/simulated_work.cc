#include "replication/simulated_work.h"

#include <utility>

#include "proto/base/status_macros.h"
#include "replication/journal_read.h"
#include "replication/journal_write.h"

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

void SimulatedWork::Persist(JournalWrite write) {
  journal_pieces_.push_back([this, write = std::move(write)](Replica& replica) {
    const absl::Status status = Perform(write);
    if (!Settle(status, replica)) return false;
    if (status.ok()) replica.OnPersisted(write.id, now);
    return true;
  });
}

absl::Status SimulatedWork::Perform(const JournalWrite& write) {
  if (!write.install.has_value()) {
    return PerformWrite(write, journal_, &store_);
  }
  LEDGERD_RETURN_IF_ERROR(install(write));
  JournalWrite rest = write;
  rest.install.reset();
  rest.superblock.reset();
  return PerformWrite(rest, journal_, &store_);
}

void SimulatedWork::RecordCheckpoint(EntryId checkpoint) {
  journal_pieces_.push_back([this, checkpoint](Replica& replica) {
    return Settle(PerformCheckpoint(checkpoint, journal_), replica);
  });
}

void SimulatedWork::ReplaceState(EntryId checkpoint) {
  journal_pieces_.push_back([this, checkpoint](Replica& replica) {
    const absl::Status status =
        PerformReplacement(checkpoint, journal_, store_);
    if (!Settle(status, replica)) return false;
    if (status.ok()) replica.OnStateReplaced(now);
    return true;
  });
}

void SimulatedWork::Fetch(FetchId id, storage::Needs missing) {
  other_pieces_.push_back(
      [this, id, missing = std::move(missing)](Replica& replica) {
        replica.OnFetched(id, store_.Fetch(missing));
      });
}

void SimulatedWork::ReadJournal(Sequence from) {
  other_pieces_.push_back([this, from](Replica& replica) {
    replica.OnJournalRead(journal_.Read(from, 1'000));
  });
}

void SimulatedWork::ReadFor(JournalRead read) {
  other_pieces_.push_back([this, read](Replica& replica) {
    replica.OnEvent(replication::ReadFor(read, journal_).found, now);
  });
}

void SimulatedWork::WriteCheckpoint() {
  other_pieces_.push_back([this](Replica& replica) {
    replica.OnCheckpointWritten(store_.WriteCheckpoint(), now);
  });
}

void SimulatedWork::RunOnReader(ReadKind kind, std::function<void()> task) {
  other_pieces_.push_back([kind, task = std::move(task)](Replica& replica) {
    task();
    replica.OnReadsDone(kind, 1);
  });
}

}  // namespace ledgerd::replication
