#include "client/ledger_client.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/waiter.h"

namespace ledgerd::client {
namespace {

using std::chrono::milliseconds;

constexpr AccountId kAlice{1};
constexpr AccountId kBob{2};

Transfer Pay(uint64_t id, uint16_t flags = 0) {
  return {.id = TransferId(id),
          .debit_account_id = kAlice,
          .credit_account_id = kBob,
          .amount = Amount(1),
          .ledger = 1,
          .code = 1,
          .flags = flags};
}

FakeLedger::Fault Lost(bool executed) {
  return {.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "reset"),
          .executed = executed};
}

class LedgerClientTest : public testing::Test {
 protected:
  LedgerClientTest() {
    fake_.set_account({.id = kAlice, .ledger = 1, .code = 1});
    fake_.set_account({.id = kBob, .ledger = 1, .code = 1});
    Make(milliseconds(30'000));
  }

  void Make(milliseconds timeout) {
    client_ = std::make_unique<LedgerClient>(
        ClientOptions{.addresses = {fake_.address()}, .timeout = timeout});
  }

  Amount Paid() { return fake_.account(kBob)->credits_posted; }

  FakeLedger fake_;
  std::unique_ptr<LedgerClient> client_;
};

TEST_F(LedgerClientTest, RetriesWithTheSameIds) {
  fake_.Script({FakeLedger::Fails(Reason::kNoPrimary), Lost(false),
                FakeLedger::Fails(Reason::kNoQuorum)});
  const auto result = client_->CreateTransfer(Pay(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, TransferStatus::kCreated);
  const auto batches = fake_.batches();
  ASSERT_EQ(batches.size(), 4);
  for (const auto& batch : batches) EXPECT_EQ(batch, std::vector{Pay(7)});
  EXPECT_EQ(Paid(), Amount(1));
}

TEST_F(LedgerClientTest, ALostAnswerIsAskedForAgainAndNothingIsDoubled) {
  fake_.Script({Lost(true)});
  const auto result = client_->CreateTransfer(Pay(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, TransferStatus::kExists);
  EXPECT_TRUE(IsThere(*result));
  EXPECT_EQ(result->amount, Amount(1));
  EXPECT_EQ(Paid(), Amount(1));
}

TEST_F(LedgerClientTest, AChainWhoseAnswerWasLostExistsAsAWhole) {
  fake_.Script({Lost(true)});
  const auto results =
      client_->CreateChain({Pay(7, transfer_flags::kLinked),
                            Pay(8, transfer_flags::kLinked), Pay(9)});
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 3);
  for (const auto& result : *results) {
    EXPECT_EQ(result.status, TransferStatus::kExists);
  }
  EXPECT_EQ(Paid(), Amount(3));
}

TEST_F(LedgerClientTest, AfterRetryInfoAndNotBefore) {
  fake_.Script({{.status = MakeGrpcError(Reason::kOverloaded, "busy",
                                         milliseconds(150))}});
  const auto start = std::chrono::steady_clock::now();
  const auto result = client_->CreateTransfer(Pay(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(150));
  EXPECT_EQ(fake_.batches().size(), 2);
}

TEST_F(LedgerClientTest, WithoutAnAnswerTheOutcomeIsUnknown) {
  Make(milliseconds(1'000));
  fake_.Script({{.silent = true}});
  const auto result = client_->CreateTransfer(Pay(7));
  EXPECT_EQ(ReasonOf(result.status()), Reason::kOutcomeUnknown)
      << result.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status()));
}

TEST_F(LedgerClientTest, WhatDidNothingUntilTheDeadlineSaysSo) {
  Make(milliseconds(1'000));
  fake_.Script(std::vector(1'000, FakeLedger::Fails(Reason::kNoQuorum)));
  size_t before = 0;
  absl::Status status;
  // Where the deadline meets an attempt on its way the outcome is unknown.
  for (int tries = 0; tries < 20; ++tries) {
    before = fake_.batches().size();
    status = client_->CreateTransfer(Pay(7)).status();
    if (ReasonOf(status) != Reason::kOutcomeUnknown) break;
  }
  EXPECT_EQ(ReasonOf(status), Reason::kNoQuorum) << status;
  EXPECT_FALSE(MayHaveBeenExecuted(status));
  // Pauses of at least 10, 20, 40, 80, 100, ... ms.
  EXPECT_LE(fake_.batches().size() - before, 14);
  EXPECT_GE(fake_.batches().size() - before, 3);
}

TEST_F(LedgerClientTest, AnUnknownOutcomeOfTheServerIsAskedAgain) {
  fake_.Script({FakeLedger::Fails(Reason::kOutcomeUnknown)});
  EXPECT_TRUE(client_->CreateTransfer(Pay(7)).ok());
}

TEST_F(LedgerClientTest, ABadRequestIsFinalAndNamesItsField) {
  fake_.Script({FakeLedger::Fails(Reason::kInvalidField)});
  const auto created = client_->CreateTransfers({Pay(7)});
  EXPECT_EQ(ReasonOf(created.status()), Reason::kInvalidField);
  EXPECT_EQ(fake_.batches().size(), 1);
}

TEST_F(LedgerClientTest, ConcurrentSinglesTravelTogether) {
  constexpr uint64_t kThreads = 40;
  fake_.Hold();
  std::vector<std::thread> threads;
  std::atomic<int> created = 0;
  for (uint64_t id = 1; id <= kThreads; ++id) {
    threads.emplace_back([&, id] {
      const auto result = client_->CreateTransfer(Pay(id));
      if (result.ok() && result->status == TransferStatus::kCreated) ++created;
    });
  }
  fake_.WaitForBatches(1);
  fake_.Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, kThreads);
  EXPECT_EQ(Paid(), Amount(kThreads));
  EXPECT_LT(fake_.batches().size(), kThreads);
}

TEST_F(LedgerClientTest, WhatWaitsGoesInOneBatchAndEachGetsItsOwnResult) {
  fake_.Hold();
  std::map<uint64_t, Waiter<TransferResult>> waiters;
  client_->CreateTransfer(Pay(1), waiters[1].callback());
  fake_.WaitForBatches(1);
  for (uint64_t id = 2; id <= 100; ++id) {
    Transfer transfer = Pay(id);
    // Every third one is refused.
    if (id % 3 == 0) transfer.credit_account_id = AccountId(99);
    client_->CreateTransfer(transfer, waiters[id].callback());
  }
  fake_.Release();
  for (auto& [id, waiter] : waiters) {
    const auto result = waiter.Wait();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->status, id % 3 == 0
                                  ? TransferStatus::kCreditAccountNotFound
                                  : TransferStatus::kCreated)
        << id;
  }
  EXPECT_EQ(fake_.batches().size(), 2);
}

TEST_F(LedgerClientTest, ChainsOfManyThreadsStayWhole) {
  std::vector<std::thread> threads;
  std::atomic<int> whole = 0;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 20; ++i) {
        const uint64_t id = 1 + 1'000 * t + 10 * i;
        const auto results = client_->CreateChain(
            {Pay(id, transfer_flags::kLinked),
             Pay(id + 1, transfer_flags::kLinked), Pay(id + 2)});
        if (results.ok() && IsThere(results->back())) ++whole;
        client_->CreateTransfer(Pay(id + 3)).IgnoreError();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(whole, 160);
  EXPECT_EQ(Paid(), Amount(640));
  for (const auto& batch : fake_.batches()) {
    EXPECT_FALSE(IsLinked(batch.back()));
    for (size_t i = 0; i < batch.size(); ++i) {
      if (Low(batch[i].id.value()) % 10 == 1) {
        ASSERT_LT(i + 2, batch.size());
        EXPECT_EQ(Low(batch[i + 2].id.value()), Low(batch[i].id.value()) + 2);
      }
    }
  }
}

TEST_F(LedgerClientTest, ARestartedServerIsFoundAgainQuickly) {
  auto server = std::make_unique<FakeLedger>();
  const std::string address = server->address();
  LedgerClient client({.addresses = {address}});
  auto fastest = std::chrono::steady_clock::duration::max();
  // A reconnection of 100 ms and a pause of 200 ms at most; gRPC's own default
  // is a second and more. A slow machine may do it once in ten.
  constexpr milliseconds kQuickly(500);
  for (int tries = 0; tries < 10 && fastest >= kQuickly; ++tries) {
    ASSERT_TRUE(client.GetServerInfo().ok());
    server.reset();
    Waiter<ServerInfo> waiter;
    client.GetServerInfo(waiter.callback());
    server = std::make_unique<FakeLedger>(address);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(waiter.Wait().ok());
    fastest = std::min(fastest, std::chrono::steady_clock::now() - start);
  }
  EXPECT_LT(fastest, kQuickly);
}

TEST_F(LedgerClientTest, AnotherAddressIsTriedAndTheHintIsFollowed) {
  FakeLedger standby;
  standby.BecomeStandby(fake_.address(), 3);
  LedgerClient client({.addresses = {"127.0.0.1:1", standby.address()}});
  const auto result = client.CreateTransfer(Pay(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Paid(), Amount(1));
  EXPECT_GE(standby.refusals(), 1);
}

TEST_F(LedgerClientTest, ReadsAreTyped) {
  const auto created = client_->CreateAccounts(
      {{.id = AccountId(3), .ledger = 1, .code = 1}, {.id = kAlice}});
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->results[0].status, AccountStatus::kCreated);
  EXPECT_EQ(created->results[1].status, AccountStatus::kExists);
  const auto found = client_->LookupAccounts({AccountId(3), AccountId(4)});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->accounts.size(), 1);
  EXPECT_EQ(found->accounts[0].id, AccountId(3));
  EXPECT_EQ(found->missing, std::vector{AccountId(4)});
  EXPECT_EQ(found->sequence, created->sequence);
}

TEST_F(LedgerClientTest, ClosingAnswersWhatIsOnItsWay) {
  fake_.Hold();
  Waiter<TransferResult> sent;
  Waiter<TransferResult> queued;
  client_->CreateTransfer(Pay(1), sent.callback());
  fake_.WaitForBatches(1);
  client_->CreateTransfer(Pay(2), queued.callback());
  client_.reset();
  EXPECT_EQ(ReasonOf(sent.Wait().status()), Reason::kOutcomeUnknown);
  EXPECT_EQ(ReasonOf(queued.Wait().status()), Reason::kDraining);
}

TEST_F(LedgerClientTest, AStreamAnswersInOrder) {
  const auto stream = client_->StreamTransfers({.window = 4});
  uint64_t received = 0;
  const auto receive = [&] {
    const auto created = stream->Receive();
    ASSERT_TRUE(created.ok()) << created.status();
    EXPECT_EQ(created->results.size(), 2);
    EXPECT_EQ(created->sequence, Sequence(++received));
  };
  for (uint64_t id = 1; id < 100; id += 2) {
    if (stream->full()) receive();
    stream->Send({Pay(id), Pay(id + 1)});
  }
  while (!stream->empty()) receive();
  EXPECT_EQ(received, 50);
  EXPECT_EQ(Paid(), Amount(100));
}

TEST_F(LedgerClientTest, ABrokenStreamGoesOnWithTheSameIds) {
  fake_.Script(
      {Lost(false), Lost(true), FakeLedger::Fails(Reason::kNoPrimary)});
  const auto stream = client_->StreamTransfers({.window = 8});
  for (uint64_t id = 1; id <= 6; ++id) stream->Send({Pay(id)});
  std::vector<TransferStatus> statuses;
  while (!stream->empty()) {
    const auto created = stream->Receive();
    ASSERT_TRUE(created.ok()) << created.status();
    statuses.push_back(created->results.front().status);
  }
  EXPECT_EQ(statuses.front(), TransferStatus::kExists);
  EXPECT_EQ(statuses.back(), TransferStatus::kCreated);
  EXPECT_EQ(Paid(), Amount(6));
  EXPECT_EQ(fake_.transfer_count(), 6);
}

TEST_F(LedgerClientTest, ABadRequestEndsTheStream) {
  const auto stream = client_->StreamTransfers();
  stream->Send({Pay(1)});
  stream->Send({});
  stream->Send({Pay(2)});
  EXPECT_TRUE(stream->Receive().ok());
  EXPECT_EQ(ReasonOf(stream->Receive().status()), Reason::kInvalidField);
  EXPECT_EQ(ReasonOf(stream->Receive().status()), Reason::kInvalidField);
  EXPECT_TRUE(stream->empty());
  EXPECT_EQ(Paid(), Amount(1));
}

TEST_F(LedgerClientTest, ASilentStreamEndsAtTheDeadline) {
  fake_.Script({{.silent = true}});
  const auto stream = client_->StreamTransfers({.timeout = milliseconds(200)});
  stream->Send({Pay(1)});
  EXPECT_EQ(ReasonOf(stream->Receive().status()), Reason::kOutcomeUnknown);
}

}  // namespace
}  // namespace ledgerd::client
