// What a server counts of its clients' requests, for Prometheus: how long each
// took and how it ended, why some were refused, what became of transfers.
//
//   const RequestTimer timer(counts, Method::kCreateTransfers);
//   ...
//   timer.End(status);               // as the client is told
//   counts.Add(result.transfers);
//
// Shape    Of a stream each request counts by itself, from its arrival to its
//          answer; those that a stream leaves without an answer do not. A watch
//          has no end of its own: only one that is refused counts.
// Cost     Relaxed additions; no lock, nothing is allocated. Statuses of a
//          batch are added up before they are.
// Threads  Any.
#ifndef LEDGERD_SERVER_REQUEST_COUNTS_H_
#define LEDGERD_SERVER_REQUEST_COUNTS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "proto/errors.h"
#include "proto/results.h"
#include "proto/statuses.h"
#include "server/histogram.h"

namespace ledgerd::server {

// Those of LedgerService that end by themselves.
enum class Method {
  kCreateAccounts,
  kCreateTransfers,
  kStreamTransfers,
  kGetServerInfo,
  kLookupAccounts,
  kLookupTransfers,
  kGetAccountTransfers,
  kGetAccountBalances,
  kQueryAccounts,
  kQueryTransfers,
};

inline constexpr size_t kMethods = 10;

// As in ledger.proto.
absl::string_view Name(Method method);

class RequestCounts {
 public:
  // gRPC's, from OK to UNAUTHENTICATED.
  static constexpr size_t kCodes = 17;
  static constexpr size_t kReasons =
      static_cast<size_t>(Reason::kCompacted) + 1;
  static constexpr size_t kTransferStatuses = 128;

  RequestCounts();

  // One that has ended.
  void Add(Method method, std::chrono::nanoseconds took,
           const absl::Status& status);

  // What became of the transfers of one that was executed.
  void Add(const std::vector<TransferResult>& results);

  // A refusal without a duration. A client's own cancellation is none.
  void AddRefusal(const absl::Status& status);

  // In nanoseconds.
  const Histogram& durations(Method method, absl::StatusCode code) const {
    return durations_[PlaceOf(method, code)];
  }

  uint64_t refusals(Reason reason) const {
    return refusals_[static_cast<size_t>(reason)].load(
        std::memory_order_relaxed);
  }

  uint64_t transfers(TransferStatus status) const {
    return transfers_[static_cast<size_t>(status)].load(
        std::memory_order_relaxed);
  }

 private:
  static constexpr size_t PlaceOf(Method method, absl::StatusCode code) {
    return static_cast<size_t>(method) * kCodes + static_cast<size_t>(code);
  }

  // They cannot move.
  std::deque<Histogram> durations_;
  std::array<std::atomic<uint64_t>, kReasons> refusals_ = {};
  std::array<std::atomic<uint64_t>, kTransferStatuses> transfers_ = {};
};

// A request, from when it came.
class RequestTimer {
 public:
  // `counts` outlives it.
  RequestTimer(RequestCounts& counts, Method method)
      : counts_(&counts), method_(method) {}

  void End(const absl::Status& status) const {
    counts_->Add(method_, std::chrono::steady_clock::now() - begun_, status);
  }

 private:
  RequestCounts* counts_;
  Method method_;
  std::chrono::steady_clock::time_point begun_ =
      std::chrono::steady_clock::now();
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REQUEST_COUNTS_H_
