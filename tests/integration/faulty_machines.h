// A machine for each replica of a group, with faults that a test switches on
// and off while the daemons run, and a network between them that it can cut.
//
//   auto machines = std::make_unique<FaultyMachines>(3);
//   FaultyMachines& them = *machines;
//   LiveGroup group(3, false, {}, std::move(machines));
//   ...
//   them.of(1).disk_hangs = true;      // its journal waits for a sync
//   them.of(1).disk_hangs = false;     // no more
//
// Shape    A network of proxies, whose daemons run with libfaulty_machine.so.
// Threads  As GroupNetwork; of() any.
#ifndef LEDGERD_TESTS_INTEGRATION_FAULTY_MACHINES_H_
#define LEDGERD_TESTS_INTEGRATION_FAULTY_MACHINES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/group_network.h"
#include "tests/integration/loopback_network.h"
#include "tests/integration/machine_faults.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {

class FaultyMachines final : public GroupNetwork {
 public:
  explicit FaultyMachines(size_t replicas);
  ~FaultyMachines() override;

  MachineFaults& of(size_t replica) { return *faults_[replica]; }

  ReplicaPorts ports(size_t replica) const override {
    return network_.ports(replica);
  }

  std::string PeerAddress(size_t from, size_t to) const override {
    return network_.PeerAddress(from, to);
  }

  std::vector<std::string> Under(size_t replica) const override;

  void Cut(size_t from, size_t to, bool cut) override {
    network_.Cut(from, to, cut);
  }

  std::optional<uint64_t> swallowed() const override {
    return network_.swallowed();
  }

 private:
  std::string FileOf(size_t replica) const;

  LoopbackNetwork network_;
  const TestDirectory directory_{"machines"};
  // Mapped.
  std::vector<MachineFaults*> faults_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_FAULTY_MACHINES_H_
