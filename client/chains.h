// Linked chains, as a client must treat them.
//
// A run of linked events and the first one after it stand or fall together, so
// they travel in one request. A chain that has been committed and is sent again
// answers EXISTS for its first member and LINKED_EVENT_FAILED for the others:
// MarkExistingChains() says EXISTS for all of them.
//
//   size_t end = ChainEnd(rows, begin);         // [begin, end) is one unit
//   MarkExistingChains(rows, results);
//
// Source  ledger.md, Batches.
#ifndef LEDGERD_CLIENT_CHAINS_H_
#define LEDGERD_CLIENT_CHAINS_H_

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

#include "proto/base/check.h"
#include "proto/errors.h"
#include "proto/results.h"
#include "proto/types.h"

namespace ledgerd::client {

// Accounts and transfers have it at the same bit.
static_assert(account_flags::kLinked == transfer_flags::kLinked);

template <typename Row>
bool IsLinked(const Row& row) {
  return (row.flags & transfer_flags::kLinked) != 0;
}

// One past the last row of the unit (a chain, or one row) that starts at
// `begin`. A chain that the rows leave open ends with them.
template <typename Row>
size_t ChainEnd(absl::Span<const Row> rows, size_t begin) {
  size_t end = begin;
  while (end < rows.size() && IsLinked(rows[end])) ++end;
  return std::min(end + 1, rows.size());
}

// Whether `rows` are exactly one unit: INVALID_FIELD otherwise. Anything else
// would tie strangers together once units share a batch.
template <typename Row>
absl::Status CheckOneUnit(absl::Span<const Row> rows) {
  if (rows.empty()) return MakeFieldError("transfers", "is empty");
  if (IsLinked(rows.back())) {
    return MakeFieldError(
        absl::StrCat("transfers[", rows.size() - 1, "].flags"),
        "linked on the last member leaves the chain open");
  }
  if (const size_t end = ChainEnd(rows, 0); end != rows.size()) {
    return MakeFieldError(absl::StrCat("transfers[", end - 1, "].flags"),
                          "all members but the last must be linked");
  }
  return absl::OkStatus();
}

// Turns the answer to a retried chain into EXISTS for all of its members. Those
// after the first get no timestamp and no amount: they are not in the answer;
// look them up where they matter.
template <typename Row, typename Result>
void MarkExistingChains(absl::Span<const Row> rows,
                        absl::Span<Result> results) {
  using Status = decltype(Result::status);
  LEDGERD_CHECK(rows.size() == results.size());
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    end = ChainEnd(rows, begin);
    if (results[begin].status != Status::kExists) continue;
    const auto others = results.subspan(begin + 1, end - begin - 1);
    const bool all_failed =
        std::all_of(others.begin(), others.end(), [](const Result& result) {
          return result.status == Status::kLinkedEventFailed;
        });
    if (!all_failed) continue;
    for (Result& result : others) result = Result{.status = Status::kExists};
  }
}

// CREATED, or EXISTS: by an earlier attempt.
template <typename Result>
bool IsThere(const Result& result) {
  using Status = decltype(Result::status);
  return result.status == Status::kCreated || result.status == Status::kExists;
}

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_CHAINS_H_
