// How fresh a read is, by what it asks for, of every method that reads.
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout(60'000);
constexpr uint64_t kNever = 1'000'000'000;

struct Read {
  grpc::Status status;
  // What of the payment with the newest id it has seen.
  bool sees_newest = false;
  uint64_t sequence = 0;
};

using Reader = std::function<Read(v1::LedgerService::Stub&, uint64_t newest,
                                  const v1::ReadConsistency&, milliseconds)>;

template <typename Request, typename Response>
using Method = grpc::Status (v1::LedgerService::Stub::*)(grpc::ClientContext*,
                                                         const Request&,
                                                         Response*);

// A reader by `method`: `fill` makes its request, `seen` judges its answer.
template <typename Request, typename Response, typename Fill, typename Seen>
Reader MakeReader(Method<Request, Response> method, Fill fill, Seen seen) {
  return [=](v1::LedgerService::Stub& stub, uint64_t newest,
             const v1::ReadConsistency& consistency, milliseconds timeout) {
    Request request;
    fill(request, newest);
    *request.mutable_consistency() = consistency;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    Response response;
    Read read;
    read.status = (stub.*method)(&context, request, &response);
    read.sees_newest = read.status.ok() && seen(response, newest);
    read.sequence = response.sequence();
    return read;
  };
}

const std::map<std::string, Reader>& Readers() {
  using Stub = v1::LedgerService::Stub;
  static const auto& readers = *new std::map<std::string, Reader>{
      {"LookupAccounts",
       MakeReader<v1::LookupAccountsRequest, v1::LookupAccountsResponse>(
           &Stub::LookupAccounts,
           [](auto& request, uint64_t) { request.add_ids()->set_low(2); },
           [](const auto& response, uint64_t newest) {
             return response.accounts(0).credits_posted().low() >= newest;
           })},
      {"LookupTransfers",
       MakeReader<v1::LookupTransfersRequest, v1::LookupTransfersResponse>(
           &Stub::LookupTransfers,
           [](auto& request, uint64_t newest) {
             request.add_ids()->set_low(newest);
           },
           [](const auto& response, uint64_t) {
             return response.transfers_size() == 1;
           })},
  };
  return readers;
}

v1::ReadConsistency Linearizable() {
  v1::ReadConsistency consistency;
  consistency.mutable_linearizable();
  return consistency;
}

v1::ReadConsistency AtLeast(uint64_t sequence) {
  v1::ReadConsistency consistency;
  consistency.set_at_least_sequence(sequence);
  return consistency;
}

v1::ReadConsistency MaxStaleness(uint32_t ms) {
  v1::ReadConsistency consistency;
  consistency.set_max_staleness_ms(ms);
  return consistency;
}

class ReadConsistencyTest
    : public testing::TestWithParam<std::pair<const std::string, Reader>> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw_));
  }

  // Pays 1, and returns the sequence at which that was done.
  uint64_t Pay() {
    const Ending ending = raw_.CreateTransfers({PayOne(++newest_)}, kTimeout);
    EXPECT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
    return ending.sequence.value();
  }

  Read Ask(const v1::ReadConsistency& consistency,
           milliseconds timeout = kTimeout) {
    return GetParam().second(raw_.stub(), newest_, consistency, timeout);
  }

  LiveLedger ledger_;
  RawClient raw_{ledger_.address()};
  uint64_t newest_ = 0;
};

TEST_P(ReadConsistencyTest, ALinearizableReadSeesWhatWasAnswered) {
  for (int i = 0; i < 50; ++i) {
    const uint64_t paid_at = Pay();
    for (const auto& consistency : {Linearizable(), v1::ReadConsistency()}) {
      const Read read = Ask(consistency);
      ASSERT_TRUE(read.status.ok()) << read.status.error_message();
      EXPECT_TRUE(read.sees_newest);
      EXPECT_GE(read.sequence, paid_at);
    }
  }
}

TEST_P(ReadConsistencyTest, AtLeastASequenceSeesItOrWaitsForIt) {
  const uint64_t paid_at = Pay();
  const Read read = Ask(AtLeast(paid_at));
  ASSERT_TRUE(read.status.ok()) << read.status.error_message();
  EXPECT_TRUE(read.sees_newest);
  // The next payment's, which is not there yet.
  Read waited;
  std::thread waiter([&] { waited = Ask(AtLeast(paid_at + 1)); });
  EXPECT_EQ(Pay(), paid_at + 1);
  waiter.join();
  EXPECT_TRUE(waited.status.ok()) << waited.status.error_message();
  EXPECT_GE(waited.sequence, paid_at + 1);
}

TEST_P(ReadConsistencyTest, ASequenceThatDoesNotComeIsTooStale) {
  Pay();
  const Read read = Ask(AtLeast(kNever), milliseconds(2'000));
  EXPECT_EQ(Text(ReadError(read.status)), "UNAVAILABLE TOO_STALE")
      << read.status.error_message();
}

TEST_P(ReadConsistencyTest, ThePrimaryIsNeverStale) {
  Pay();
  for (const uint32_t ms : {0u, 1u, ~0u}) {
    const Read read = Ask(MaxStaleness(ms));
    EXPECT_TRUE(read.status.ok()) << read.status.error_message();
    EXPECT_TRUE(read.sees_newest);
  }
}

TEST_P(ReadConsistencyTest, AnswersHoldOverARestart) {
  const uint64_t paid_at = Pay();
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(ledger_.Start().ok());
  Read read;
  // The first call may meet the connection that broke.
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    read = Ask(AtLeast(paid_at));
    return read.status.ok();
  })) << read.status.error_message();
  EXPECT_TRUE(read.sees_newest);
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, ReadConsistencyTest,
                         testing::ValuesIn(Readers()),
                         [](const auto& method) { return method.param.first; });

}  // namespace
}  // namespace ledgerd::integration
