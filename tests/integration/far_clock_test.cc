// What a client is told where time ends: no timeout that there is can reach
// that from today, so the daemon's clock is far ahead.
#include <cstdint>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/types.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/test_directory.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;

TEST(FarClockTest, ATimeoutThatEndsAfterTheLastTimestampIsRefused) {
  LiveLedger ledger;
  ledger.RunUnder(
      {"/usr/bin/env",
       "LD_PRELOAD=" + Runfile("tests/integration/libfar_clock.so")});
  ASSERT_TRUE(ledger.Start().ok());
  RawClient raw(ledger.address());
  v1::CreateAccountsRequest accounts;
  for (const uint64_t id : {1, 2}) {
    ToProto(Account{.id = AccountId(id), .ledger = 1, .code = 1},
            accounts.add_accounts());
  }
  // Without a deadline, which would have passed by the daemon's clock.
  grpc::ClientContext context;
  v1::CreateAccountsResponse made;
  ASSERT_TRUE(raw.stub().CreateAccounts(&context, accounts, &made).ok());
  const auto hold = [&](uint32_t timeout_seconds) {
    Transfer transfer = PayOne(1);
    transfer.flags = transfer_flags::kPending;
    transfer.timeout_seconds = timeout_seconds;
    v1::CreateTransfersRequest request;
    ToProto(transfer, request.add_transfers());
    grpc::ClientContext of_transfer;
    v1::CreateTransfersResponse response;
    const auto status =
        raw.stub().CreateTransfers(&of_transfer, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok() ? response.results(0).status()
                       : v1::CREATE_TRANSFER_STATUS_UNSPECIFIED;
  };
  EXPECT_EQ(hold(~uint32_t{0}), v1::CREATE_TRANSFER_STATUS_OVERFLOWS_TIMEOUT);
  // The id is not kept.
  EXPECT_EQ(hold(1'000'000), v1::CREATE_TRANSFER_STATUS_CREATED);
  EXPECT_EQ(ledger.daemon().Terminate(), 0) << ledger.daemon().Log();
}

}  // namespace
}  // namespace ledgerd::integration
