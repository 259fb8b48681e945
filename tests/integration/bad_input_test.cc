// Requests that no client should send: each gets the status of its event, and
// the daemon goes on as if nothing had happened.
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "proto/system_limits.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/process_usage.h"
#include "tests/integration/raw_call.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;
using Status = TransferStatus;

constexpr milliseconds kTimeout(60'000);
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr Uint128 kMax = ~Uint128{0};
// In the year 2554, and close to the end of what 64 bits hold.
constexpr Timestamp kFarAhead(~uint64_t{0} - 1);

using Change = std::function<void(Transfer&)>;

Transfer Pay(uint64_t id, const Change& change) {
  Transfer transfer = PayOne(id);
  change(transfer);
  return transfer;
}

struct BadTransfer {
  const char* what;
  Change change;
  Status expected;
};

// Each is one field away from a good one. None of them keeps its id, so each
// says the same whenever it is sent.
const std::vector<BadTransfer>& BadTransfers() {
  static const auto& table = *new std::vector<BadTransfer>{
      {"id 0", [](Transfer& t) { t.id = TransferId(0); },
       Status::kIdMustNotBeZero},
      {"id max", [](Transfer& t) { t.id = TransferId(kMax); },
       Status::kIdMustNotBeIntMax},
      {"no account", [](Transfer& t) { t.debit_account_id = AccountId(0); },
       Status::kDebitAccountIdMustNotBeZero},
      {"account max",
       [](Transfer& t) { t.credit_account_id = AccountId(kMax); },
       Status::kCreditAccountIdMustNotBeIntMax},
      {"same account", [](Transfer& t) { t.credit_account_id = AccountId(1); },
       Status::kAccountsMustBeDifferent},
      {"cross ledger", [](Transfer& t) { t.credit_account_id = AccountId(3); },
       Status::kAccountsMustHaveTheSameLedger},
      {"another ledger", [](Transfer& t) { t.ledger = 2; },
       Status::kTransferMustHaveTheSameLedgerAsAccounts},
      {"no ledger", [](Transfer& t) { t.ledger = 0; },
       Status::kLedgerMustNotBeZero},
      {"no code", [](Transfer& t) { t.code = 0; }, Status::kCodeMustNotBeZero},
      {"timestamp", [](Transfer& t) { t.timestamp = Timestamp(1); },
       Status::kTimestampMustBeZero},
      {"timestamp far ahead", [](Transfer& t) { t.timestamp = kFarAhead; },
       Status::kTimestampMustBeZero},
      {"timeout of a payment", [](Transfer& t) { t.timeout_seconds = 1; },
       Status::kTimeoutReservedForPendingTransfer},
      {"unknown flag", [](Transfer& t) { t.flags = 1 << 15; },
       Status::kReservedFlag},
      {"post and void",
       [](Transfer& t) {
         t.flags = transfer_flags::kPostPending | transfer_flags::kVoidPending;
       },
       Status::kFlagsAreMutuallyExclusive},
      {"posts itself",
       [](Transfer& t) {
         t.flags = transfer_flags::kPostPending;
         t.pending_id = t.id;
       },
       Status::kPendingIdMustBeDifferent},
      {"unclosed chain", [](Transfer& t) { t.flags = transfer_flags::kLinked; },
       Status::kLinkedEventChainOpen},
  };
  return table;
}

class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw_));
    methods_ = AllMethods(ledger_.address(), ledger_.daemon().admin_address());
    const std::vector<Account> accounts = {
        {.id = AccountId(3), .ledger = 2, .code = 1},
        {.id = AccountId(4), .ledger = 1, .code = 1},
        {.id = AccountId(5), .ledger = 1, .code = 1}};
    ASSERT_EQ(raw_.CreateAccounts(accounts, kTimeout).outcome,
              Outcome::kAnswered);
  }

  void TearDown() override {
    EXPECT_EQ(StatusOf(PayOne(1'000'000)), Status::kCreated);
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  }

  std::vector<Status> StatusesOf(const std::vector<Transfer>& batch) {
    const Ending ending = raw_.CreateTransfers(batch, kTimeout);
    EXPECT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
    std::vector<Status> statuses;
    for (const TransferResult& result : ending.results) {
      statuses.push_back(result.status);
    }
    return statuses;
  }

  Status StatusOf(const Transfer& transfer) {
    const auto statuses = StatusesOf({transfer});
    return statuses.empty() ? Status::kUnspecified : statuses[0];
  }

  void SendAllThatIsBad() {
    for (const BadTransfer& bad : BadTransfers()) {
      ASSERT_EQ(StatusOf(Pay(7, bad.change)), bad.expected) << bad.what;
    }
    ASSERT_EQ(raw_.CreateTransfers({}, kTimeout).error,
              "INVALID_ARGUMENT INVALID_FIELD");
    ASSERT_NO_FATAL_FAILURE(SendUnknownFlags());
    ASSERT_NO_FATAL_FAILURE(SendUnknownConsistencies());
    ASSERT_NO_FATAL_FAILURE(SendNoMessage("\xff"));
    ASSERT_NO_FATAL_FAILURE(SendTooMuchAndTooLittle());
  }

  // To every method of both services, and to those that come.
  void SendNoMessage(const std::string& bytes) {
    for (const RawMethod& method : methods_) {
      ASSERT_NO_FATAL_FAILURE(ExpectInvalid(method, bytes));
    }
  }

  // No ids, no filter, no events; one event or byte more than there may be.
  void SendTooMuchAndTooLittle() {
    v1::CreateTransfersRequest large;
    for (size_t i = 0; i <= kMaxBatchSize; ++i) {
      ToProto(PayOne(7), large.add_transfers());
    }
    for (const RawMethod& method : methods_) {
      if (method.path.find("Transfers") == std::string::npos) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectInvalid(method, ""));
      if (method.path.find("CreateTransfers") == std::string::npos) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectInvalid(method, large.SerializeAsString()));
      ASSERT_NO_FATAL_FAILURE(
          ExpectInvalid(method, std::string(kMessageBytesMax + 1, '\0')));
    }
  }

  static void ExpectInvalid(const RawMethod& method, const std::string& bytes) {
    const WireError error = Call(method, bytes);
    ASSERT_EQ(Text(error), "INVALID_ARGUMENT INVALID_FIELD")
        << method.path << ": " << error.message;
    ASSERT_EQ(error.domain, "ledgerd") << method.path;
    ASSERT_NE(error.field, "") << method.path;
  }

  // Every bit that is in no enum, alone and beside one that is.
  void SendUnknownFlags() {
    v1::CreateTransfersRequest transfers;
    v1::CreateAccountsRequest accounts;
    for (int bit = 0; bit < 32; ++bit) {
      const uint32_t flag = uint32_t{1} << bit;
      if (!v1::TransferFlag_IsValid(static_cast<int>(flag))) {
        AddTransfer(flag, transfers);
        AddTransfer(flag | v1::TRANSFER_FLAG_PENDING, transfers);
      }
      if (!v1::AccountFlag_IsValid(static_cast<int>(flag))) {
        AddAccount(flag, accounts);
        AddAccount(flag | v1::ACCOUNT_FLAG_HISTORY, accounts);
      }
    }
    ASSERT_EQ(transfers.transfers_size(), 2 * 23);
    ASSERT_EQ(accounts.accounts_size(), 2 * 26);
    v1::CreateTransfersResponse transfer_answer;
    v1::CreateAccountsResponse account_answer;
    grpc::ClientContext contexts[2];
    auto& stub = raw_.stub();
    ASSERT_TRUE(
        stub.CreateTransfers(&contexts[0], transfers, &transfer_answer).ok());
    ASSERT_TRUE(
        stub.CreateAccounts(&contexts[1], accounts, &account_answer).ok());
    ASSERT_EQ(transfer_answer.results_size(), transfers.transfers_size());
    for (const auto& result : transfer_answer.results()) {
      ASSERT_EQ(result.status(), v1::CREATE_TRANSFER_STATUS_RESERVED_FLAG);
    }
    ASSERT_EQ(account_answer.results_size(), accounts.accounts_size());
    for (const auto& result : account_answer.results()) {
      ASSERT_EQ(result.status(), v1::CREATE_ACCOUNT_STATUS_RESERVED_FLAG);
    }
  }

  static void AddTransfer(uint32_t flags, v1::CreateTransfersRequest& request) {
    ToProto(PayOne(7), request.add_transfers());
    request.mutable_transfers()->rbegin()->set_flags(flags);
  }

  static void AddAccount(uint32_t flags, v1::CreateAccountsRequest& request) {
    ToProto(Account{.id = AccountId(9), .ledger = 1, .code = 1},
            request.add_accounts());
    request.mutable_accounts()->rbegin()->set_flags(flags);
  }

  // A level of a later contract, in every read.
  void SendUnknownConsistencies() {
    using Stub = v1::LedgerService::Stub;
    v1::LookupAccountsRequest accounts;
    accounts.add_ids()->set_low(1);
    ASSERT_NO_FATAL_FAILURE(AskAsNobodyCan(&Stub::LookupAccounts, accounts));
    v1::LookupTransfersRequest transfers;
    transfers.add_ids()->set_low(1);
    ASSERT_NO_FATAL_FAILURE(AskAsNobodyCan(&Stub::LookupTransfers, transfers));
    v1::QueryAccountsRequest query_accounts;
    query_accounts.mutable_filter()->set_limit(1);
    ASSERT_NO_FATAL_FAILURE(
        AskAsNobodyCan(&Stub::QueryAccounts, query_accounts));
    v1::QueryTransfersRequest query_transfers;
    query_transfers.mutable_filter()->set_limit(1);
    ASSERT_NO_FATAL_FAILURE(
        AskAsNobodyCan(&Stub::QueryTransfers, query_transfers));
    v1::GetAccountTransfersRequest of_account;
    of_account.mutable_filter()->mutable_account_id()->set_low(1);
    of_account.mutable_filter()->set_debits(true);
    of_account.mutable_filter()->set_limit(1);
    ASSERT_NO_FATAL_FAILURE(
        AskAsNobodyCan(&Stub::GetAccountTransfers, of_account));
    v1::GetAccountBalancesRequest balances;
    *balances.mutable_filter() = of_account.filter();
    ASSERT_NO_FATAL_FAILURE(
        AskAsNobodyCan(&Stub::GetAccountBalances, balances));
  }

  template <typename Request, typename Response>
  void AskAsNobodyCan(grpc::Status (v1::LedgerService::Stub::*read)(
                          grpc::ClientContext*, const Request&, Response*),
                      Request request) {
    constexpr int kNobodysField = 99;
    v1::ReadConsistency& level = *request.mutable_consistency();
    level.GetReflection()->MutableUnknownFields(&level)->AddVarint(
        kNobodysField, 1);
    grpc::ClientContext context;
    Response response;
    const WireError error =
        ReadError((raw_.stub().*read)(&context, request, &response));
    ASSERT_EQ(Text(error), "INVALID_ARGUMENT INVALID_FIELD") << error.message;
    ASSERT_EQ(error.field, "consistency");
  }

  LiveLedger ledger_{SmallLimits()};
  RawClient raw_{ledger_.address()};
  std::vector<RawMethod> methods_;
};

TEST_F(BadInputTest, EachGetsItsStatus) { SendAllThatIsBad(); }

TEST_F(BadInputTest, UnknownFlags) { SendUnknownFlags(); }

TEST_F(BadInputTest, UnknownConsistencies) { SendUnknownConsistencies(); }

TEST_F(BadInputTest, WhatIsNoMessageIsRefusedByEveryMethod) {
  EXPECT_GE(methods_.size(), 27u);
  for (const char* bytes : {"\x0a\x7f nonsense", "\x0a", "\xff"}) {
    SendNoMessage(bytes);
  }
}

TEST_F(BadInputTest, MemoryStaysFlatHoweverOftenItComes) {
  for (int i = 0; i < 50; ++i) ASSERT_NO_FATAL_FAILURE(SendAllThatIsBad());
  const uint64_t before = MemoryOf(ledger_.daemon().process().pid());
  for (int i = 0; i < 200; ++i) ASSERT_NO_FATAL_FAILURE(SendAllThatIsBad());
  const uint64_t after = MemoryOf(ledger_.daemon().process().pid());
  std::cout << "before " << before / kMiB << " MiB, after " << after / kMiB
            << " MiB\n";
  EXPECT_LT(after, before + 16 * kMiB);
}

// Of accounts of their own, whose balances are of no use afterwards.
TEST_F(BadInputTest, SumsThatOverflow) {
  const auto pay = [this](uint64_t id, Uint128 amount, uint16_t flags = 0) {
    return StatusOf(Pay(id, [&](Transfer& t) {
      t.debit_account_id = AccountId(4);
      t.credit_account_id = AccountId(5);
      t.amount = Amount(amount);
      t.flags = flags;
    }));
  };
  EXPECT_EQ(pay(1, kMax - 2), Status::kCreated);
  EXPECT_EQ(pay(2, 3), Status::kOverflowsDebitsPosted);
  EXPECT_EQ(pay(3, 1, transfer_flags::kPending), Status::kCreated);
  EXPECT_EQ(pay(4, 2), Status::kOverflowsDebits);
  EXPECT_EQ(pay(5, kMax, transfer_flags::kPending),
            Status::kOverflowsDebitsPending);
  EXPECT_EQ(pay(6, 1), Status::kCreated);
}

TEST_F(BadInputTest, AnIdThatComesTwice) {
  EXPECT_EQ(StatusesOf({PayOne(1), PayOne(1)}),
            (std::vector<Status>{Status::kCreated, Status::kExists}));
  EXPECT_EQ(StatusOf(Pay(1, [](Transfer& t) { t.amount = Amount(2); })),
            Status::kExistsWithDifferentAmount);
  EXPECT_EQ(StatusOf(Pay(1, [](Transfer& t) { t.user_data_32 = 2; })),
            Status::kExistsWithDifferentUserData32);
  EXPECT_EQ(StatusOf(PayOne(1)), Status::kExists);
}

TEST_F(BadInputTest, APostAfterAVoidAfterAnExpiry) {
  const auto resolve = [this](uint64_t id, uint64_t pending, uint16_t flag) {
    return StatusOf(Pay(id, [&](Transfer& t) {
      t.flags = flag;
      t.pending_id = TransferId(pending);
    }));
  };
  const auto hold = [this](uint64_t id, uint32_t timeout) {
    return StatusOf(Pay(id, [&](Transfer& t) {
      t.flags = transfer_flags::kPending;
      t.timeout_seconds = timeout;
    }));
  };
  constexpr auto kPost = transfer_flags::kPostPending;
  constexpr auto kVoid = transfer_flags::kVoidPending;
  ASSERT_EQ(hold(1, 0), Status::kCreated);
  EXPECT_EQ(resolve(2, 1, kVoid), Status::kCreated);
  EXPECT_EQ(resolve(3, 1, kPost), Status::kPendingTransferAlreadyVoided);
  ASSERT_EQ(hold(4, 1), Status::kCreated);
  // Void, once it has expired: until then nothing that counts is sent.
  v1::LookupTransfersRequest request;
  request.add_ids()->set_low(4);
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    grpc::ClientContext context;
    v1::LookupTransfersResponse response;
    return raw_.stub().LookupTransfers(&context, request, &response).ok() &&
           response.pending_states(0) == v1::PENDING_STATE_EXPIRED;
  }));
  EXPECT_EQ(resolve(5, 4, kVoid), Status::kPendingTransferExpired);
  EXPECT_EQ(resolve(6, 4, kPost), Status::kPendingTransferExpired);
  EXPECT_EQ(resolve(7, 1, kPost), Status::kPendingTransferAlreadyVoided);
}

TEST_F(BadInputTest, AbsurdTimes) {
  const auto imported = [](Timestamp timestamp) {
    return [timestamp](Transfer& t) {
      t.flags = transfer_flags::kImported;
      t.timestamp = timestamp;
    };
  };
  EXPECT_EQ(StatusOf(Pay(1, imported(Timestamp(0)))),
            Status::kImportedEventTimestampOutOfRange);
  EXPECT_EQ(StatusOf(Pay(1, imported(Timestamp(~uint64_t{0})))),
            Status::kImportedEventTimestampOutOfRange);
  EXPECT_EQ(StatusOf(Pay(1, imported(Timestamp(4'000'000'000'000'000'000)))),
            Status::kImportedEventTimestampMustNotAdvance);
  EXPECT_EQ(StatusOf(Pay(1, imported(Timestamp(1)))),
            Status::kImportedEventTimestampMustPostdateDebitAccount);
  // 136 years: far, and no overflow.
  EXPECT_EQ(StatusOf(Pay(1,
                         [](Transfer& t) {
                           t.flags = transfer_flags::kPending;
                           t.timeout_seconds = ~uint32_t{0};
                         })),
            Status::kCreated);
}

// Fields of a later contract are passed over, as protobuf has it; flags are not
// (RESERVED_FLAG), since they change what is meant.
TEST_F(BadInputTest, UnknownFieldsArePassedOver) {
  v1::CreateTransfersRequest request;
  ToProto(PayOne(1), request.add_transfers());
  v1::Transfer& transfer = *request.mutable_transfers(0);
  transfer.GetReflection()->MutableUnknownFields(&transfer)->AddVarint(99, 7);
  grpc::ClientContext context;
  v1::CreateTransfersResponse response;
  const auto status = raw_.stub().CreateTransfers(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results(0).status(), v1::CREATE_TRANSFER_STATUS_CREATED);
}

TEST_F(BadInputTest, BadAccounts) {
  const auto status = [this](const Account& account) {
    v1::CreateAccountsRequest request;
    ToProto(account, request.add_accounts());
    request.mutable_accounts(0)->mutable_credits_posted()->set_low(
        Low(account.credits_posted.value()));
    request.mutable_accounts(0)->set_timestamp(account.timestamp.value());
    grpc::ClientContext context;
    v1::CreateAccountsResponse response;
    const auto end = raw_.stub().CreateAccounts(&context, request, &response);
    EXPECT_TRUE(end.ok()) << end.error_message();
    return end.ok() ? response.results(0).status()
                    : v1::CREATE_ACCOUNT_STATUS_UNSPECIFIED;
  };
  const Account good = {.id = AccountId(9), .ledger = 1, .code = 1};
  Account bad = good;
  bad.id = AccountId(0);
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_ID_MUST_NOT_BE_ZERO);
  bad.id = AccountId(kMax);
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_ID_MUST_NOT_BE_INT_MAX);
  bad = good;
  bad.flags = 1 << 15;
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_RESERVED_FLAG);
  bad = good;
  bad.flags = account_flags::kLinked;
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_LINKED_EVENT_CHAIN_OPEN);
  bad = good;
  bad.credits_posted = Amount(1'000);
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_CREDITS_POSTED_MUST_BE_ZERO);
  bad = good;
  bad.timestamp = kFarAhead;
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_TIMESTAMP_MUST_BE_ZERO);
  EXPECT_EQ(status(good), v1::CREATE_ACCOUNT_STATUS_CREATED);
  bad = good;
  bad.code = 2;
  EXPECT_EQ(status(bad), v1::CREATE_ACCOUNT_STATUS_EXISTS_WITH_DIFFERENT_CODE);
}

}  // namespace
}  // namespace ledgerd::integration
