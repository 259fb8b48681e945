// What the replica has done by other threads: ReplicaWork (replica_work.h).
#include <algorithm>
#include <memory>
#include <utility>

#include "replication/journal_read.h"
#include "replication/replica_threads.h"

namespace ledgerd::replication {
namespace {

// What one read of the journal returns for replay: as much as is planned in one
// go.
constexpr size_t kReadBytes = size_t{256} << 10;

}  // namespace

void ReplicaThreads::Persist(JournalWrite write) {
  journal_thread_->Persist(std::move(write));
}

void ReplicaThreads::RecordCheckpoint(EntryId checkpoint) {
  journal_thread_->RecordCheckpoint(checkpoint);
}

void ReplicaThreads::ReplaceState(EntryId checkpoint) {
  journal_thread_->ReplaceState(checkpoint);
}

void ReplicaThreads::Fetch(FetchId id, storage::Needs missing) {
  fetcher_->Run([this, id, missing = std::move(missing)] {
    auto fetched =
        std::make_shared<absl::StatusOr<std::unique_ptr<storage::Fetched>>>(
            store_.Fetch(missing));
    Post([id, fetched](Replica& replica) {
      replica.OnFetched(id, std::move(*fetched));
    });
  });
}

void ReplicaThreads::ReadJournal(Sequence from) {
  reader_->Run([this, from] {
    auto entries = journal_.Read(from, kReadBytes);
    Post([entries = std::move(entries)](Replica& replica) {
      replica.OnJournalRead(entries);
    });
  });
}

void ReplicaThreads::ReadFor(JournalRead read) {
  sender_->Run([this, read] {
    PeerRead done = replication::ReadFor(read, journal_);
    const bool is_whole = done.error.ok() || absl::IsOutOfRange(done.error);
    if (!is_whole && options_.on_unread) options_.on_unread(done.error);
    Post([this, found = std::move(done.found)](Replica& replica) {
      replica.OnEvent(found, ReadClock());
    });
  });
}

void ReplicaThreads::WriteCheckpoint() {
  checkpointer_->Run([this] {
    const absl::Status status = store_.WriteCheckpoint();
    Post([this, status](Replica& replica) {
      replica.OnCheckpointWritten(status, ReadClock());
    });
  });
}

void ReplicaThreads::RunOnReader(ReadKind kind, std::function<void()> task) {
  TaskThread& thread = kind == ReadKind::kLookup  ? *reader_
                       : kind == ReadKind::kQuery ? *querier_
                                                  : *event_reader_;
  thread.Run([this, kind, task = std::move(task)] {
    task();
    OnReadDone(kind);
  });
}

// Either this sees that a read waits, or the replica thread, which says so
// before it looks, sees that one is done.
void ReplicaThreads::OnReadDone(ReadKind kind) {
  Readers& readers = readers_[static_cast<size_t>(kind)];
  ++readers.done;
  if (!readers.waited_for) return;
  // Not between its look and its wait.
  { const MutexLock lock(mutex_); }
  changed_.Signal();
}

bool ReplicaThreads::ReadsMayBegin() const {
  return std::any_of(readers_.begin(), readers_.end(),
                     [](const Readers& readers) {
                       return readers.waited_for && readers.done > 0;
                     });
}

}  // namespace ledgerd::replication
