// How fresh a read is, by what it asks for, of every method that reads.
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "tests/integration/consistencies.h"
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

// Of what account 2 was paid.
template <typename Request>
void AskForNewest(Request& request) {
  request.mutable_filter()->mutable_account_id()->set_low(2);
  request.mutable_filter()->set_credits(true);
  request.mutable_filter()->set_reversed(true);
  request.mutable_filter()->set_limit(1);
}

constexpr auto kIsNewest = [](const auto& response, uint64_t newest) {
  return response.transfers_size() == 1 &&
         response.transfers(0).id().low() >= newest;
};

using Stub = v1::LedgerService::Stub;

std::map<std::string, Reader> Lookups() {
  return {
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
}

std::map<std::string, Reader> Queries() {
  return {
      {"GetAccountTransfers",
       MakeReader<v1::GetAccountTransfersRequest,
                  v1::GetAccountTransfersResponse>(
           &Stub::GetAccountTransfers,
           [](auto& request, uint64_t) { AskForNewest(request); }, kIsNewest)},
      {"GetAccountBalances",
       MakeReader<v1::GetAccountBalancesRequest,
                  v1::GetAccountBalancesResponse>(
           &Stub::GetAccountBalances,
           [](auto& request, uint64_t) { AskForNewest(request); },
           [](const auto& response, uint64_t newest) {
             return response.balances_size() == 1 &&
                    response.balances(0).credits_posted().low() >= newest;
           })},
      {"QueryAccounts",
       MakeReader<v1::QueryAccountsRequest, v1::QueryAccountsResponse>(
           &Stub::QueryAccounts,
           [](auto& request, uint64_t) {
             request.mutable_filter()->set_reversed(true);
             request.mutable_filter()->set_limit(1);
           },
           [](const auto& response, uint64_t newest) {
             return response.accounts(0).credits_posted().low() >= newest;
           })},
      {"QueryTransfers",
       MakeReader<v1::QueryTransfersRequest, v1::QueryTransfersResponse>(
           &Stub::QueryTransfers,
           [](auto& request, uint64_t) {
             request.mutable_filter()->set_ledger(1);
             request.mutable_filter()->set_reversed(true);
             request.mutable_filter()->set_limit(1);
           },
           kIsNewest)},
  };
}

const std::map<std::string, Reader>& Readers() {
  static const auto& readers = *[] {
    auto* all = new std::map<std::string, Reader>(Lookups());
    all->merge(Queries());
    return all;
  }();
  return readers;
}

class ReadConsistencyTest
    : public testing::TestWithParam<std::pair<const std::string, Reader>> {
 protected:
  explicit ReadConsistencyTest(std::vector<std::string> flags = {})
      : ledger_(std::move(flags)) {}

  void SetUp() override {
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    std::vector<Account> accounts;
    for (const uint64_t id : {1, 2}) {
      accounts.push_back({.id = AccountId(id),
                          .ledger = 1,
                          .code = 1,
                          .flags = account_flags::kHistory});
    }
    const Ending created = raw_.CreateAccounts(accounts, kTimeout);
    ASSERT_EQ(created.outcome, Outcome::kAnswered) << created.error;
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

TEST_P(ReadConsistencyTest, AtLeastASequenceSeesIt) {
  const uint64_t paid_at = Pay();
  const Read read = Ask(AtLeast(paid_at));
  ASSERT_TRUE(read.status.ok()) << read.status.error_message();
  EXPECT_TRUE(read.sees_newest);
  EXPECT_GE(read.sequence, paid_at);
}

constexpr size_t kReadsMax = 16;

class FewReadsTest : public ReadConsistencyTest {
 protected:
  FewReadsTest()
      : ReadConsistencyTest(
            {absl::StrCat("--requests-inbox-requests=", kReadsMax)}) {}
};

// There is room for one read less than there are. Nobody has read anything
// before, so when one of them is refused, it is all the others that wait.
TEST_P(FewReadsTest, AtLeastASequenceWaitsForIt) {
  const uint64_t next = Pay() + 1;
  const uint64_t newest = newest_ + 1;
  std::atomic<bool> others_wait{false};
  std::array<Read, kReadsMax + 1> reads;
  std::vector<std::thread> readers;
  readers.reserve(reads.size());
  for (Read& read : reads) {
    readers.emplace_back([&, newest] {
      EXPECT_TRUE(WaitUntil(kTimeout, [&] {
        read = GetParam().second(raw_.stub(), newest, AtLeast(next), kTimeout);
        const bool refused =
            Text(ReadError(read.status)) == "RESOURCE_EXHAUSTED OVERLOADED";
        if (refused) others_wait = true;
        return !refused;
      }));
    });
  }
  EXPECT_TRUE(WaitUntil(kTimeout, [&] { return others_wait.load(); }));
  EXPECT_EQ(Pay(), next);
  for (std::thread& reader : readers) reader.join();
  for (const Read& read : reads) {
    EXPECT_TRUE(read.status.ok()) << read.status.error_message();
    EXPECT_TRUE(read.sees_newest);
    EXPECT_GE(read.sequence, next);
  }
}

TEST_P(ReadConsistencyTest, ASequenceThatDoesNotComeIsTooStale) {
  Pay();
  Read read;
  // The answer comes a little before the client gives up, or else is not heard.
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    read = Ask(AtLeast(kNever), milliseconds(1'000));
    return read.status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
  }));
  EXPECT_EQ(Text(ReadError(read.status)), "UNAVAILABLE TOO_STALE")
      << read.status.error_message();
}

TEST_P(ReadConsistencyTest, ThePrimaryIsNeverStale) {
  Pay();
  for (const uint32_t ms : {0u, 1u, ~0u}) {
    const Read read = Ask(MaxStaleness(std::chrono::milliseconds(ms)));
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

INSTANTIATE_TEST_SUITE_P(EveryMethod, FewReadsTest,
                         testing::ValuesIn(Readers()),
                         [](const auto& method) { return method.param.first; });

INSTANTIATE_TEST_SUITE_P(EveryMethod, ReadConsistencyTest,
                         testing::ValuesIn(Readers()),
                         [](const auto& method) { return method.param.first; });

}  // namespace
}  // namespace ledgerd::integration
