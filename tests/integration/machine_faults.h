// What is wrong with a machine that a test has made for a daemon: kept in a
// file that the test writes and libfaulty_machine.so, in the daemon, reads.
//
// Shape    A full disk is so for all; the others are of files of the journal
//          alone, which are below a directory journal/.
// Threads  Any, of any process that maps it.
#ifndef LEDGERD_TESTS_INTEGRATION_MACHINE_FAULTS_H_
#define LEDGERD_TESTS_INTEGRATION_MACHINE_FAULTS_H_

#include <atomic>
#include <cstdint>

namespace ledgerd::integration {

struct MachineFaults {
  // No space is free: what there is can be written, and not grow.
  std::atomic<bool> disk_full = false;
  // Nothing can be synced: EIO.
  std::atomic<bool> disk_fails = false;
  // A sync does not come back before this is false.
  std::atomic<bool> disk_hangs = false;
  // The date; deadlines of calls go by the C library's, which stays as it is.
  std::atomic<int64_t> clock_ahead_ms = 0;
};

static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<int64_t>::is_always_lock_free);

// Names the file, in the daemon's environment.
inline constexpr char kMachineFaultsFile[] = "LEDGERD_TEST_MACHINE_FAULTS";

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_MACHINE_FAULTS_H_
