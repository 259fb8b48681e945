#include "client/bench/ledger_check.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/system_limits.h"

namespace ledgerd::bench {
namespace {

// How many ranges are compared field by field.
constexpr uint64_t kSamples = 64;

// A ledger with much in it may answer slowly; what is measured is not here.
constexpr std::chrono::minutes kTimeout(2);

void SortByNumber(std::vector<Exception>& exceptions) {
  std::sort(
      exceptions.begin(), exceptions.end(),
      [](const Exception& a, const Exception& b) { return a.first < b.first; });
}

// The exception that `number` is in, or the next after it.
std::vector<Exception>::const_iterator FindException(
    const std::vector<Exception>& exceptions, uint64_t number) {
  return std::find_if(exceptions.begin(), exceptions.end(),
                      [&](const Exception& exception) {
                        return exception.first + exception.count > number;
                      });
}

}  // namespace

LedgerCheck::LedgerCheck(const std::string& address, const Workload& workload)
    : workload_(workload) {
  Use(address);
}

void LedgerCheck::Use(const std::string& address) {
  ledger_ = std::make_unique<client::LedgerClient>(
      client::ClientOptions{.addresses = {address}, .timeout = kTimeout});
}

absl::Status LedgerCheck::Prepare() {
  for (uint64_t at = 0; at < workload_.accounts();) {
    std::vector<Account> accounts;
    const uint64_t end = std::min(workload_.accounts(), at + kMaxBatchSize);
    for (; at < end; ++at) accounts.push_back(workload_.NewAccount(at));
    LEDGERD_RETURN_IF_ERROR(
        ledger_->CreateAccounts(std::move(accounts)).status());
  }
  LEDGERD_ASSIGN_OR_RETURN(before_, ReadAccounts());
  if (before_.size() == workload_.accounts()) return absl::OkStatus();
  return absl::InternalError("the accounts could not be created");
}

absl::StatusOr<std::vector<Account>> LedgerCheck::ReadAccounts() {
  std::vector<Account> all;
  for (uint64_t at = 0; at < workload_.accounts();) {
    std::vector<AccountId> ids;
    const uint64_t end = std::min(workload_.accounts(), at + kMaxBatchSize);
    for (; at < end; ++at) ids.push_back(workload_.AccountAt(at));
    LEDGERD_ASSIGN_OR_RETURN(auto found, ledger_->LookupAccounts(ids));
    all.insert(all.end(), found.accounts.begin(), found.accounts.end());
  }
  return all;
}

absl::Status LedgerCheck::Verify(uint64_t end,
                                 std::vector<Exception> exceptions) {
  for (Exception& exception : exceptions) {
    if (exception.ending != Ending::kUnknown) continue;
    LEDGERD_ASSIGN_OR_RETURN(const bool there, AreThere(exception));
    if (there) exception.count = 0;
  }
  std::erase_if(exceptions, [](const Exception& e) { return e.count == 0; });
  SortByNumber(exceptions);
  Books books(workload_.AccountAt(0), workload_.accounts());
  executed_ = 0;
  auto next = exceptions.begin();
  for (uint64_t number = 0; number < end;) {
    if (next != exceptions.end() && next->first == number) {
      number += next->count;
      ++next;
      continue;
    }
    books.Add(workload_.Get(number++));
    ++executed_;
  }
  LEDGERD_ASSIGN_OR_RETURN(const auto after, ReadAccounts());
  LEDGERD_RETURN_IF_ERROR(books.Compare(before_, after));
  return CheckSamples(end, exceptions);
}

absl::StatusOr<bool> LedgerCheck::AreThere(const Exception& unknown) {
  LEDGERD_ASSIGN_OR_RETURN(
      const auto found,
      ledger_->LookupTransfers(Ids(unknown.first, unknown.count)));
  if (found.missing.empty()) return true;
  if (found.transfers.empty()) return false;
  return absl::DataLossError(
      absl::StrCat("a request was executed by half: ", found.transfers.size(),
                   " of ", unknown.count));
}

absl::Status LedgerCheck::CheckSamples(
    uint64_t end, const std::vector<Exception>& exceptions) {
  if (end == 0) return absl::OkStatus();
  const uint64_t step = std::max<uint64_t>(1, end / kSamples);
  for (uint64_t first = 0; first < end; first += step) {
    uint64_t count = std::min({step, end - first, uint64_t{kMaxBatchSize} / 8});
    const auto exception = FindException(exceptions, first);
    if (exception != exceptions.end()) {
      if (exception->first <= first) continue;
      count = std::min(count, exception->first - first);
    }
    LEDGERD_RETURN_IF_ERROR(CheckRange(first, count));
  }
  return absl::OkStatus();
}

absl::Status LedgerCheck::CheckRange(uint64_t first, uint64_t count) {
  LEDGERD_ASSIGN_OR_RETURN(const auto found,
                           ledger_->LookupTransfers(Ids(first, count)));
  if (!found.missing.empty()) {
    return absl::DataLossError(absl::StrCat(
        found.missing.size(), " transfers are missing from ", first, " on"));
  }
  for (uint64_t i = 0; i < count; ++i) {
    Transfer expected = workload_.Get(first + i);
    expected.timestamp = found.transfers[i].timestamp;
    if (found.transfers[i] == expected) continue;
    return absl::DataLossError(
        absl::StrCat("transfer ", first + i, " is not what was sent"));
  }
  return absl::OkStatus();
}

std::vector<TransferId> LedgerCheck::Ids(uint64_t first, uint64_t count) const {
  std::vector<TransferId> ids;
  ids.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    ids.push_back(workload_.Get(first + i).id);
  }
  return ids;
}

}  // namespace ledgerd::bench
