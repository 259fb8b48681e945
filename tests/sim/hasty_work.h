// HastyWork is ReplicaWork with a mistake, for the test that must find it: a
// write counts as durable as soon as it is handed over.
#ifndef LEDGERD_TESTS_SIM_HASTY_WORK_H_
#define LEDGERD_TESTS_SIM_HASTY_WORK_H_

#include <functional>
#include <utility>

#include "replication/replica_work.h"

namespace ledgerd::sim {

class HastyWork final : public replication::ReplicaWork {
 public:
  using SayPersisted = std::function<void(replication::WriteId)>;

  HastyWork(replication::ReplicaWork& work, SayPersisted say_persisted)
      : work_(work), say_persisted_(std::move(say_persisted)) {}

  void Persist(replication::JournalWrite write) override {
    const replication::WriteId id = write.id;
    work_.Persist(std::move(write));
    say_persisted_(id);
  }

  void RecordCheckpoint(EntryId checkpoint) override {
    work_.RecordCheckpoint(checkpoint);
  }

  void ReplaceState(EntryId checkpoint) override {
    work_.ReplaceState(checkpoint);
  }

  void Fetch(replication::FetchId id, storage::Needs missing) override {
    work_.Fetch(id, std::move(missing));
  }

  void ReadJournal(Sequence from) override { work_.ReadJournal(from); }

  void ReadFor(replication::JournalRead read) override { work_.ReadFor(read); }

  void WriteCheckpoint() override { work_.WriteCheckpoint(); }

  void RunOnReader(replication::ReadKind kind,
                   std::function<void()> task) override {
    work_.RunOnReader(kind, std::move(task));
  }

 private:
  replication::ReplicaWork& work_;
  const SayPersisted say_persisted_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_HASTY_WORK_H_
