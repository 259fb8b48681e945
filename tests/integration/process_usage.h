// What a running process uses, as the kernel counts it.
//
//   const uint64_t before = MemoryOf(daemon.process().pid());
//
// Errors  A process that is gone uses nothing.
#ifndef LEDGERD_TESTS_INTEGRATION_PROCESS_USAGE_H_
#define LEDGERD_TESTS_INTEGRATION_PROCESS_USAGE_H_

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "proto/base/check.h"

#include <sys/resource.h>
#include <sys/types.h>

namespace ledgerd::integration {

// Bytes that are resident.
inline uint64_t MemoryOf(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  uint64_t all = 0;
  uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// File descriptors.
inline size_t DescriptorsOf(pid_t process) {
  std::error_code error;
  const std::filesystem::directory_iterator open(
      "/proc/" + std::to_string(process) + "/fd", error);
  return error ? 0
               : static_cast<size_t>(std::distance(
                     begin(open), std::filesystem::directory_iterator()));
}

// Lets `process` have no more than `count` file descriptors, as long as this
// lives; those that it has already, it keeps.
class DescriptorLimit {
 public:
  DescriptorLimit(pid_t process, size_t count) : process_(process) {
    rlimit limit{};
    LEDGERD_CHECK(prlimit(process, RLIMIT_NOFILE, nullptr, &before_) == 0);
    limit = before_;
    limit.rlim_cur = count;
    LEDGERD_CHECK(prlimit(process, RLIMIT_NOFILE, &limit, nullptr) == 0);
  }

  ~DescriptorLimit() { prlimit(process_, RLIMIT_NOFILE, &before_, nullptr); }

  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  const pid_t process_;
  rlimit before_{};
};

// As many file descriptors for this process as it may have, and how many.
inline size_t RaiseDescriptorLimit() {
  rlimit limit{};
  LEDGERD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_PROCESS_USAGE_H_
