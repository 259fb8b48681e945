// The ledgerds that are measured: one by itself, or a group on this machine of
// which one is the primary.
//
//   auto group = Group::Start({.program = "bazel-bin/server/ledgerd"}, 3);
//   (*group)->primary().address();             // the load
//   (*group)->CheckNoPromotion();              // it has led all the time
//   (*group)->WaitUntilEqual();
//   (*group)->CompareStates();                 // ends them
//
// Shape    Each has a directory and ports of its own, on 127.0.0.1.
// Errors   One did not start or does not answer; a promotion that nobody asked
//          for; DATA_LOSS: the replicas differ, and no figure counts.
// Threads  As Subprocess: the main thread.
#ifndef LEDGERD_TESTS_BENCH_GROUP_H_
#define LEDGERD_TESTS_BENCH_GROUP_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "tests/bench/daemon.h"
#include "tests/integration/reserved_port.h"

#include <sys/types.h>

namespace ledgerd::bench {

class Group {
 public:
  // `options` of each. Returns when there is a primary and all others follow
  // it.
  static absl::StatusOr<std::unique_ptr<Group>> Start(
      const Daemon::Options& options, int replicas);

  size_t size() const { return daemons_.size(); }

  // As it was when the group had started.
  Daemon& primary() const { return *daemons_.front(); }

  // The primary's first.
  std::vector<pid_t> pids() const;

  // In which it leads.
  uint64_t epoch() const { return epoch_; }

  // Whether the same replica leads in the same epoch, and all others follow.
  absl::Status CheckNoPromotion() const;

  // How long a standby has heard nothing of the primary by now, or the primary
  // of a standby, by their own words; of those that answer. Any thread.
  double LongestSilenceMs() const;

  // All have the same journal, all of it committed and applied.
  absl::Status WaitUntilEqual() const;

  // Kills all, opens what they have left on their disks, brings that to the end
  // of the journal, and compares the hashes of the states.
  absl::Status CompareStates();

 private:
  Group() = default;

  absl::Status Launch(const Daemon::Options& options, int replicas);
  // A pair never promotes by itself.
  absl::Status PromoteFirst();
  absl::Status FindPrimary();
  bool PutPrimaryFirst();
  bool AreEqual() const;

  std::vector<std::unique_ptr<integration::ReservedPort>> ports_;
  integration::ReservedPort first_admin_port_;
  // The primary first.
  std::vector<std::unique_ptr<Daemon>> daemons_;
  uint64_t primary_id_ = 0;
  uint64_t epoch_ = 0;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_GROUP_H_
