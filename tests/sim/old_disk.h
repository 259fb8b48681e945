// An OldDisk is a disk that comes back as it once was, where others remember
// what its replica has promised and acknowledged since (rule 14).
//
//   OldDisk old_disk(around, network, nodes);
//   old_disk.Begin();
//   if (old_disk.running()) ...   // no other fault
//
// Shape   In a group of three: a standby's disk is copied. For a while the
//         other standby hears nothing of the primary, so that what is committed
//         is on the disk of the first one and the primary's alone. Then the
//         first one restarts with the copy. Once it knows that its disk is old,
//         or should know if it were, the primary is gone for some seconds, and
//         the other standby is told to promote itself: it must not find a
//         majority. Sometimes the first one has restarted before, and an answer
//         to that process comes to this one; sometimes the primary, who
//         remembers, is heard late, and the other standby at once.
// Fault model  Those who remember stay up, and are heard, until the replica has
//         heard what they remember; no other fault happens until it has paid
//         its debt. More is not promised.
#ifndef LEDGERD_TESTS_SIM_OLD_DISK_H_
#define LEDGERD_TESTS_SIM_OLD_DISK_H_

#include <cstdint>
#include <functional>
#include <map>

#include "replication/core/message.h"
#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

class OldDisk {
 public:
  OldDisk(const Surroundings& around, Network& network, Nodes& nodes)
      : around_(around), network_(network), nodes_(nodes) {}

  // Nothing when the group is not whole.
  void Begin();

  bool running() const { return running_; }

  // Goes no further.
  void Stop() { running_ = false; }

 private:
  bool Cast();
  void RestartBefore();
  // Nobody has restarted since, and the primary is the same.
  bool AllRemember() const;
  void Restore(const Node::Image& image);
  void HearLate();
  void AwaitMemory(uint64_t looks);
  void AwaitDebt(uint64_t looks);
  void LosePrimary();
  void Promote(uint64_t times);
  void AwaitPayment();
  bool KnowsItIsOld() const;
  void End();
  void After(microseconds delay, const std::function<void()>& task);

  const Surroundings& around_;
  Network& network_;
  Nodes& nodes_;
  bool running_ = false;
  Node* primary_ = nullptr;
  Node* old_ = nullptr;
  Node* other_ = nullptr;
  Epoch epoch_;
  std::map<ReplicaId, uint64_t> lives_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_OLD_DISK_H_
