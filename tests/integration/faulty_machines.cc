#include "tests/integration/faulty_machines.h"

#include <fcntl.h>
#include <unistd.h>

#include <new>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

#include <sys/mman.h>

namespace ledgerd::integration {

FaultyMachines::FaultyMachines(size_t replicas)
    : network_(replicas, LoopbackNetwork::Between::kProxies) {
  for (size_t i = 0; i < replicas; ++i) {
    const int file =
        open(FileOf(i).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    LEDGERD_CHECK(file >= 0) << FileOf(i);
    LEDGERD_CHECK(ftruncate(file, sizeof(MachineFaults)) == 0);
    void* mapped = mmap(nullptr, sizeof(MachineFaults), PROT_READ | PROT_WRITE,
                        MAP_SHARED, file, 0);
    LEDGERD_CHECK(mapped != MAP_FAILED);
    close(file);
    faults_.push_back(new (mapped) MachineFaults());
  }
}

FaultyMachines::~FaultyMachines() {
  for (MachineFaults* const faults : faults_) {
    munmap(faults, sizeof(MachineFaults));
  }
}

std::string FaultyMachines::FileOf(size_t replica) const {
  return directory_.Path(absl::StrCat("faults", replica + 1));
}

std::vector<std::string> FaultyMachines::Under(size_t replica) const {
  return {
      "/usr/bin/env",
      "LD_PRELOAD=" + Runfile("tests/integration/libfaulty_machine.so"),
      absl::StrCat(kMachineFaultsFile, "=", FileOf(replica)),
  };
}

}  // namespace ledgerd::integration
