// A Group is several real Protocols over a network and disks that are moved by
// hand, with all invariants checked after every step.
//
//   Group group;
//   group.Form({member1, member2, member3});
//   group.Step(ReplicaId(1), Started{});
//   group.Deliver([](const Message& m) { return m.to == ReplicaId(2); });
//
// Shape    What happens is told line by line to the transcript; a violation
//          ends it (violation()).
// Network  A list of messages on their way. Between replicas that are cut off
//          from each other they are lost as they are sent.
#ifndef LEDGERD_TESTS_SCENARIOS_GROUP_H_
#define LEDGERD_TESTS_SCENARIOS_GROUP_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "replication/core/invariants.h"
#include "replication/core/protocol.h"
#include "tests/scenarios/disk.h"

namespace ledgerd::scenarios {

class Group {
 public:
  using Filter = std::function<bool(const replication::Message&)>;

  // Formats the disks of these.
  void Form(const std::vector<Member>& members);
  // Another replica, with an empty disk, which nobody knows yet.
  void Join(ReplicaId id, Incarnation incarnation);

  void Restart(ReplicaId id);
  void Crash(ReplicaId id, size_t keep);

  void Step(ReplicaId id, replication::Event event);

  // Ends the sync of up to `count` of its writes, one after the other.
  void Persist(ReplicaId id, size_t count);
  // Ends them all, and tells the replica once.
  void PersistTogether(ReplicaId id);

  // All that is on its way now and passes; with `copy` it stays on its way.
  void Deliver(const Filter& filter, bool copy = false);
  void Drop(const Filter& filter);
  // Aside, until Release.
  void Hold(const Filter& filter);
  void Release();

  // Messages from `from` to `to` are lost.
  void CutOff(ReplicaId from, ReplicaId to) { lost_.insert({from, to}); }

  void Heal() { lost_.clear(); }

  // Delivers and persists until nothing is left to do. Disks that stall do not
  // persist.
  void Settle();

  void Stall(ReplicaId id) { stalled_.insert(id); }

  void Unstall(ReplicaId id) { stalled_.erase(id); }

  // Completes the transfer of a checkpoint; false when none was ordered.
  bool Transfer(ReplicaId from, ReplicaId to);
  void Checkpoint(ReplicaId id);

  // 0: the number after the last one that was given so.
  bool Read(ReplicaId id, uint64_t number = 0);

  // Null when it is down.
  const replication::Protocol* Find(ReplicaId id) const;
  std::vector<ReplicaId> ids() const;

  Disk& disk(ReplicaId id) { return replicas_.at(id).disk; }

  void Note(std::string line);

  // What has happened since the last call.
  std::vector<std::string> TakeLines() { return std::exchange(lines_, {}); }

  void set_message_bytes_max(uint64_t bytes) { message_bytes_max_ = bytes; }

  void set_in_flight_bytes_max(uint64_t bytes) { in_flight_bytes_max_ = bytes; }

  void set_quiet(bool quiet) { quiet_ = quiet; }

  void Fail(const std::string& why);

  const std::string& violation() const { return violation_; }

 private:
  struct Replica {
    Incarnation incarnation;
    Disk disk;
    std::unique_ptr<replication::Protocol> protocol;
    // Since it started: the highest acknowledgement in each epoch.
    std::map<Epoch, Sequence> acknowledged;
  };

  struct Order {
    ReplicaId from;
    replication::CheckpointOrder order;
  };

  void Perform(ReplicaId id, replication::Update update);
  void Post(std::vector<replication::Message> messages);
  void ReadJournal(ReplicaId id, const replication::JournalRead& read);
  // What a message claims is on its sender's disk.
  void CheckClaim(const replication::Message& message);
  void CheckAcknowledged(const replication::Message& message, Sequence through);
  void CheckPromise(const replication::Message& message,
                    const replication::Promise& promise);
  void CheckGroup();
  void Tell(const std::string& line);

  std::map<ReplicaId, Replica> replicas_;
  std::deque<replication::Message> network_;
  std::vector<replication::Message> held_;
  std::set<std::pair<ReplicaId, ReplicaId>> lost_;
  std::set<ReplicaId> stalled_;
  std::vector<Order> orders_;
  // Reads that wait, with what was committed as they arrived.
  std::map<uint64_t, Sequence> reads_;
  uint64_t last_read_ = 0;
  uint64_t now_ = 1000;
  uint64_t processes_ = 0;
  // Who was promised what: (voter, epoch) -> candidate.
  std::map<std::pair<ReplicaId, Epoch>, ReplicaId> promises_;
  replication::GroupInvariants invariants_;
  std::vector<std::string> lines_;
  bool quiet_ = false;
  uint64_t message_bytes_max_ = uint64_t{1} << 20;
  uint64_t in_flight_bytes_max_ = uint64_t{16} << 20;
  std::string violation_;
};

}  // namespace ledgerd::scenarios

#endif  // LEDGERD_TESTS_SCENARIOS_GROUP_H_
