// What a process has used of the machine, as Linux counts it.
//
//   const ProcessStats before = ReadProcessStats(pid);
//   ...
//   ReadProcessStats(pid).cpu_seconds - before.cpu_seconds;
//
// Units   CPU of all threads in user and kernel, to 10 ms. Bytes that went to
// the
//         disk, not to the page cache. All zero once the process has ended.
#ifndef LEDGERD_TESTS_BENCH_PROCESS_STATS_H_
#define LEDGERD_TESTS_BENCH_PROCESS_STATS_H_

#include <cstdint>

#include <sys/types.h>

namespace ledgerd::bench {

struct ProcessStats {
  double cpu_seconds = 0;
  uint64_t written_bytes = 0;
  uint64_t read_bytes = 0;
  uint64_t resident_bytes = 0;
  uint64_t resident_bytes_max = 0;
};

ProcessStats ReadProcessStats(pid_t pid);

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_PROCESS_STATS_H_
