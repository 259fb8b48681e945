// A Session is one call of ledgerbench: start, fill, warm up, measure, check,
// restart or compare the replicas, report.
//
//   Session session(options);
//   const absl::Status status = session.Run();
//
// Errors   Something could not be started, some requests failed, or the ledger
//          does not have what it must have: then no figure counts.
#ifndef LEDGERD_TESTS_BENCH_SESSION_H_
#define LEDGERD_TESTS_BENCH_SESSION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "client/bench/ledger_check.h"
#include "tests/bench/group.h"
#include "tests/bench/measurement.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"

#include <sys/types.h>

namespace ledgerd::bench {

class Session {
 public:
  explicit Session(const Options& options);

  absl::Status Run();

 private:
  absl::Status Start();
  absl::Status Prefill();
  absl::Status WarmUp();
  absl::Status MeasureLoad();
  absl::Status CheckOutcomes(const Measurement& measured);
  void Settle(const Measurement& measured);
  absl::Status Verify();
  absl::Status VerifyReplicas();
  absl::Status MeasureRestart();
  absl::Status Print(const absl::Status& status);

  // Sends numbers from end_ on, by the mode asked for or in large batches.
  Measurement Send(RequestSource::Limits limits, bool large_batches);
  LaneCounts Drive(ledgerd::bench::Run& run, bool large_batches) const;
  // None when they are not ours.
  std::vector<pid_t> DaemonPids() const;

  const Options options_;
  const Workload workload_;
  // Null when the address of one that runs was given.
  std::unique_ptr<Group> group_;
  std::unique_ptr<LedgerCheck> check_;
  std::string address_;
  Outcomes outcomes_;
  uint64_t end_ = 0;
  Report report_;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_SESSION_H_
