// A payment, and a payment in two phases: the smallest program that does both.
//
//   bazel run //client:example -- 127.0.0.1:7300
//
// It may be run again: the ids are fixed, so nothing is paid twice.
#include <iostream>
#include <string>

#include "client/ledger_client.h"

namespace {

using namespace ledgerd;  // NOLINT: an example reads better without prefixes.
using client::LedgerClient;

constexpr AccountId kCustomer{9'000'001};
constexpr AccountId kShop{9'000'002};

// Each intent has an id of its own, chosen once: here constants, in a real
// program a UUID that is stored with the order.
constexpr TransferId kPayment{9'000'011};
constexpr TransferId kHold{9'000'012};
constexpr TransferId kCapture{9'000'013};

// Prints what happened; false when it is not what should have.
template <typename Result>
bool Show(const std::string& what, const absl::StatusOr<Result>& result) {
  if (!result.ok()) {
    // With OUTCOME_UNKNOWN: ask again, with the same id.
    std::cerr << what << ": " << result.status().ToString() << "\n";
    return false;
  }
  std::cout << what << ": " << Name(result->status) << "\n";
  return client::IsThere(*result);
}

bool CreateAccounts(LedgerClient& ledger) {
  const auto created =
      ledger.CreateAccounts({{.id = kCustomer, .ledger = 1, .code = 10},
                             {.id = kShop, .ledger = 1, .code = 20}});
  if (!created.ok()) {
    std::cerr << "accounts: " << created.status().ToString() << "\n";
    return false;
  }
  for (const AccountResult& result : created->results) {
    std::cout << "account: " << Name(result.status) << "\n";
    if (!client::IsThere(result)) return false;
  }
  return true;
}

Transfer Pay(TransferId id, uint64_t cents, uint16_t flags = 0) {
  return {.id = id,
          .debit_account_id = kCustomer,
          .credit_account_id = kShop,
          .amount = Amount(cents),
          .ledger = 1,
          .code = 1,
          .flags = flags};
}

bool PayInTwoPhases(LedgerClient& ledger) {
  if (!Show("hold",
            ledger.CreateTransfer(Pay(kHold, 500, transfer_flags::kPending)))) {
    return false;
  }
  // Takes 300 of the 500 that are held, and releases the rest.
  return Show("capture",
              ledger.CreateTransfer({.id = kCapture,
                                     .amount = Amount(300),
                                     .pending_id = kHold,
                                     .flags = transfer_flags::kPostPending}));
}

bool ShowBalance(LedgerClient& ledger) {
  const auto found = ledger.LookupAccounts({kShop});
  if (!found.ok() || found->accounts.empty()) return false;
  std::cout << "the shop has "
            << ToString(found->accounts.front().credits_posted.value()) << "\n";
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  LedgerClient ledger({.addresses = {argc > 1 ? argv[1] : "127.0.0.1:7300"}});
  const bool ok = CreateAccounts(ledger) &&
                  Show("payment", ledger.CreateTransfer(Pay(kPayment, 995))) &&
                  PayInTwoPhases(ledger) && ShowBalance(ledger);
  return ok ? 0 : 1;
}
