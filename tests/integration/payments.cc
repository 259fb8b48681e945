#include "tests/integration/payments.h"

#include <utility>

namespace ledgerd::integration {
namespace {

// Account ids: ledger * 100 + 1 .. 8 open, 9 .. 12 limited, 99 the funder.
constexpr uint32_t kLedgers = 2;
constexpr uint64_t kOpenAccounts = 8;
constexpr uint64_t kLimitedAccounts = 4;
constexpr uint64_t kFunder = 99;
constexpr uint64_t kFunds = 20'000;
constexpr uint64_t kMissingAccount = 9'999;
constexpr size_t kHoldsRemembered = 64;
constexpr uint16_t kCode = 7;

Account MakeAccount(uint32_t ledger, uint64_t number, uint16_t flags) {
  return {.id = AccountId(ledger * 100 + number),
          .user_data_64 = number,
          .ledger = ledger,
          .code = kCode,
          .flags = flags};
}

}  // namespace

std::vector<Account> ChartOfAccounts() {
  std::vector<Account> accounts;
  for (uint32_t ledger = 1; ledger <= kLedgers; ++ledger) {
    for (uint64_t i = 1; i <= kOpenAccounts; ++i) {
      accounts.push_back(MakeAccount(ledger, i, 0));
    }
    for (uint64_t i = 1; i <= kLimitedAccounts; ++i) {
      accounts.push_back(
          MakeAccount(ledger, kOpenAccounts + i,
                      account_flags::kDebitsMustNotExceedCredits));
    }
    accounts.push_back(MakeAccount(ledger, kFunder, 0));
  }
  return accounts;
}

Unit Funding() {
  Unit funding;
  for (uint32_t ledger = 1; ledger <= kLedgers; ++ledger) {
    for (uint64_t i = 1; i <= kLimitedAccounts; ++i) {
      funding.push_back(
          {.id = TransferId(ledger * 100 + i),
           .debit_account_id = AccountId(ledger * 100 + kFunder),
           .credit_account_id = AccountId(ledger * 100 + kOpenAccounts + i),
           .amount = Amount(kFunds),
           .ledger = ledger,
           .code = kCode});
    }
  }
  return funding;
}

Payments::Payments(int client, uint64_t seed)
    : client_(client), random_(seed) {}

uint64_t Payments::Draw(uint64_t below) {
  return std::uniform_int_distribution<uint64_t>(0, below - 1)(random_);
}

TransferId Payments::NewId() {
  const uint64_t own = (static_cast<uint64_t>(client_ + 1) << 48) | ++ids_;
  const uint64_t high = client_ % 2 == 0 ? 1 : random_() >> 1;
  return TransferId(MakeUint128(high, own));
}

AccountId Payments::Open(uint32_t ledger) {
  return AccountId(ledger * 100 + 1 + Draw(kOpenAccounts));
}

AccountId Payments::Limited(uint32_t ledger) {
  return AccountId(ledger * 100 + kOpenAccounts + 1 + Draw(kLimitedAccounts));
}

Unit Payments::Next() {
  const uint64_t kind = Draw(100);
  if (kind < 40) return {Pay()};
  if (kind < 50) return {Refused()};
  if (kind < 65) return {Hold()};
  if (kind < 85) return {Resolution()};
  return Chain();
}

Transfer Payments::Pay() {
  const uint32_t ledger = 1 + static_cast<uint32_t>(Draw(kLedgers));
  Transfer transfer{
      .id = NewId(),
      .debit_account_id = Draw(3) == 0 ? Limited(ledger) : Open(ledger),
      .credit_account_id = AccountId(ledger * 100 + kFunder),
      .amount = Amount(Draw(1000)),
      .user_data_128 = Draw(5),
      .user_data_64 = Draw(5),
      .user_data_32 = static_cast<uint32_t>(Draw(5)),
      .ledger = ledger,
      .code = kCode};
  if (Draw(8) == 0)
    std::swap(transfer.debit_account_id, transfer.credit_account_id);
  if (Draw(8) == 0) transfer.flags |= transfer_flags::kBalancingDebit;
  if (!own_accounts_.empty() && Draw(4) == 0) {
    const Account& own = own_accounts_[Draw(own_accounts_.size())];
    transfer.debit_account_id = Open(own.ledger);
    transfer.credit_account_id = own.id;
    transfer.ledger = own.ledger;
  }
  return transfer;
}

// Fails for a reason that time could cure (the id is kept), or for another.
Transfer Payments::Refused() {
  Transfer transfer = Pay();
  transfer.flags = 0;
  switch (Draw(4)) {
    case 0:
      transfer.debit_account_id = Limited(transfer.ledger);
      transfer.credit_account_id = Open(transfer.ledger);
      transfer.amount = Amount(kFunds * 1'000'000);
      break;
    case 1:
      transfer.debit_account_id = AccountId(kMissingAccount);
      break;
    case 2:
      transfer.flags = transfer_flags::kPostPending;
      transfer.pending_id = TransferId(MakeUint128(7, Draw(1'000'000)));
      break;
    default:
      transfer.code = 0;
  }
  return transfer;
}

Transfer Payments::Hold() {
  Transfer transfer = Pay();
  transfer.flags = transfer_flags::kPending;
  transfer.timeout_seconds = Draw(4) == 0 ? 1 : Draw(2) == 0 ? 3600 : 0;
  return transfer;
}

Transfer Payments::Resolution() {
  if (holds_.empty()) return Hold();
  const Transfer& hold = holds_[Draw(holds_.size())];
  Transfer transfer{.id = NewId(), .pending_id = hold.id};
  if (Draw(2) == 0) transfer.user_data_64 = 77;
  if (Draw(2) == 0) transfer.ledger = hold.ledger;
  if (Draw(3) == 0) {
    transfer.flags = transfer_flags::kVoidPending;
    if (Draw(2) == 0) transfer.amount = hold.amount;
    return transfer;
  }
  transfer.flags = transfer_flags::kPostPending;
  const auto amount = static_cast<uint64_t>(hold.amount.value());
  transfer.amount = Draw(2) == 0 ? kAmountMax : Amount(Draw(amount + 1));
  return transfer;
}

Unit Payments::Chain() {
  Unit chain;
  const uint64_t size = 2 + Draw(4);
  const uint64_t bad = Draw(4) == 0 ? Draw(size) : size;
  for (uint64_t i = 0; i < size; ++i) {
    Transfer member = i == bad ? Refused() : Pay();
    member.flags &= static_cast<uint16_t>(~transfer_flags::kBalancingDebit);
    if (i + 1 < size) member.flags |= transfer_flags::kLinked;
    chain.push_back(member);
  }
  return chain;
}

Transfer Payments::Impostor(const Transfer& transfer) {
  Transfer impostor = transfer;
  impostor.user_data_32 += 1;
  impostor.timeout_seconds += 1;
  return impostor;
}

Account Payments::NewAccount() {
  const uint32_t ledger = 1 + static_cast<uint32_t>(Draw(kLedgers));
  Account account = MakeAccount(ledger, 0, 0);
  account.id = AccountId(
      MakeUint128(static_cast<uint64_t>(client_ + 1), 1'000'000 + ++accounts_));
  return account;
}

void Payments::OnAccount(const Account& account) {
  own_accounts_.push_back(account);
}

void Payments::OnResult(const Transfer& transfer,
                        const TransferResult& result) {
  if (result.status != TransferStatus::kCreated &&
      result.status != TransferStatus::kExists) {
    return;
  }
  if ((transfer.flags & transfer_flags::kPending) == 0) return;
  if (holds_.size() < kHoldsRemembered) {
    holds_.push_back(transfer);
  } else {
    holds_[Draw(holds_.size())] = transfer;
  }
}

}  // namespace ledgerd::integration
