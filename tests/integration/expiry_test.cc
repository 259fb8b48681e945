// A hold that nobody resolves gives the money back by itself, whether the
// daemon runs at the moment of its expiry or not.
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr AccountId kFrom(1);
constexpr AccountId kTo(2);
constexpr TransferId kHold(10);
constexpr std::chrono::seconds kExpiryLimit(30);

class ExpiryTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto created =
        client_.CreateAccounts({{.id = kFrom, .ledger = 1, .code = 1},
                                {.id = kTo, .ledger = 1, .code = 1}});
    ASSERT_TRUE(created.ok()) << created.status();
  }

  // A hold of 500 for one second.
  void Hold() {
    const auto held =
        client_.CreateTransfer({.id = kHold,
                                .debit_account_id = kFrom,
                                .credit_account_id = kTo,
                                .amount = Amount(500),
                                .timeout_seconds = 1,
                                .ledger = 1,
                                .code = 1,
                                .flags = transfer_flags::kPending});
    ASSERT_TRUE(held.ok()) << held.status();
    ASSERT_EQ(held->status, TransferStatus::kCreated);
    expires_at_ = held->timestamp.value() + kNanosPerSecond;
  }

  PendingState State() {
    const auto found = client_.LookupTransfers({kHold});
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok() || found->pending_states.size() != 1) return {};
    return found->pending_states[0];
  }

  Account Read(AccountId id) {
    const auto found = client_.LookupAccounts({id});
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && found->accounts.size() == 1 ? found->accounts[0]
                                                     : Account();
  }

  static void ExpectHeld(uint64_t amount, const Account& from,
                         const Account& to) {
    EXPECT_EQ(from.debits_pending, Amount(amount));
    EXPECT_EQ(to.credits_pending, Amount(amount));
    EXPECT_EQ(from.debits_posted, Amount(0));
    EXPECT_EQ(to.credits_posted, Amount(0));
  }

  void ExpectNothingHeld() { ExpectHeld(0, Read(kFrom), Read(kTo)); }

  void ExpectExpires() {
    ASSERT_TRUE(WaitUntil(kExpiryLimit, [&] {
      return State() == PendingState::kExpired || HasFailure();
    })) << "it does not expire";
    EXPECT_GE(SystemNanos(), expires_at_) << "it expired too early";
    ExpectNothingHeld();
  }

  void ExpectCannotBePosted() {
    const auto posted =
        client_.CreateTransfer({.id = TransferId(11),
                                .amount = kAmountMax,
                                .pending_id = kHold,
                                .flags = transfer_flags::kPostPending});
    ASSERT_TRUE(posted.ok()) << posted.status();
    EXPECT_EQ(posted->status, TransferStatus::kPendingTransferExpired);
  }

  static uint64_t SystemNanos() {
    return static_cast<uint64_t>(
        std::chrono::nanoseconds(
            std::chrono::system_clock::now().time_since_epoch())
            .count());
  }

  LiveLedger ledger_;
  client::LedgerClient client_{{.addresses = {ledger_.address()}}};
  uint64_t expires_at_ = 0;
};

TEST_F(ExpiryTest, AHoldExpiresByItself) {
  ASSERT_NO_FATAL_FAILURE(Hold());
  const Account from = Read(kFrom);
  const Account to = Read(kTo);
  // It was when they were read, if it is now.
  if (State() == PendingState::kPending) ExpectHeld(500, from, to);
  ASSERT_NO_FATAL_FAILURE(ExpectExpires());
  ExpectCannotBePosted();
}

TEST_F(ExpiryTest, AHoldExpiresWhileTheDaemonIsDown) {
  ASSERT_NO_FATAL_FAILURE(Hold());
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  ASSERT_TRUE(
      WaitUntil(kExpiryLimit, [&] { return SystemNanos() > expires_at_; }));
  const absl::Status started = ledger_.Start();
  ASSERT_TRUE(started.ok()) << started;
  ASSERT_NO_FATAL_FAILURE(ExpectExpires());
  ExpectCannotBePosted();
}

TEST_F(ExpiryTest, AnExpiryOutlivesTheProcess) {
  ASSERT_NO_FATAL_FAILURE(Hold());
  ASSERT_NO_FATAL_FAILURE(ExpectExpires());
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  const absl::Status started = ledger_.Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(State(), PendingState::kExpired);
  ExpectNothingHeld();
}

}  // namespace
}  // namespace ledgerd::integration
