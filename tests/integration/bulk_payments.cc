#include "tests/integration/bulk_payments.h"

#include <chrono>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/base/uint128.h"

namespace ledgerd::integration {
namespace {

constexpr uint32_t kLedger = 77;
constexpr uint64_t kBatch = 8'189;
// Beside those of payments.h.
constexpr uint64_t kFirstAccount = 77'000'000;
constexpr uint64_t kHighOfIds = 77;
// Longer than any pause that a test makes.
constexpr std::chrono::minutes kPatience(1);

}  // namespace

BulkPayments::BulkPayments(const std::vector<std::string>& addresses,
                           uint64_t number)
    : debit_(kFirstAccount + 2 * number),
      credit_(kFirstAccount + 2 * number + 1),
      client_({.addresses = addresses, .timeout = kPatience}),
      last_id_(number << 48) {}

absl::Status BulkPayments::Prepare() {
  std::vector<Account> accounts;
  for (const AccountId id : {debit_, credit_}) {
    accounts.push_back({.id = id, .ledger = kLedger, .code = 1});
  }
  return client_.CreateAccounts(std::move(accounts)).status();
}

absl::Status BulkPayments::Pay(uint64_t payments) {
  const uint64_t end = paid_ + payments;
  while (paid_ < end) LEDGERD_RETURN_IF_ERROR(PayBatch());
  return absl::OkStatus();
}

absl::Status BulkPayments::PayBatch() {
  std::vector<Transfer> batch;
  for (uint64_t i = 0; i < kBatch; ++i) {
    batch.push_back({.id = TransferId(MakeUint128(kHighOfIds, ++last_id_)),
                     .debit_account_id = debit_,
                     .credit_account_id = credit_,
                     .amount = Amount(1),
                     .ledger = kLedger,
                     .code = 1});
  }
  LEDGERD_ASSIGN_OR_RETURN(const client::CreatedTransfers created,
                           client_.CreateTransfers(std::move(batch)));
  for (const TransferResult& result : created.results) {
    if (client::IsThere(result)) continue;
    return absl::InternalError(
        absl::StrCat("a payment was refused: ", Name(result.status)));
  }
  paid_ += created.results.size();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> BulkPayments::BalanceIn(OfflineLedger& ledger) const {
  LEDGERD_ASSIGN_OR_RETURN(const FinalState state, ledger.Read({}, {credit_}));
  if (state.accounts.size() != 1) return absl::NotFoundError("no account");
  return static_cast<uint64_t>(state.accounts[0].credits_posted.value());
}

}  // namespace ledgerd::integration
