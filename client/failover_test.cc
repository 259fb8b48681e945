// A client over several servers whose roles change.
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledger_client.h"
#include "client/waiter.h"

namespace ledgerd::client {
namespace {

using std::chrono::milliseconds;

constexpr AccountId kAlice{1};
constexpr AccountId kBob{2};
// Port 1 is nobody's.
constexpr char kNobody[] = "127.0.0.1:1";

Transfer Pay(uint64_t id) {
  return {.id = TransferId(id),
          .debit_account_id = kAlice,
          .credit_account_id = kBob,
          .amount = Amount(1),
          .ledger = 1,
          .code = 1};
}

class FailoverTest : public testing::Test {
 protected:
  FailoverTest() {
    for (FakeLedger* server : {old_.get(), new_.get(), third_.get()}) {
      server->set_account({.id = kAlice, .ledger = 1, .code = 1});
      server->set_account({.id = kBob, .ledger = 1, .code = 1});
    }
    Make({old_->address(), new_->address()});
  }

  void Make(std::vector<std::string> addresses,
            milliseconds timeout = milliseconds(30'000),
            milliseconds patience = milliseconds(10'000)) {
    client_ = std::make_unique<LedgerClient>(ClientOptions{
        .addresses = addresses, .timeout = timeout, .patience = patience});
  }

  // Waits until the client is connected to these. Before, one that takes its
  // time would be passed over.
  void Connect(const std::vector<const FakeLedger*>& servers) {
    for (const FakeLedger* server : servers) {
      const size_t before = server->lookups();
      while (server->lookups() == before) {
        const auto found =
            client_->LookupAccounts({kAlice}, {.at_least = Sequence(0)});
        ASSERT_TRUE(found.ok()) << found.status();
      }
    }
  }

  // The old primary executes one call more, whose answer is lost, and is none
  // from then on; the new one is not promoted yet.
  void LoseThePrimaryAfterOneCall() {
    std::vector<FakeLedger::Fault> faults(
        10'000, FakeLedger::Fails(Reason::kNoPrimary));
    faults.front() = {
        .status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "reset"),
        .executed = true};
    new_->BecomeStandby();
    old_->Script(faults);
  }

  // With all that the old one has executed.
  void Promote() {
    new_->CopyFrom(*old_);
    new_->BecomePrimary();
  }

  static Amount PaidAt(const FakeLedger& server) {
    return server.account(kBob)->credits_posted;
  }

  std::unique_ptr<FakeLedger> old_ = std::make_unique<FakeLedger>();
  std::unique_ptr<FakeLedger> new_ = std::make_unique<FakeLedger>();
  std::unique_ptr<FakeLedger> third_ = std::make_unique<FakeLedger>();
  std::unique_ptr<LedgerClient> client_;
};

TEST_F(FailoverTest, AWriteWhoseAnswerWasLostEndsInTheNewPrimarysAnswer) {
  LoseThePrimaryAfterOneCall();
  Waiter<TransferResult> paid;
  client_->CreateTransfer(Pay(7), paid.callback());
  new_->WaitForRefusals(1);
  Promote();
  const auto result = paid.Wait();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, TransferStatus::kExists);
  EXPECT_EQ(PaidAt(*new_), Amount(1));
}

TEST_F(FailoverTest, AServerThatIsGoneIsLeft) {
  ASSERT_TRUE(client_->CreateTransfer(Pay(1)).ok());
  Promote();
  old_.reset();
  const auto result = client_->CreateTransfer(Pay(2));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(PaidAt(*new_), Amount(2));
}

TEST_F(FailoverTest, WhereAllRefuseNothingWasDone) {
  Make({old_->address(), new_->address()}, milliseconds(1'000));
  old_->BecomeStandby();
  new_->BecomeStandby();
  size_t refused = 0;
  absl::Status status;
  // Where the deadline meets an attempt on its way the outcome is unknown.
  for (int tries = 0; tries < 20; ++tries) {
    refused = old_->refusals();
    status = client_->CreateTransfer(Pay(7)).status();
    if (ReasonOf(status) != Reason::kOutcomeUnknown) break;
  }
  EXPECT_EQ(ReasonOf(status), Reason::kNoPrimary) << status;
  EXPECT_FALSE(MayHaveBeenExecuted(status));
  // Both in each round, and pauses of at least 10, 20, 40, 80, 100, ... ms.
  EXPECT_GE(old_->refusals() - refused, 2);
  EXPECT_LE(old_->refusals() - refused, 14);
  EXPECT_GE(new_->refusals(), 2);
  Promote();
  Make({old_->address(), new_->address()});
  EXPECT_EQ(client_->CreateTransfer(Pay(7))->status, TransferStatus::kCreated);
}

TEST_F(FailoverTest, ADeadlineWhileNobodyIsPrimaryLeavesTheOutcomeUnknown) {
  Make({old_->address(), new_->address()}, milliseconds(1'000));
  ASSERT_NO_FATAL_FAILURE(Connect({old_.get(), new_.get()}));
  LoseThePrimaryAfterOneCall();
  const auto result = client_->CreateTransfer(Pay(7));
  EXPECT_EQ(ReasonOf(result.status()), Reason::kOutcomeUnknown)
      << result.status();
  Promote();
  Make({old_->address(), new_->address()});
  const auto again = client_->CreateTransfer(Pay(7));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->status, TransferStatus::kExists) << "the same id settles it";
  EXPECT_EQ(PaidAt(*new_), Amount(1));
}

TEST_F(FailoverTest, AHintToADeadAddress) {
  ASSERT_NO_FATAL_FAILURE(Connect({old_.get(), new_.get()}));
  old_->BecomeStandby(kNobody, 3);
  const auto result = client_->CreateTransfer(Pay(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(PaidAt(*new_), Amount(1));
  EXPECT_EQ(old_->refusals(), 1);
}

TEST_F(FailoverTest, HintsInACircle) {
  Make({old_->address(), new_->address(), third_->address()});
  ASSERT_NO_FATAL_FAILURE(Connect({old_.get(), new_.get(), third_.get()}));
  old_->BecomeStandby(new_->address(), 3);
  new_->BecomeStandby(old_->address(), 3);
  const auto result = client_->CreateTransfer(Pay(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(PaidAt(*third_), Amount(1));
  EXPECT_EQ(old_->refusals(), 1);
  EXPECT_EQ(new_->refusals(), 1);
}

TEST_F(FailoverTest, TheNewPrimaryIsRemembered) {
  ASSERT_NO_FATAL_FAILURE(Connect({old_.get(), new_.get()}));
  old_->BecomeStandby(new_->address(), 3);
  for (uint64_t id = 1; id <= 20; ++id) {
    ASSERT_TRUE(client_->CreateTransfer(Pay(id)).ok());
  }
  EXPECT_EQ(old_->refusals(), 1);
}

TEST_F(FailoverTest, CoalescedPaymentsHappenOnceEachAndInTheirOrder) {
  constexpr uint64_t kLast = 50;
  old_->Hold();
  std::map<uint64_t, Waiter<TransferResult>> waiters;
  client_->CreateTransfer(Pay(1), waiters[1].callback());
  old_->WaitForBatches(1);
  for (uint64_t id = 2; id <= kLast; ++id) {
    client_->CreateTransfer(Pay(id), waiters[id].callback());
  }
  LoseThePrimaryAfterOneCall();
  old_->Release();
  new_->WaitForRefusals(1);
  Promote();
  for (auto& [id, waiter] : waiters) {
    const auto result = waiter.Wait();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->status,
              id == 1 ? TransferStatus::kExists : TransferStatus::kCreated)
        << id;
  }
  EXPECT_EQ(PaidAt(*new_), Amount(kLast));
  const auto batches = new_->batches();
  ASSERT_EQ(batches.size(), 2);
  EXPECT_EQ(batches[0].size(), 1);
  ASSERT_EQ(batches[1].size(), kLast - 1);
  for (uint64_t id = 2; id <= kLast; ++id) {
    EXPECT_EQ(batches[1][id - 2].id, TransferId(id));
  }
}

TEST_F(FailoverTest, AStreamGoesOnAtTheNewPrimary) {
  LoseThePrimaryAfterOneCall();
  const auto stream = client_->StreamTransfers({.window = 8});
  for (uint64_t id = 1; id <= 6; ++id) stream->Send({Pay(id)});
  std::thread promoter([this] {
    new_->WaitForRefusals(1);
    Promote();
  });
  std::vector<TransferStatus> statuses;
  while (!stream->empty()) {
    const auto created = stream->Receive();
    EXPECT_TRUE(created.ok()) << created.status();
    if (created.ok()) statuses.push_back(created->results.front().status);
  }
  promoter.join();
  std::vector<TransferStatus> wanted(6, TransferStatus::kCreated);
  wanted.front() = TransferStatus::kExists;
  EXPECT_EQ(statuses, wanted);
  EXPECT_EQ(PaidAt(*new_), Amount(6));
}

TEST_F(FailoverTest, AWatchGoesOnAtAnotherReplica) {
  const auto watch = client_->WatchEvents(Sequence(1));
  const auto next = [&] {
    const auto entry = watch->Next();
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? entry->sequence : Sequence(0);
  };
  for (uint64_t id = 1; id <= 3; ++id) {
    ASSERT_TRUE(client_->CreateTransfer(Pay(id)).ok());
    EXPECT_EQ(next(), Sequence(id));
  }
  ASSERT_TRUE(client_->CreateTransfer(Pay(4)).ok());
  Promote();
  old_.reset();
  ASSERT_TRUE(client_->CreateTransfer(Pay(5)).ok());
  EXPECT_EQ(next(), Sequence(4));
  EXPECT_EQ(next(), Sequence(5));
}

// It answers nothing and breaks no connection.
TEST_F(FailoverTest, ASilentPrimaryIsLeftWhenAnotherSaysThatItIsOne) {
  Make({old_->address(), new_->address()}, milliseconds(30'000),
       milliseconds(20));
  new_->BecomeStandby();
  old_->Script({{.silent = true}});
  Waiter<TransferResult> paid;
  client_->CreateTransfer(Pay(7), paid.callback());
  old_->WaitForBatches(1);
  // Else the client might go back when the new one takes more than 20 ms.
  old_->BecomeStandby();
  Promote();
  const auto result = paid.Wait();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, TransferStatus::kCreated);
  EXPECT_EQ(PaidAt(*new_), Amount(1));
}

class StandbyReadTest : public FailoverTest {
 protected:
  StandbyReadTest() { new_->BecomeStandby(old_->address(), 3); }

  void SetUp() override { ConnectToBoth(); }

  // Lookups count from then on.
  void ConnectToBoth() {
    ASSERT_NO_FATAL_FAILURE(Connect({old_.get(), new_.get()}));
    of_old_before_ = old_->lookups();
    of_new_before_ = new_->lookups();
  }

  size_t LookupsOfOld() const { return old_->lookups() - of_old_before_; }

  size_t LookupsOfNew() const { return new_->lookups() - of_new_before_; }

  void Read(const ReadLevel& level) {
    const auto found = client_->LookupAccounts({kAlice}, level);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->accounts.size(), 1);
  }

  const ReadLevel at_least_{.at_least = Sequence(0)};
  const ReadLevel stale_{.max_staleness = milliseconds(100)};
  size_t of_old_before_ = 0;
  size_t of_new_before_ = 0;
};

TEST_F(StandbyReadTest, ThoseThatMayBeOlderGoToAllInTurn) {
  for (int i = 0; i < 4; ++i) Read(i % 2 == 0 ? at_least_ : stale_);
  EXPECT_EQ(LookupsOfOld(), 2);
  EXPECT_EQ(LookupsOfNew(), 2);
  EXPECT_EQ(new_->refusals(), 0);
}

TEST_F(StandbyReadTest, TheOthersGoToThePrimary) {
  for (int i = 0; i < 4; ++i) Read({});
  EXPECT_EQ(LookupsOfOld(), 4);
  EXPECT_EQ(LookupsOfNew(), 0);
}

TEST_F(StandbyReadTest, WhoIsTooFarBehindIsLeft) {
  new_->Script(std::vector(100, FakeLedger::Fails(Reason::kTooStale)));
  for (int i = 0; i < 4; ++i) Read(stale_);
  EXPECT_EQ(LookupsOfOld(), 4);
}

TEST_F(StandbyReadTest, WhoWaitsInVainLeavesTimeForAnother) {
  Make({old_->address(), new_->address()}, milliseconds(2'000));
  ConnectToBoth();
  new_->Script({{.silent = true}});
  // One of them goes to the new one first.
  for (int i = 0; i < 2; ++i) Read(at_least_);
  EXPECT_GE(LookupsOfOld(), 1);
}

TEST_F(StandbyReadTest, WhoIsGoneIsLeft) {
  new_.reset();
  for (int i = 0; i < 4; ++i) Read(at_least_);
  EXPECT_EQ(LookupsOfOld(), 4);
}

}  // namespace
}  // namespace ledgerd::client
