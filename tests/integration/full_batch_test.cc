// The limits of a request, and what no client should send: the answer says what
// is wrong and where, and the daemon goes on.
#include <random>
#include <thread>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "proto/system_limits.h"
#include "tests/integration/connection.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_call.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout(30'000);

std::vector<Transfer> Batch(uint64_t first_id, size_t size) {
  std::vector<Transfer> batch;
  for (size_t i = 0; i < size; ++i) batch.push_back(PayOne(first_id + i));
  return batch;
}

class FullBatchTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw_));
  }

  // The daemon has gone on: it still is the same process, and still pays.
  void TearDown() override {
    const Ending ending = raw_.CreateTransfers({PayOne(1'000'000)}, kTimeout);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
    EXPECT_EQ(ending.results[0].status, TransferStatus::kCreated);
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  }

  WireError ErrorOf(const v1::CreateTransfersRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    v1::CreateTransfersResponse response;
    return ReadError(raw_.stub().CreateTransfers(&context, request, &response));
  }

  WireError ErrorOf(const v1::CreateAccountsRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    v1::CreateAccountsResponse response;
    return ReadError(raw_.stub().CreateAccounts(&context, request, &response));
  }

  static void ExpectInvalid(const WireError& error, const std::string& field) {
    EXPECT_EQ(error.code, grpc::StatusCode::INVALID_ARGUMENT) << error.message;
    EXPECT_EQ(error.domain, "ledgerd");
    EXPECT_EQ(error.reason, "INVALID_FIELD");
    EXPECT_EQ(error.field, field);
    EXPECT_NE(error.message, "");
  }

  LiveLedger ledger_;
  RawClient raw_{ledger_.address()};
};

v1::CreateTransfersRequest Request(const std::vector<Transfer>& transfers) {
  v1::CreateTransfersRequest request;
  for (const Transfer& transfer : transfers) {
    ToProto(transfer, request.add_transfers());
  }
  return request;
}

TEST_F(FullBatchTest, AFullBatchOfTheLargestTransfersFits) {
  std::vector<Transfer> batch = Batch(1, kMaxBatchSize);
  for (Transfer& transfer : batch) {
    transfer.id =
        TransferId(MakeUint128(~uint64_t{0} >> 1, Low(transfer.id.value())));
    transfer.user_data_128 = kUint128Max;
    transfer.user_data_64 = ~uint64_t{0};
    transfer.user_data_32 = ~uint32_t{0};
    transfer.timeout_seconds = ~uint32_t{0};
    transfer.flags = transfer_flags::kPending;
  }
  const Ending ending = raw_.CreateTransfers(batch, kTimeout);
  ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  ASSERT_EQ(ending.results.size(), kMaxBatchSize);
  for (const TransferResult& result : ending.results) {
    ASSERT_EQ(result.status, TransferStatus::kCreated);
  }
  const Ending again = raw_.CreateTransfers(batch, kTimeout);
  ASSERT_EQ(again.results.size(), kMaxBatchSize);
  for (const TransferResult& result : again.results) {
    ASSERT_EQ(result.status, TransferStatus::kExists);
  }
}

TEST_F(FullBatchTest, AFullLookupFits) {
  const std::vector<Transfer> batch = Batch(1, kMaxBatchSize);
  ASSERT_EQ(raw_.CreateTransfers(batch, kTimeout).outcome, Outcome::kAnswered);
  std::vector<TransferId> ids;
  for (const Transfer& transfer : batch) ids.push_back(transfer.id);
  const Ending found = raw_.LookupTransfers(ids, kTimeout);
  ASSERT_EQ(found.outcome, Outcome::kAnswered) << found.error;
  ASSERT_EQ(found.found.size(), kMaxBatchSize);
  for (size_t i = 0; i < ids.size(); ++i) {
    Transfer expected = batch[i];
    expected.timestamp = found.found[i].timestamp;
    ASSERT_EQ(found.found[i], expected) << i;
  }
}

TEST_F(FullBatchTest, OneMoreThanAFullBatchIsInvalid) {
  ExpectInvalid(ErrorOf(Request(Batch(1, kMaxBatchSize + 1))), "transfers");
  v1::CreateAccountsRequest accounts;
  for (uint64_t i = 0; i <= kMaxBatchSize; ++i) {
    ToProto(Account{.id = AccountId(100 + i), .ledger = 1, .code = 1},
            accounts.add_accounts());
  }
  ExpectInvalid(ErrorOf(accounts), "accounts");
  const Ending found = raw_.LookupTransfers({TransferId(1)}, kTimeout);
  EXPECT_EQ(found.missing, std::vector<TransferId>{TransferId(1)});
}

TEST_F(FullBatchTest, AnEmptyBatchIsInvalid) {
  ExpectInvalid(ErrorOf(v1::CreateTransfersRequest()), "transfers");
  ExpectInvalid(ErrorOf(v1::CreateAccountsRequest()), "accounts");
}

TEST_F(FullBatchTest, ACodeAbove65535IsInvalid) {
  v1::CreateTransfersRequest transfers = Request(Batch(1, 3));
  transfers.mutable_transfers(2)->set_code(70'000);
  ExpectInvalid(ErrorOf(transfers), "transfers[2].code");
  v1::CreateAccountsRequest accounts;
  accounts.add_accounts()->set_code(70'000);
  ExpectInvalid(ErrorOf(accounts), "accounts[0].code");
}

TEST_F(FullBatchTest, UnknownFlagsAreRefusedByName) {
  v1::CreateTransfersRequest request = Request(Batch(1, 3));
  request.mutable_transfers(0)->set_flags(1u << 15);
  request.mutable_transfers(1)->set_flags(1u << 16);
  request.mutable_transfers(2)->set_flags(1u << 31);
  grpc::ClientContext context;
  v1::CreateTransfersResponse response;
  const auto status = raw_.stub().CreateTransfers(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const auto& result : response.results()) {
    EXPECT_EQ(result.status(), v1::CREATE_TRANSFER_STATUS_RESERVED_FLAG);
  }
}

// What is far above, gRPC refuses by itself: it has no reason to give.
TEST_F(FullBatchTest, AMessageAboveTheLimitIsRefused) {
  for (const RawMethod& method : AllMethods(ledger_.address(), "")) {
    const WireError longer =
        Call(method, std::string(kMessageBytesMax + 1, 'x'));
    EXPECT_EQ(longer.code, grpc::StatusCode::INVALID_ARGUMENT) << method.path;
    EXPECT_EQ(longer.reason, "INVALID_FIELD") << method.path;
    EXPECT_NE(longer.message.find(std::to_string(kMessageBytesMax)),
              std::string::npos)
        << longer.message;
    const WireError far_longer =
        Call(method, std::string(2 * kMessageBytesMax + 1, 'x'));
    EXPECT_EQ(far_longer.code, grpc::StatusCode::RESOURCE_EXHAUSTED)
        << method.path;
  }
}

TEST_F(FullBatchTest, AShortDeadlineLeavesTheOutcomeToTheSameId) {
  const std::vector<Transfer> batch = Batch(1, 1'000);
  for (int i = 0; i < 20; ++i) {
    const Ending ending = raw_.CreateTransfers(batch, milliseconds(i / 4));
    if (ending.outcome == Outcome::kAnswered) continue;
    // The server may have said first that it is too late (OVERLOADED).
    EXPECT_TRUE(ending.error.rfind("DEADLINE_EXCEEDED", 0) == 0 ||
                ending.error.rfind("RESOURCE_EXHAUSTED", 0) == 0)
        << ending.error;
  }
  const Ending ending = raw_.CreateTransfers(batch, kTimeout);
  ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  const TransferStatus first = ending.results[0].status;
  EXPECT_TRUE(first == TransferStatus::kCreated ||
              first == TransferStatus::kExists);
  for (const TransferResult& result : ending.results) {
    EXPECT_EQ(result.status, first) << "a batch is durable as a whole";
  }
}

TEST_F(FullBatchTest, TwoClientsAtOnceGetTheirOwnAnswers) {
  std::vector<std::thread> clients;
  for (uint64_t client = 0; client < 2; ++client) {
    clients.emplace_back([this, client] {
      RawClient raw(ledger_.address());
      for (uint64_t i = 0; i < 10; ++i) {
        const uint64_t first = (client + 1) * 100'000 + i * 1'000;
        const auto batch = Batch(first, 500 + 10 * client);
        const Ending ending = raw.CreateTransfers(batch, kTimeout);
        ASSERT_EQ(ending.results.size(), batch.size()) << ending.error;
        for (const TransferResult& result : ending.results) {
          ASSERT_EQ(result.status, TransferStatus::kCreated);
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST_F(FullBatchTest, NonsenseOnThePortDoesNoHarm) {
  const int port = std::stoi(ledger_.address().substr(10));
  std::mt19937_64 random(TestSeed());
  Connection silent(port);
  Connection half(port);
  EXPECT_TRUE(half.Send("PRI * HTTP/2.0\r\n\r\nSM"));
  for (int i = 0; i < 50; ++i) {
    Connection connection(port);
    std::string bytes = i % 3 == 0 ? "GET / HTTP/1.1\r\n\r\n" : "";
    if (i % 3 == 1) bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (uint64_t left = random() % 3'000; left > 0; --left) {
      bytes.push_back(static_cast<char>(random()));
    }
    connection.Send(bytes);
  }
  const Ending ending = raw_.CreateTransfers({PayOne(1)}, kTimeout);
  EXPECT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
}

TEST_F(FullBatchTest, ManyIdleConnectionsDoNoHarm) {
  const int port = std::stoi(ledger_.address().substr(10));
  std::vector<std::unique_ptr<Connection>> idle;
  for (int i = 0; i < 500; ++i) {
    idle.push_back(std::make_unique<Connection>(port));
  }
  RawClient late(ledger_.address());
  // It takes a connection that is not there in a second for one that fails.
  Ending ending;
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    ending = late.CreateTransfers({PayOne(1)}, kTimeout);
    return ending.outcome == Outcome::kAnswered;
  })) << ending.error;
}

}  // namespace
}  // namespace ledgerd::integration
