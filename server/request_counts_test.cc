#include "server/request_counts.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/results.h"
#include "proto/statuses.h"

namespace ledgerd::server {
namespace {

using std::chrono::milliseconds;

// Of those that ended so.
uint64_t Count(const RequestCounts& counts, Method method,
               absl::StatusCode code) {
  uint64_t all = 0;
  for (const uint64_t count : counts.durations(method, code).Get().values) {
    all += count;
  }
  return all;
}

TEST(RequestCountsTest, EachMethodAndCodeHasItsDurations) {
  RequestCounts counts;
  counts.Add(Method::kCreateTransfers, milliseconds(3), absl::OkStatus());
  counts.Add(Method::kCreateTransfers, milliseconds(4), absl::OkStatus());
  counts.Add(Method::kLookupAccounts, milliseconds(5), absl::OkStatus());
  counts.Add(Method::kCreateTransfers, milliseconds(6),
             MakeError(Reason::kOverloaded, "full"));
  EXPECT_EQ(Count(counts, Method::kCreateTransfers, absl::StatusCode::kOk), 2u);
  EXPECT_EQ(Count(counts, Method::kLookupAccounts, absl::StatusCode::kOk), 1u);
  EXPECT_EQ(Count(counts, Method::kCreateTransfers,
                  absl::StatusCode::kResourceExhausted),
            1u);
  EXPECT_EQ(Count(counts, Method::kCreateAccounts, absl::StatusCode::kOk), 0u);
  EXPECT_EQ(counts.durations(Method::kCreateTransfers, absl::StatusCode::kOk)
                .Get()
                .sum,
            7'000'000u);
  EXPECT_EQ(counts.refusals(Reason::kOverloaded), 1u);
}

TEST(RequestCountsTest, ARefusalCountsByWhatTheClientIsTold) {
  RequestCounts counts;
  counts.AddRefusal(MakeError(Reason::kDiskFull, "no space"));
  counts.AddRefusal(absl::InternalError("without a reason"));
  counts.AddRefusal(absl::CancelledError("by its client"));
  EXPECT_EQ(counts.refusals(Reason::kDiskFull), 1u);
  EXPECT_EQ(counts.refusals(Reason::kOutcomeUnknown), 1u);
  EXPECT_EQ(counts.refusals(Reason::kInvalidField), 0u);
}

TEST(RequestCountsTest, TransfersCountByStatusInWhateverOrder) {
  RequestCounts counts;
  std::vector<TransferResult> results(7);
  for (TransferResult& result : results) {
    result.status = TransferStatus::kCreated;
  }
  results[2].status = results[6].status = TransferStatus::kExists;
  results[3].status = TransferStatus::kExceedsDebits;  // The highest one.
  counts.Add(results);
  counts.Add({});
  EXPECT_EQ(counts.transfers(TransferStatus::kCreated), 4u);
  EXPECT_EQ(counts.transfers(TransferStatus::kExists), 2u);
  EXPECT_EQ(counts.transfers(TransferStatus::kExceedsDebits), 1u);
}

TEST(RequestCountsTest, EveryMethodHasANameOfItsOwn) {
  std::set<std::string> names;
  for (size_t i = 0; i < kMethods; ++i) {
    names.insert(std::string(Name(static_cast<Method>(i))));
  }
  EXPECT_EQ(names.size(), kMethods);
  EXPECT_EQ(Name(Method::kQueryTransfers), "QueryTransfers");
}

}  // namespace
}  // namespace ledgerd::server
