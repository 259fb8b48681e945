// The unary calls, through gRPC and back.
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/statuses.h"
#include "proto/system_limits.h"
#include "server/answer_budget.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"
#include "server/request_counts.h"
#include "server/responses.h"

namespace ledgerd::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

ledger::v1::CreateTransfersRequest Transfers(size_t count) {
  ledger::v1::CreateTransfersRequest request;
  for (size_t i = 0; i < count; ++i) {
    request.add_transfers()->mutable_id()->set_low(i + 1);
  }
  return request;
}

class LedgerServiceTest : public ::testing::Test {
 protected:
  absl::Status Create(const ledger::v1::CreateTransfersRequest& request) {
    grpc::ClientContext context;
    response_.Clear();
    return FromGrpcStatus(
        harness_.ledger().CreateTransfers(&context, request, &response_));
  }

  absl::Status Create(const ledger::v1::CreateAccountsRequest& request) {
    grpc::ClientContext context;
    ledger::v1::CreateAccountsResponse response;
    return FromGrpcStatus(
        harness_.ledger().CreateAccounts(&context, request, &response));
  }

  absl::Status Lookup(const ledger::v1::LookupAccountsRequest& request,
                      ledger::v1::LookupAccountsResponse& response) {
    grpc::ClientContext context;
    return FromGrpcStatus(
        harness_.ledger().LookupAccounts(&context, request, &response));
  }

  ServicesHarness harness_;
  ledger::v1::CreateTransfersResponse response_;
};

TEST_F(LedgerServiceTest, ABatchIsAnsweredEventByEvent) {
  ASSERT_TRUE(Create(Transfers(3)).ok());
  ASSERT_EQ(response_.results_size(), 3);
  EXPECT_EQ(response_.results(2).status(),
            ledger::v1::CREATE_TRANSFER_STATUS_CREATED);
  EXPECT_EQ(response_.results(2).timestamp(), 3u);
  EXPECT_EQ(response_.sequence(), 1u);
}

TEST_F(LedgerServiceTest, AccountsAreCreated) {
  ledger::v1::CreateAccountsRequest request;
  request.add_accounts();
  request.add_accounts();
  grpc::ClientContext context;
  ledger::v1::CreateAccountsResponse response;
  ASSERT_TRUE(
      harness_.ledger().CreateAccounts(&context, request, &response).ok());
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(1).status(),
            ledger::v1::CREATE_ACCOUNT_STATUS_CREATED);
  EXPECT_EQ(response.sequence(), 1u);
}

TEST_F(LedgerServiceTest, AFullBatchFitsAndOneMoreDoesNot) {
  ledger::v1::CreateTransfersRequest request = Transfers(kMaxBatchSize);
  for (auto& transfer : *request.mutable_transfers()) {
    for (auto* field :
         {transfer.mutable_debit_account_id(),
          transfer.mutable_credit_account_id(), transfer.mutable_amount(),
          transfer.mutable_pending_id(), transfer.mutable_user_data_128()}) {
      field->set_high(~uint64_t{0});
      field->set_low(~uint64_t{0});
    }
  }
  ASSERT_TRUE(Create(request).ok());
  EXPECT_EQ(response_.results_size(), static_cast<int>(kMaxBatchSize));
  request.add_transfers();
  const absl::Status status = Create(request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), "transfers");
  EXPECT_EQ(harness_.replica().taken(), 1u);
}

TEST_F(LedgerServiceTest, BadRequestsNameTheirField) {
  EXPECT_EQ(FieldOf(Create(Transfers(0))), "transfers");
  ledger::v1::CreateTransfersRequest transfers = Transfers(4);
  transfers.mutable_transfers(2)->set_code(65'536);
  EXPECT_EQ(FieldOf(Create(transfers)), "transfers[2].code");
  ledger::v1::CreateAccountsRequest accounts;
  EXPECT_EQ(FieldOf(Create(accounts)), "accounts");
  accounts.add_accounts()->set_code(65'536);
  EXPECT_EQ(FieldOf(Create(accounts)), "accounts[0].code");
  ledger::v1::LookupAccountsResponse response;
  EXPECT_EQ(FieldOf(Lookup({}, response)), "ids");
  EXPECT_EQ(harness_.replica().taken(), 0u);
}

TEST_F(LedgerServiceTest, EveryCallIsCountedByHowItEnded) {
  const auto counted = [&](Method method, absl::StatusCode code) {
    uint64_t all = 0;
    for (const uint64_t count :
         harness_.service().counts().durations(method, code).Get().values) {
      all += count;
    }
    return all;
  };
  ASSERT_TRUE(Create(Transfers(3)).ok());
  EXPECT_FALSE(Create(Transfers(0)).ok());
  harness_.replica().RefuseNext(MakeError(Reason::kNoQuorum, "alone"));
  EXPECT_FALSE(Create(Transfers(1)).ok());
  ledger::v1::LookupAccountsResponse found;
  ledger::v1::LookupAccountsRequest ids;
  ids.add_ids()->set_low(7);
  ASSERT_TRUE(Lookup(ids, found).ok());
  EXPECT_FALSE(Lookup({}, found).ok());
  grpc::ClientContext context;
  ledger::v1::GetServerInfoResponse info;
  ASSERT_TRUE(harness_.ledger().GetServerInfo(&context, {}, &info).ok());

  EXPECT_EQ(counted(Method::kCreateTransfers, absl::StatusCode::kOk), 1u);
  EXPECT_EQ(
      counted(Method::kCreateTransfers, absl::StatusCode::kInvalidArgument),
      1u);
  EXPECT_EQ(counted(Method::kCreateTransfers, absl::StatusCode::kUnavailable),
            1u);
  EXPECT_EQ(counted(Method::kLookupAccounts, absl::StatusCode::kOk), 1u);
  EXPECT_EQ(
      counted(Method::kLookupAccounts, absl::StatusCode::kInvalidArgument), 1u);
  EXPECT_EQ(counted(Method::kGetServerInfo, absl::StatusCode::kOk), 1u);
  const RequestCounts& counts = harness_.service().counts();
  EXPECT_EQ(counts.refusals(Reason::kInvalidField), 2u);
  EXPECT_EQ(counts.refusals(Reason::kNoQuorum), 1u);
  EXPECT_EQ(counts.transfers(TransferStatus::kCreated), 3u);
}

// What nobody waits for any more is not begun, nor gone on with.
TEST_F(LedgerServiceTest, AReadThatIsLateEnds) {
  ledger::v1::LookupAccountsRequest request;
  request.add_ids()->set_low(1);
  ledger::v1::LookupAccountsResponse response;
  ASSERT_TRUE(Lookup(request, response).ok());
  harness_.clock().Advance(std::chrono::hours(1));
  const absl::Status late = Lookup(request, response);
  EXPECT_TRUE(absl::IsResourceExhausted(late)) << late;
  EXPECT_EQ(ReasonOf(late), Reason::kOverloaded);
}

TEST_F(LedgerServiceTest, AReadEndsWhenTheReplicaDoes) {
  ledger::v1::LookupAccountsRequest request;
  request.add_ids()->set_low(1);
  ledger::v1::LookupAccountsResponse response;
  harness_.replica().End();
  EXPECT_EQ(ReasonOf(Lookup(request, response)), Reason::kDraining);
}

TEST_F(LedgerServiceTest, EveryReasonOfTheReplicaArrives) {
  for (int i = 0; i <= static_cast<int>(Reason::kCompacted); ++i) {
    const auto reason = static_cast<Reason>(i);
    harness_.replica().RefuseNext(MakeError(reason, "why"));
    EXPECT_EQ(ReasonOf(Create(Transfers(1))), reason) << Name(reason);
    harness_.replica().RefuseNext(MakeError(reason, "why"));
    ledger::v1::LookupAccountsRequest request;
    ledger::v1::LookupAccountsResponse response;
    request.add_ids();
    EXPECT_EQ(ReasonOf(Lookup(request, response)), reason) << Name(reason);
    harness_.replica().FailReads(MakeError(reason, "why"));
    EXPECT_EQ(ReasonOf(Lookup(request, response)), reason) << Name(reason);
    harness_.replica().FailReads(absl::OkStatus());
  }
}

TEST_F(LedgerServiceTest, WhatIsRefusedIsNotParsed) {
  ledger::v1::CreateTransfersRequest request = Transfers(2);
  request.mutable_transfers(1)->set_code(65'536);
  harness_.replica().RefuseNext(MakeError(Reason::kOverloaded, "full"));
  EXPECT_EQ(ReasonOf(Create(request)), Reason::kOverloaded);
  EXPECT_EQ(ReasonOf(Create(request)), Reason::kInvalidField);
}

TEST_F(LedgerServiceTest, WhatIsNoMessageIsRefused) {
  grpc::GenericStub stub(ServicesHarness::Connect(harness_.client_port()));
  for (const char* method : {"CreateAccounts", "CreateTransfers"}) {
    const grpc::Slice slice("\x0a\x7f nonsense");
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    std::promise<grpc::Status> ended;
    stub.UnaryCall(&context, absl::StrCat("/ledger.v1.LedgerService/", method),
                   grpc::StubOptions(), &request, &response,
                   [&](grpc::Status status) { ended.set_value(status); });
    const absl::Status status = FromGrpcStatus(ended.get_future().get());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  }
  EXPECT_TRUE(Create(Transfers(1)).ok());
}

TEST_F(LedgerServiceTest, AnOutcomeThatIsUnknownArrives) {
  harness_.replica().HoldAnswers();
  absl::Status status;
  std::thread caller([&] { status = Create(Transfers(1)); });
  harness_.replica().AnswerNext(MakeError(Reason::kOutcomeUnknown, "halted"));
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), Reason::kOutcomeUnknown);
}

TEST_F(LedgerServiceTest, NotPrimaryTellsWhoIs) {
  harness_.replica().RefuseNext(MakeError(Reason::kNotPrimary, "why"));
  grpc::ClientContext context;
  const grpc::Status status =
      harness_.ledger().CreateTransfers(&context, Transfers(1), &response_);
  google::rpc::Status wire;
  ASSERT_TRUE(wire.ParseFromString(status.error_details()));
  ledger::v1::PrimaryHint hint;
  ASSERT_EQ(wire.details_size(), 2);
  ASSERT_TRUE(wire.details(1).UnpackTo(&hint));
  EXPECT_EQ(hint.address(), harness_.client_port().address());
  EXPECT_EQ(hint.admin_address(), harness_.admin_port().address());
  EXPECT_EQ(hint.epoch(), 3u);
}

TEST_F(LedgerServiceTest, ACallWithoutADeadlineGetsTheDefault) {
  const auto before = steady_clock::now();
  ASSERT_TRUE(Create(Transfers(1)).ok());
  const auto deadline = harness_.replica().last_deadline();
  EXPECT_GE(deadline, before + milliseconds(10'000));
  EXPECT_LE(deadline, steady_clock::now() + milliseconds(10'000));
}

TEST_F(LedgerServiceTest, AClientsDeadlineIsItsOwn) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(100));
  ASSERT_TRUE(harness_.ledger()
                  .CreateTransfers(&context, Transfers(1), &response_)
                  .ok());
  const auto left = harness_.replica().last_deadline() - steady_clock::now();
  EXPECT_GT(left, std::chrono::seconds(20));
  // gRPC rounds a long one up when it sends it.
  EXPECT_LE(left, std::chrono::seconds(110));
}

TEST_F(LedgerServiceTest, ACancelledCallRunsToItsEnd) {
  harness_.replica().HoldAnswers();
  grpc::ClientContext context;
  std::thread canceller([&] {
    harness_.replica().WaitForProposals(1);
    context.TryCancel();
  });
  EXPECT_EQ(harness_.ledger()
                .CreateTransfers(&context, Transfers(1), &response_)
                .error_code(),
            grpc::StatusCode::CANCELLED);
  canceller.join();
  harness_.replica().AnswerNext();
}

TEST_F(LedgerServiceTest, WhatWasTakenIsWaitedFor) {
  harness_.replica().HoldAnswers();
  auto answer =
      std::async(std::launch::async, [this] { return Create(Transfers(1)); });
  harness_.replica().WaitForProposals(1);
  EXPECT_FALSE(harness_.service().WaitUntilAnswered(milliseconds(0)))
      << "it is not answered yet";
  harness_.replica().AnswerNext();
  EXPECT_TRUE(harness_.service().WaitUntilAnswered(std::chrono::minutes(1)));
  harness_.Stop();
  EXPECT_TRUE(answer.get().ok());
}

TEST_F(LedgerServiceTest, WhoStopsNamesAnotherPrimaryAndNeverItself) {
  const auto hints = [this] {
    harness_.replica().RefuseNext(MakeError(Reason::kDraining, "why"));
    grpc::ClientContext context;
    const grpc::Status status =
        harness_.ledger().CreateTransfers(&context, Transfers(1), &response_);
    google::rpc::Status wire;
    EXPECT_TRUE(wire.ParseFromString(status.error_details()));
    std::vector<std::string> addresses;
    for (const auto& detail : wire.details()) {
      ledger::v1::PrimaryHint hint;
      if (detail.UnpackTo(&hint)) addresses.push_back(hint.address());
    }
    return addresses;
  };
  EXPECT_EQ(hints(), std::vector<std::string>());
  harness_.addresses().Learn(ReplicaId(2), {"b:7300", "b:7301", "", {}});
  replication::ReplicaStatus status = harness_.replica().status();
  status.role = replication::Role::kStandby;
  status.primary = ReplicaId(2);
  harness_.replica().SetStatus(status);
  EXPECT_EQ(hints(), std::vector<std::string>({"b:7300"}));
}

TEST_F(LedgerServiceTest, LooksUpAccounts) {
  Account account;
  account.id = AccountId(5);
  account.timestamp = Timestamp(1);
  account.debits_posted = Amount(9);
  harness_.store().view().InsertAccount(account);
  ledger::v1::LookupAccountsRequest request;
  for (const uint64_t id : {4, 5, 6}) request.add_ids()->set_low(id);
  request.mutable_consistency()->set_at_least_sequence(3);
  ledger::v1::LookupAccountsResponse response;
  ASSERT_TRUE(Lookup(request, response).ok());
  ASSERT_EQ(response.accounts_size(), 1);
  EXPECT_EQ(response.accounts(0).debits_posted().low(), 9u);
  EXPECT_EQ(response.missing_ids_size(), 2);
  EXPECT_EQ(response.sequence(), 7u);
  EXPECT_EQ(harness_.replica().last_freshness().at_least, Sequence(3));
}

// Each form of ReadConsistency, of each method that reads.
class FreshnessTest : public LedgerServiceTest {
 protected:
  using Stub = ledger::v1::LedgerService::Stub;

  // Calls `method` with `request` as fresh as each form says.
  template <typename Response, typename Request, typename Method>
  void ExpectAllFormsArrive(Method method, Request request) {
    using Level = replication::Freshness::Level;
    const auto ask = [&] {
      grpc::ClientContext context;
      Response response;
      const grpc::Status status =
          (harness_.ledger().*method)(&context, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(response.sequence(), 7u);
      return harness_.replica().last_freshness();
    };
    EXPECT_EQ(ask().level, Level::kLinearizable) << "the default";
    request.mutable_consistency()->mutable_linearizable();
    EXPECT_EQ(ask().level, Level::kLinearizable);
    request.mutable_consistency()->set_at_least_sequence(9);
    EXPECT_EQ(ask().level, Level::kAtLeastSequence);
    EXPECT_EQ(ask().at_least, Sequence(9));
    request.mutable_consistency()->set_max_staleness_ms(250);
    EXPECT_EQ(ask().level, Level::kMaxStaleness);
    EXPECT_EQ(ask().max_staleness, milliseconds(250));
  }
};

TEST_F(FreshnessTest, OfLookupAccounts) {
  ledger::v1::LookupAccountsRequest request;
  request.add_ids()->set_low(1);
  ExpectAllFormsArrive<ledger::v1::LookupAccountsResponse>(
      &Stub::LookupAccounts, request);
}

TEST_F(FreshnessTest, OfLookupTransfers) {
  ledger::v1::LookupTransfersRequest request;
  request.add_ids()->set_low(1);
  ExpectAllFormsArrive<ledger::v1::LookupTransfersResponse>(
      &Stub::LookupTransfers, request);
}

// Or else TOO_STALE would reach nobody.
TEST_F(LedgerServiceTest, AReadEndsALittleBeforeItsClientGivesUp) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  ledger::v1::LookupAccountsRequest request;
  request.add_ids();
  ledger::v1::LookupAccountsResponse response;
  ASSERT_TRUE(
      harness_.ledger().LookupAccounts(&context, request, &response).ok());
  // The call arrived before, and was given 20 seconds from then on.
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  EXPECT_LT(harness_.replica().last_deadline(), until - milliseconds(50));
  EXPECT_GT(harness_.replica().last_deadline(), steady_clock::now());
}

TEST(AnswerLimitTest, AnswersThatAreNotTakenYetHaveALimit) {
  constexpr size_t kFit = 10;
  ServiceLimits limits;
  // Three quarters of it are for calls.
  limits.answer_bytes =
      AnswerBudget::kConnections * kFit * kMaxBatchSize * kResultBytes / 3 * 4;
  ServicesHarness harness(limits);
  harness.replica().HoldAnswers();
  const auto request = Transfers(kMaxBatchSize);

  struct Call {
    grpc::ClientContext context;
    ledger::v1::CreateTransfersResponse response;
    grpc::Status status;
  };

  std::vector<Call> calls(kFit);
  std::atomic<size_t> ended = 0;
  for (Call& call : calls) {
    harness.ledger().async()->CreateTransfers(
        &call.context, &request, &call.response,
        [&call, &ended](const grpc::Status& status) {
          call.status = status;
          ++ended;
        });
  }
  harness.replica().WaitForProposals(kFit);
  const auto create = [&] {
    grpc::ClientContext context;
    ledger::v1::CreateTransfersResponse response;
    return FromGrpcStatus(
        harness.ledger().CreateTransfers(&context, request, &response));
  };
  EXPECT_EQ(ReasonOf(create()), Reason::kOverloaded);
  for (size_t i = 0; i < kFit; ++i) harness.replica().AnswerNext();
  while (ended < kFit) std::this_thread::yield();
  for (const Call& call : calls) EXPECT_TRUE(call.status.ok());
  std::thread answering([&harness] { harness.replica().AnswerNext(); });
  absl::Status status;
  // A share may be given back after its answer is here.
  do {
    status = create();
  } while (ReasonOf(status) == Reason::kOverloaded);
  EXPECT_TRUE(status.ok()) << status;
  answering.join();
}

TEST_F(LedgerServiceTest, LooksUpTransfers) {
  Transfer transfer;
  transfer.id = TransferId(5);
  transfer.flags = transfer_flags::kPending;
  transfer.timestamp = Timestamp(1);
  harness_.store().view().InsertTransfer(transfer);
  ledger::v1::LookupTransfersRequest request;
  for (const uint64_t id : {4, 5}) request.add_ids()->set_low(id);
  ledger::v1::LookupTransfersResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(
      harness_.ledger().LookupTransfers(&context, request, &response).ok());
  ASSERT_EQ(response.transfers_size(), 1);
  EXPECT_EQ(response.pending_states(0), ledger::v1::PENDING_STATE_PENDING);
  EXPECT_EQ(response.missing_ids_size(), 1);
}

// Two accounts of code 1 and 2, and three transfers between them.
class LedgerQueriesTest : public LedgerServiceTest {
 protected:
  LedgerQueriesTest() {
    storage::StateView& view = harness_.store().view();
    for (uint64_t id = 1; id <= 2; ++id) {
      Account account;
      account.id = AccountId(id);
      account.ledger = 9;
      account.code = static_cast<uint16_t>(id);
      account.timestamp = Timestamp(id);
      view.InsertAccount(account);
    }
    for (uint64_t id = 11; id <= 13; ++id) {
      Transfer transfer;
      transfer.id = TransferId(id);
      transfer.debit_account_id = AccountId(id == 12 ? 2 : 1);
      transfer.credit_account_id = AccountId(id == 12 ? 1 : 2);
      transfer.user_data_64 = id / 12;
      transfer.ledger = 9;
      transfer.flags = id == 13 ? transfer_flags::kPending : 0;
      transfer.timestamp = Timestamp(id);
      view.InsertTransfer(transfer);
    }
  }

  template <typename Transfers>
  static std::vector<uint64_t> Ids(const Transfers& transfers) {
    std::vector<uint64_t> ids;
    for (const auto& transfer : transfers) ids.push_back(transfer.id().low());
    return ids;
  }
};

TEST_F(LedgerQueriesTest, FindsTheTransfersOfAnAccount) {
  ledger::v1::GetAccountTransfersRequest request;
  request.mutable_filter()->mutable_account_id()->set_low(1);
  request.mutable_filter()->set_debits(true);
  request.mutable_filter()->set_reversed(true);
  request.mutable_filter()->set_limit(10);
  request.mutable_consistency()->set_max_staleness_ms(250);
  ledger::v1::GetAccountTransfersResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(
      harness_.ledger().GetAccountTransfers(&context, request, &response).ok());
  EXPECT_EQ(Ids(response.transfers()), (std::vector<uint64_t>{13, 11}));
  ASSERT_EQ(response.pending_states_size(), 2);
  EXPECT_EQ(response.pending_states(0), ledger::v1::PENDING_STATE_PENDING);
  EXPECT_EQ(response.pending_states(1), ledger::v1::PENDING_STATE_UNSPECIFIED);
  EXPECT_EQ(response.sequence(), 7u);
  EXPECT_EQ(harness_.replica().last_freshness().max_staleness,
            milliseconds(250));
}

TEST_F(LedgerQueriesTest, FindsWhatMatchesAllFields) {
  ledger::v1::QueryTransfersRequest request;
  request.mutable_filter()->set_user_data_64(1);
  request.mutable_filter()->set_ledger(9);
  request.mutable_filter()->set_timestamp_max(12);
  request.mutable_filter()->set_limit(10);
  ledger::v1::QueryTransfersResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(
      harness_.ledger().QueryTransfers(&context, request, &response).ok());
  EXPECT_EQ(Ids(response.transfers()), (std::vector<uint64_t>{12}));
  EXPECT_EQ(response.pending_states_size(), 1);
  EXPECT_EQ(response.sequence(), 7u);
}

TEST_F(LedgerQueriesTest, FindsAccounts) {
  ledger::v1::QueryAccountsRequest request;
  request.mutable_filter()->set_code(2);
  request.mutable_filter()->set_limit(1);
  ledger::v1::QueryAccountsResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(
      harness_.ledger().QueryAccounts(&context, request, &response).ok());
  EXPECT_EQ(Ids(response.accounts()), (std::vector<uint64_t>{2}));
  EXPECT_EQ(response.sequence(), 7u);
}

TEST_F(LedgerQueriesTest, AFilterThatNothingMatchesNamesItsField) {
  ledger::v1::QueryTransfersResponse transfers;
  grpc::ClientContext context;
  const absl::Status refused = FromGrpcStatus(
      harness_.ledger().QueryTransfers(&context, {}, &transfers));
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_EQ(FieldOf(refused), "filter.limit");
}

TEST_F(LedgerServiceTest, TellsItsLimits) {
  grpc::ClientContext context;
  ledger::v1::GetServerInfoResponse info;
  ASSERT_TRUE(harness_.ledger().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.cluster_id(), "00000000-0000-0000-0000-000000000abc");
  EXPECT_EQ(info.max_batch_size(), 8'190u);
  EXPECT_EQ(info.max_message_bytes(), 4u << 20);
  EXPECT_EQ(info.default_deadline_ms(), 10'000u);
  EXPECT_EQ(info.primary_id(), 1u);
  EXPECT_EQ(info.primary_address(), harness_.client_port().address());
  EXPECT_FALSE(info.version().empty());
}

TEST_F(LedgerServiceTest, ManyCallsAtOnceAreAllAnswered) {
  constexpr int kCallers = 8;
  std::vector<std::thread> callers;
  callers.reserve(kCallers);
  std::atomic<int> answered = 0;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([this, &answered] {
      for (int i = 0; i < 50; ++i) {
        grpc::ClientContext context;
        ledger::v1::CreateTransfersResponse response;
        if (harness_.ledger()
                .CreateTransfers(&context, Transfers(3), &response)
                .ok() &&
            response.results_size() == 3) {
          ++answered;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, 400);
}

}  // namespace
}  // namespace ledgerd::server
