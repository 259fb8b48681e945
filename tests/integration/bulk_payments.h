// Payments by the thousand: more than a history can note one by one. They move
// 1 each from one account to another, so the balance is their number: none is
// lost when it is not less than what was answered, none done twice when it is
// not more.
//
//   BulkPayments bulk(group.addresses(), /*number=*/0);
//   ASSERT_TRUE(bulk.Prepare().ok());
//   ASSERT_TRUE(bulk.Pay(100'000).ok());
//   EXPECT_EQ(*bulk.BalanceIn(*offline_ledger), bulk.paid());
//
// Shape    Accounts and ids are its own, by its number; a ledger of its own.
// Errors   Pay: what the client library gave up on, or a payment that was
//          refused.
// Threads  One thread; paid() from any.
#ifndef LEDGERD_TESTS_INTEGRATION_BULK_PAYMENTS_H_
#define LEDGERD_TESTS_INTEGRATION_BULK_PAYMENTS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/ledger_client.h"
#include "proto/types.h"
#include "tests/integration/offline_ledger.h"

namespace ledgerd::integration {

class BulkPayments {
 public:
  BulkPayments(const std::vector<std::string>& addresses, uint64_t number);

  // Creates the accounts.
  absl::Status Prepare();

  // At least so many, in batches.
  absl::Status Pay(uint64_t payments);

  // Those that were answered.
  uint64_t paid() const { return paid_; }

  // What a replica has of them.
  absl::StatusOr<uint64_t> BalanceIn(OfflineLedger& ledger) const;

 private:
  absl::Status PayBatch();

  const AccountId debit_;
  const AccountId credit_;
  client::LedgerClient client_;
  uint64_t last_id_;
  std::atomic<uint64_t> paid_ = 0;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_BULK_PAYMENTS_H_
