#include "server/request_counts.h"

#include <iterator>

#include "proto/base/check.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kMicro = 1'000;
constexpr uint64_t kMilli = 1'000'000;

// In nanoseconds. The last one is the default deadline.
constexpr uint64_t kDurations[] = {
    100 * kMicro,  250 * kMicro,  500 * kMicro,  1 * kMilli,
    2 * kMilli,    5 * kMilli,    10 * kMilli,   25 * kMilli,
    50 * kMilli,   100 * kMilli,  250 * kMilli,  500 * kMilli,
    1000 * kMilli, 2500 * kMilli, 5000 * kMilli, 10000 * kMilli};

constexpr absl::string_view kNames[] = {
    "CreateAccounts",      "CreateTransfers",    "StreamTransfers",
    "GetServerInfo",       "LookupAccounts",     "LookupTransfers",
    "GetAccountTransfers", "GetAccountBalances", "QueryAccounts",
    "QueryTransfers"};
static_assert(std::size(kNames) == kMethods);

}  // namespace

absl::string_view Name(Method method) {
  return kNames[static_cast<size_t>(method)];
}

RequestCounts::RequestCounts() {
  for (size_t i = 0; i < kMethods * kCodes; ++i) {
    durations_.emplace_back(kDurations);
  }
}

void RequestCounts::Add(Method method, std::chrono::nanoseconds took,
                        const absl::Status& status) {
  LEDGERD_CHECK(static_cast<size_t>(status.code()) < kCodes);
  durations_[PlaceOf(method, status.code())].Add(
      static_cast<uint64_t>(took.count()));
  if (!status.ok()) AddRefusal(status);
}

void RequestCounts::AddRefusal(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (!reason.has_value() && absl::IsCancelled(status)) return;
  // As on the wire.
  const Reason told = reason.value_or(Reason::kOutcomeUnknown);
  refusals_[static_cast<size_t>(told)].fetch_add(1, std::memory_order_relaxed);
}

void RequestCounts::Add(const std::vector<TransferResult>& results) {
  // Most of a batch end alike.
  for (size_t first = 0; first < results.size();) {
    const TransferStatus status = results[first].status;
    size_t next = first + 1;
    while (next < results.size() && results[next].status == status) ++next;
    transfers_[static_cast<size_t>(status)].fetch_add(
        next - first, std::memory_order_relaxed);
    first = next;
  }
}

}  // namespace ledgerd::server
