#include "tests/model/random_batches.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "proto/system_limits.h"

namespace ledgerd::model {
namespace {

namespace flags = transfer_flags;

constexpr Uint128 kHalf = Uint128{1} << 127;

template <typename T>
void Toggle(T& bits, uint16_t flag) {
  bits = static_cast<T>(bits ^ flag);
}

}  // namespace

RandomBatches::RandomBatches(uint64_t seed) : random_(seed), world_() {
  world_.id_stride = random_.Pick(std::vector<Uint128>{
      1, 1, 0x0101, Uint128{1} << 64, (Uint128{1} << 120) + 1});
  world_.account_ids = random_.Between(2, 12);
  world_.transfer_ids = random_.Between(8, 40);
  world_.ledgers = static_cast<uint32_t>(random_.Between(1, 2));
  world_.huge_amounts = random_.OneIn(3);
  world_.imports = random_.OneIn(3);
  world_.long_timeouts = random_.OneIn(4);
  world_.rows_max = random_.Pick(std::vector<uint64_t>{3, 8, 8, 20});
}

Step RandomBatches::Next(const NaiveState& state) {
  const uint64_t draw = random_.Below(100);
  Step step;
  if (state.applied.entry.sequence == Sequence(0) || draw < 1) {
    epoch_ = random_.OneIn(2) ? epoch_.Next() : Epoch(epoch_.value() + 3);
    step.timestamp = Clock(state, 1);
  } else if (draw < 10) {
    step.kind = EntryKind::kExpireTransfers;
    step.timestamp = Clock(state, kMaxBatchSize);
  } else if (state.accounts.size() < 2 || draw < 28) {
    step = Accounts(state);
  } else {
    step = Transfers(state);
  }
  step.epoch = epoch_;
  return step;
}

// A world begins in the year 1970, 2023 or, so that timeouts overflow, 2160;
// later, its clock stands still or jumps from nothing to some timeouts on.
Timestamp RandomBatches::Clock(const NaiveState& state, uint64_t timestamps) {
  const uint64_t last = state.applied.timestamp.value();
  if (last == 0) {
    const uint64_t start = random_.Pick(std::vector<uint64_t>{
        1, 1'700'000'000'000'000'000, 6'000'000'000'000'000'000});
    return Timestamp(start + timestamps);
  }
  const uint64_t wall =
      last + random_.Pick(std::vector<uint64_t>{0, 0, 20, 1000, 400'000'000,
                                                1'000'000'000, 3'000'000'000});
  return Timestamp(std::max(last + timestamps, wall));
}

// Runs of linked rows, at times up to the end of the batch.
void RandomBatches::Link(Step& step) {
  if (!random_.OneIn(3)) return;
  uint64_t left = 0;
  for (size_t i = 0; i < step.event_count(); ++i) {
    if (left == 0 && random_.OneIn(4)) left = random_.Between(1, 5);
    if (left == 0) continue;
    --left;
    if (i + 1 == step.event_count() && !random_.OneIn(3)) continue;
    if (step.kind == EntryKind::kCreateAccounts) {
      step.accounts[i].flags |= account_flags::kLinked;
    } else {
      step.transfers[i].flags |= flags::kLinked;
    }
  }
}

template <typename Row>
void RandomBatches::Import(std::vector<Row>& rows, const NaiveState& state,
                           Timestamp batch, uint16_t flag) {
  const bool import = world_.imports && random_.OneIn(2);
  constexpr bool kTransfers = std::is_same_v<Row, Transfer>;
  Timestamp newest =
      kTransfers ? state.NewestTransfer() : state.NewestAccount();
  for (Row& row : rows) {
    // A retry of an imported row keeps its flag only where that can be right.
    row.flags = static_cast<uint16_t>(row.flags & ~flag);
    const bool imported = import != random_.OneIn(40);
    if (!imported) continue;
    row.flags |= flag;
    row.timestamp = ImportedTimestamp(state, newest, batch);
    if (!random_.OneIn(10)) newest = std::max(newest, row.timestamp);
    if constexpr (kTransfers) {
      if (!random_.OneIn(10)) row.timeout_seconds = 0;
    }
  }
}

Timestamp RandomBatches::ImportedTimestamp(const NaiveState& state,
                                           Timestamp newest, Timestamp batch) {
  switch (random_.Below(24)) {
    case 0:
      return Timestamp(0);
    case 1:
      return kTimestampMax.Next();
    case 2:
      return Timestamp(batch.value() + random_.Below(2));
    case 3:
      return newest;
    case 4:
    case 5:
      if (!state.accounts.empty()) {
        return random_.Pick(state.accounts).timestamp;
      }
      break;
    case 6:
    case 7:
      if (!state.transfers.empty()) {
        return random_.Pick(state.transfers).timestamp;
      }
      break;
    case 8:
      return Timestamp(batch.value() - 1);
    case 9:
    case 10:
      if (batch.value() > newest.value() + 1) {
        return Timestamp(random_.Between(newest.value() + 1, batch.value()));
      }
      break;
    default:
      break;
  }
  return Timestamp(newest.value() + random_.Between(1, 3));
}

// ---- accounts

AccountId RandomBatches::AnyAccountId() {
  if (random_.OneIn(60)) return AccountId(0);
  if (random_.OneIn(60)) return AccountId(kUint128Max);
  return AccountId(world_.id_stride * random_.Between(1, world_.account_ids));
}

Account RandomBatches::NewAccount() {
  Account account;
  account.id = AnyAccountId();
  account.ledger = static_cast<uint32_t>(random_.Between(1, world_.ledgers));
  account.code = static_cast<uint16_t>(random_.Between(1, 2));
  account.user_data_128 = random_.Below(2) * kUint128Max;
  account.user_data_64 = random_.Below(2);
  account.user_data_32 = static_cast<uint32_t>(random_.Below(2));
  account.flags = random_.Pick(
      std::vector<uint16_t>{0, 0, account_flags::kDebitsMustNotExceedCredits,
                            account_flags::kCreditsMustNotExceedDebits});
  if (random_.OneIn(4)) account.flags |= account_flags::kHistory;
  if (random_.OneIn(20)) account.flags |= account_flags::kClosed;
  return account;
}

Account RandomBatches::RetriedAccount(const NaiveState& state) {
  const Account& existing = random_.Pick(state.accounts);
  Account account = existing;
  account.timestamp = Timestamp(0);
  account.debits_pending = account.debits_posted = Amount(0);
  account.credits_pending = account.credits_posted = Amount(0);
  return account;
}

void RandomBatches::Spoil(Account& account) {
  switch (random_.Below(14)) {
    case 0:
      Toggle(account.flags, static_cast<uint16_t>(2u << random_.Below(5)));
      break;
    case 1:
      Toggle(account.flags, static_cast<uint16_t>(64u << random_.Below(10)));
      break;
    case 2:
      account.flags |= account_flags::kDebitsMustNotExceedCredits |
                       account_flags::kCreditsMustNotExceedDebits;
      break;
    case 3:
      account.id = AccountId(random_.OneIn(2) ? Uint128{0} : kUint128Max);
      break;
    case 4:
      account.debits_pending = Amount(1);
      break;
    case 5:
      account.debits_posted = Amount(kHalf);
      break;
    case 6:
      account.credits_pending = kAmountMax;
      break;
    case 7:
      account.credits_posted = Amount(1);
      break;
    case 8:
      account.ledger = random_.OneIn(2) ? 0 : account.ledger + 1;
      break;
    case 9:
      account.code = random_.OneIn(2) ? 0 : 65535;
      break;
    case 10:
      account.user_data_128 += kHalf;
      break;
    case 11:
      account.user_data_64 += uint64_t{1} << 63;
      break;
    case 12:
      account.user_data_32 += 1u << 31;
      break;
    default:
      account.timestamp = Timestamp(random_.Between(1, 3));
      break;
  }
}

Step RandomBatches::Accounts(const NaiveState& state) {
  Step step{.kind = EntryKind::kCreateAccounts};
  const uint64_t rows = random_.Between(1, world_.rows_max);
  while (step.accounts.size() < rows) {
    Account account = !state.accounts.empty() && random_.OneIn(3)
                          ? RetriedAccount(state)
                          : NewAccount();
    if (!step.accounts.empty() && random_.OneIn(20)) {
      account = random_.Pick(step.accounts);
    }
    while (random_.OneIn(4)) Spoil(account);
    step.accounts.push_back(account);
  }
  step.timestamp = Clock(state, rows);
  Link(step);
  Import(step.accounts, state, step.timestamp, account_flags::kImported);
  return step;
}

// ---- transfers

TransferId RandomBatches::AnyTransferId() {
  if (random_.OneIn(6)) ++window_;
  return TransferId(world_.id_stride *
                    (window_ + random_.Below(world_.transfer_ids)));
}

Amount RandomBatches::AnyAmount() {
  if (world_.huge_amounts && random_.OneIn(2)) {
    return random_.Pick(std::vector<Amount>{
        kAmountMax, Amount(kUint128Max - 1), Amount(kUint128Max - 50),
        Amount(kHalf), Amount(kHalf - 1), Amount(kHalf + 1), Amount(kHalf / 2),
        Amount(~uint64_t{0}), Amount(Uint128{1} << 64)});
  }
  return Amount(random_.OneIn(8) ? 0 : random_.Between(1, 100));
}

// An amount that just fits, or just does not.
Amount RandomBatches::NearLimit(const Account& debit, const Account& credit) {
  const Uint128 debits =
      debit.debits_pending.value() + debit.debits_posted.value();
  const Uint128 credits =
      credit.credits_pending.value() + credit.credits_posted.value();
  Uint128 limit = 0;
  switch (random_.Below(world_.huge_amounts ? 4 : 2)) {
    case 0:
      limit = debit.credits_posted.value() - debits;
      break;
    case 1:
      limit = credit.debits_posted.value() - credits;
      break;
    case 2:
      limit = kUint128Max - debits;
      break;
    default:
      limit = kUint128Max - credits;
      break;
  }
  return Amount(limit + random_.Below(3) - 1);
}

AccountId RandomBatches::ExistingAccount(const NaiveState& state,
                                         uint32_t ledger) {
  for (int tries = 0; tries < 6; ++tries) {
    const Account& account = random_.Pick(state.accounts);
    if (ledger == 0 || account.ledger == ledger) return account.id;
  }
  return AnyAccountId();
}

Transfer RandomBatches::SingleOrPending(const NaiveState& state) {
  Transfer transfer;
  transfer.id = AnyTransferId();
  transfer.debit_account_id = ExistingAccount(state, 0);
  const auto debit = state.accounts.find(transfer.debit_account_id);
  const bool known = debit != state.accounts.end();
  transfer.ledger = known ? debit->second.ledger : 1;
  transfer.credit_account_id = ExistingAccount(state, transfer.ledger);
  for (int tries = 0;
       tries < 4 && transfer.credit_account_id == transfer.debit_account_id;
       ++tries) {
    transfer.credit_account_id = ExistingAccount(state, transfer.ledger);
  }
  const auto credit = state.accounts.find(transfer.credit_account_id);
  transfer.amount = AnyAmount();
  if (known && credit != state.accounts.end() && random_.OneIn(4)) {
    transfer.amount = NearLimit(debit->second, credit->second);
  }
  transfer.code = static_cast<uint16_t>(random_.Between(1, 2));
  if (random_.OneIn(2)) {
    transfer.flags |= flags::kPending;
    if (random_.OneIn(12)) transfer.flags |= flags::kClosingDebit;
    if (random_.OneIn(12)) transfer.flags |= flags::kClosingCredit;
    transfer.timeout_seconds = static_cast<uint32_t>(random_.Below(4));
    if (world_.long_timeouts && random_.OneIn(3)) {
      transfer.timeout_seconds = ~uint32_t{0} - transfer.timeout_seconds;
    }
  }
  if (random_.OneIn(5)) transfer.flags |= flags::kBalancingDebit;
  if (random_.OneIn(5)) transfer.flags |= flags::kBalancingCredit;
  if (transfer.flags > flags::kPending && random_.OneIn(6)) {
    transfer.amount = kAmountMax;
  }
  return transfer;
}

// What to post or void: mostly a transfer that is still pending.
Transfer RandomBatches::Target(const NaiveState& state) {
  if (!batch_.empty() && random_.OneIn(4)) return random_.Pick(batch_);
  if (!state.pending_states.empty() && !random_.OneIn(12)) {
    for (int tries = 0; tries < 4; ++tries) {
      auto at = state.pending_states.begin();
      std::advance(at, random_.Below(state.pending_states.size()));
      if (at->second == PendingState::kPending || random_.OneIn(5)) {
        return state.transfers.at(at->first);
      }
    }
  }
  Transfer missing;
  if (!state.transfers.empty() && random_.OneIn(2)) {
    return random_.Pick(state.transfers);
  }
  missing.id = AnyTransferId();
  return missing;
}

Transfer RandomBatches::PostOrVoid(const NaiveState& state) {
  const Transfer pending = Target(state);
  Transfer transfer;
  transfer.id = AnyTransferId();
  transfer.pending_id = pending.id;
  if (random_.OneIn(2)) {
    transfer.flags = flags::kVoidPending;
    if (random_.OneIn(2)) transfer.amount = pending.amount;
  } else {
    transfer.flags = flags::kPostPending;
    transfer.amount = kAmountMax;
    if (random_.OneIn(2)) transfer.amount = pending.amount;
  }
  if (random_.OneIn(4)) {
    transfer.amount = Amount(pending.amount.value() / 2);
  }
  if (random_.OneIn(10)) transfer.amount = pending.amount.Next();
  if (random_.OneIn(4)) transfer.debit_account_id = pending.debit_account_id;
  if (random_.OneIn(4)) transfer.credit_account_id = pending.credit_account_id;
  if (random_.OneIn(4)) transfer.ledger = pending.ledger;
  if (random_.OneIn(4)) transfer.code = pending.code;
  return transfer;
}

// The request of a transfer that exists, as it was or as it could have been.
Transfer RandomBatches::RetriedTransfer(const NaiveState& state) {
  Transfer transfer = random_.Pick(state.transfers);
  transfer.timestamp = Timestamp(0);
  if ((transfer.flags & (flags::kPostPending | flags::kVoidPending)) != 0) {
    if (random_.OneIn(2)) transfer.debit_account_id = AccountId(0);
    if (random_.OneIn(2)) transfer.credit_account_id = AccountId(0);
    if (random_.OneIn(2)) transfer.ledger = 0;
    if (random_.OneIn(2)) transfer.code = 0;
    if (random_.OneIn(2)) transfer.user_data_128 = 0;
    if (random_.OneIn(2)) transfer.user_data_64 = 0;
    if (random_.OneIn(2)) transfer.user_data_32 = 0;
    if (random_.OneIn(2)) transfer.amount = kAmountMax;
    if (random_.OneIn(4)) transfer.amount = Amount(0);
  } else if (random_.OneIn(6)) {
    transfer.amount = random_.OneIn(2) ? kAmountMax : transfer.amount.Next();
  }
  return transfer;
}

Transfer RandomBatches::NewTransfer(const NaiveState& state) {
  Transfer transfer =
      random_.OneIn(3) ? PostOrVoid(state) : SingleOrPending(state);
  if (random_.OneIn(3)) transfer.user_data_128 = kHalf + random_.Below(2);
  if (random_.OneIn(3)) transfer.user_data_64 = random_.Between(1, 2);
  if (random_.OneIn(3)) {
    transfer.user_data_32 = static_cast<uint32_t>(random_.Between(1, 2));
  }
  if (!state.failed_ids.empty() && random_.OneIn(20)) {
    auto at = state.failed_ids.begin();
    std::advance(at, random_.Below(state.failed_ids.size()));
    transfer.id = at->first;
  }
  return transfer;
}

void RandomBatches::Spoil(Transfer& transfer) {
  switch (random_.Below(16)) {
    case 0:
      transfer.debit_account_id = AnyAccountId();
      break;
    case 1:
      transfer.credit_account_id = AnyAccountId();
      break;
    case 2:
      transfer.amount = AnyAmount();
      break;
    case 3:
      transfer.pending_id = AnyTransferId();
      break;
    case 4:
      transfer.user_data_128 += kHalf;
      break;
    case 5:
      transfer.user_data_64 += uint64_t{1} << 63;
      break;
    case 6:
      transfer.user_data_32 += 1u << 31;
      break;
    case 7:
      transfer.timeout_seconds += 1;
      break;
    case 8:
      transfer.ledger += 1;
      break;
    case 9:
      transfer.code = static_cast<uint16_t>(transfer.code + 1);
      break;
    case 10:
    case 11:
    case 12:
      Toggle(transfer.flags, static_cast<uint16_t>(2u << random_.Below(7)));
      break;
    default:
      SpoilRare(transfer);
      break;
  }
}

void RandomBatches::SpoilRare(Transfer& transfer) {
  const Uint128 zero_or_max = random_.OneIn(2) ? Uint128{0} : kUint128Max;
  switch (random_.Below(10)) {
    case 0:
      transfer.id = TransferId(zero_or_max);
      break;
    case 1:
      transfer.debit_account_id = AccountId(zero_or_max);
      break;
    case 2:
      transfer.credit_account_id = AccountId(zero_or_max);
      break;
    case 3:
      transfer.credit_account_id = transfer.debit_account_id;
      break;
    case 4:
      transfer.pending_id = TransferId(zero_or_max);
      break;
    case 5:
      transfer.pending_id = transfer.id;
      break;
    case 6:
      transfer.ledger = 0;
      break;
    case 7:
      transfer.code = 0;
      break;
    case 8:
      Toggle(transfer.flags, static_cast<uint16_t>(512u << random_.Below(7)));
      break;
    default:
      transfer.timestamp = Timestamp(random_.Between(1, 3));
      break;
  }
}

Step RandomBatches::Transfers(const NaiveState& state) {
  batch_.clear();
  const uint64_t rows = random_.Between(1, world_.rows_max);
  while (batch_.size() < rows) {
    Transfer transfer = NewTransfer(state);
    if (!state.transfers.empty() && random_.OneIn(6)) {
      transfer = RetriedTransfer(state);
    }
    if (!batch_.empty() && random_.OneIn(16)) transfer = random_.Pick(batch_);
    if (!batch_.empty() && random_.OneIn(16)) {
      transfer.id = random_.Pick(batch_).id;
    }
    while (random_.OneIn(5)) Spoil(transfer);
    batch_.push_back(transfer);
  }
  Step step{.kind = EntryKind::kCreateTransfers};
  step.timestamp = Clock(state, rows);
  step.transfers = batch_;
  Link(step);
  Import(step.transfers, state, step.timestamp, flags::kImported);
  return step;
}

}  // namespace ledgerd::model
