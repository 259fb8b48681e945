// A Group is a group of replicas in one process: real threads, journals and
// states, each in a directory of its own, and a network in memory.
//
//   Group group(3);
//   group.OpenAll();
//   Node& primary = group.WaitForPrimary();
//   group.Write(50);
//   primary.Close();
//
// Network  Carries at once, or not at all: to and from a node that is isolated
//          or closed everything is lost. Who is closed has broken its
//          connections.
// Threads  The test's.
#ifndef LEDGERD_TESTS_GROUP_GROUP_H_
#define LEDGERD_TESTS_GROUP_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/results.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "replication/replica_threads.h"
#include "replication/toy_machine.h"
#include "replication/transport.h"
#include "storage/data_dir.h"
#include "storage/replaceable_state_store.h"
#include "storage/segment_journal.h"

namespace ledgerd::group {

class Node;

class Network {
 public:
  void Attach(Node& node) LEDGERD_EXCLUDES(mutex_);
  // Nothing is delivered to it any more.
  void Detach(Node& node) LEDGERD_EXCLUDES(mutex_);
  void Isolate(ReplicaId id, bool isolated) LEDGERD_EXCLUDES(mutex_);
  void Send(const replication::Message& message) LEDGERD_EXCLUDES(mutex_);
  // Brings the newest checkpoint of `from` to another node.
  void Carry(Node& from, const replication::CheckpointOrder& order)
      LEDGERD_EXCLUDES(mutex_);

 private:
  // Null when nothing gets there.
  Node* Find(ReplicaId from, ReplicaId to) LEDGERD_REQUIRES(mutex_);

  // Held while a checkpoint is carried: both ends stay.
  Mutex carrying_;
  Mutex mutex_;
  std::map<ReplicaId, Node*> nodes_ LEDGERD_GUARDED_BY(mutex_);
  std::set<ReplicaId> isolated_ LEDGERD_GUARDED_BY(mutex_);
};

class Node final : private replication::Transport {
 public:
  // Formats its directory. Without voters it waits to be added to a group.
  Node(ReplicaId id, const std::string& path, std::vector<ReplicaId> voters,
       Network& network);
  ~Node() override;

  void Open();
  void Close();

  bool is_open() const { return replica_ != nullptr; }

  ReplicaId id() const { return id_; }

  // Requires: open.
  replication::ReplicaThreads& replica() { return *replica_; }

  replication::ReplicaStatus status() const { return replica_->status(); }

  // Waits for the answer.
  absl::StatusOr<EntryResult> CreateAccount(uint64_t id);

  // The names in a directory of its own, sorted.
  std::vector<std::string> Files(const std::string& directory) const;

 private:
  void Send(replication::Message message) override;
  void SendCheckpoint(replication::CheckpointOrder order) override;

  const ReplicaId id_;
  const std::string path_;
  Network& network_;
  const replication::SystemClock clock_;
  const replication::ToyMachine machine_;
  std::unique_ptr<storage::DataDir> dir_;
  std::unique_ptr<storage::SegmentJournal> journal_;
  std::unique_ptr<storage::ReplaceableStateStore> store_;
  std::unique_ptr<replication::ReplicaThreads> replica_;
  std::vector<std::thread> carriers_;
};

class Group {
 public:
  explicit Group(uint64_t voters);

  Node& node(uint64_t id) { return *nodes_.at(id - 1); }

  // With the next id.
  Node& AddNode();

  Network& network() { return network_; }

  void OpenAll();

  Node& WaitForPrimary();
  // Any open one that is not primary.
  Node& WaitForStandby();

  // Creates so many accounts, each asked for until it is there.
  void Write(uint64_t count);

  // All that are open have applied the same, and as much as any has committed.
  void WaitUntilEqual();

  uint64_t accounts() const { return accounts_; }

 private:
  std::vector<ReplicaId> Voters(uint64_t count) const;

  const std::string path_;
  Network network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  uint64_t accounts_ = 0;
};

// Until it holds; fails the test when it does not within a minute.
void WaitUntil(const std::string& what, const std::function<bool()>& holds);

}  // namespace ledgerd::group

#endif  // LEDGERD_TESTS_GROUP_GROUP_H_
