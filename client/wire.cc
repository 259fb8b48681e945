#include "client/wire.h"

namespace ledgerd::client {
namespace {

// A zero is left out, which is what proto3 reads it as: half the bytes of most
// transfers.
template <typename Field>
void SetUnlessZero(Uint128 value, const Field& field) {
  if (value != 0) ToWire(value, field());
}

// A status of a newer server keeps its number; what is no byte is unspecified.
template <typename Status>
Status StatusFromWire(int wire) {
  if (wire < 0 || wire > 255) return Status::kUnspecified;
  return static_cast<Status>(wire);
}

}  // namespace

void ToWire(const Account& account, ::ledger::v1::Account* wire) {
  ToWire(account.id.value(), wire->mutable_id());
  SetUnlessZero(account.debits_pending.value(),
                [&] { return wire->mutable_debits_pending(); });
  SetUnlessZero(account.debits_posted.value(),
                [&] { return wire->mutable_debits_posted(); });
  SetUnlessZero(account.credits_pending.value(),
                [&] { return wire->mutable_credits_pending(); });
  SetUnlessZero(account.credits_posted.value(),
                [&] { return wire->mutable_credits_posted(); });
  SetUnlessZero(account.user_data_128,
                [&] { return wire->mutable_user_data_128(); });
  wire->set_user_data_64(account.user_data_64);
  wire->set_user_data_32(account.user_data_32);
  wire->set_ledger(account.ledger);
  wire->set_code(account.code);
  wire->set_flags(account.flags);
  wire->set_timestamp(account.timestamp.value());
}

void ToWire(const Transfer& transfer, ::ledger::v1::Transfer* wire) {
  ToWire(transfer.id.value(), wire->mutable_id());
  SetUnlessZero(transfer.debit_account_id.value(),
                [&] { return wire->mutable_debit_account_id(); });
  SetUnlessZero(transfer.credit_account_id.value(),
                [&] { return wire->mutable_credit_account_id(); });
  SetUnlessZero(transfer.amount.value(),
                [&] { return wire->mutable_amount(); });
  SetUnlessZero(transfer.pending_id.value(),
                [&] { return wire->mutable_pending_id(); });
  SetUnlessZero(transfer.user_data_128,
                [&] { return wire->mutable_user_data_128(); });
  wire->set_user_data_64(transfer.user_data_64);
  wire->set_user_data_32(transfer.user_data_32);
  wire->set_timeout(transfer.timeout_seconds);
  wire->set_ledger(transfer.ledger);
  wire->set_code(transfer.code);
  wire->set_flags(transfer.flags);
  wire->set_timestamp(transfer.timestamp.value());
}

namespace {

// What both filters have.
template <typename Filter, typename Wire>
void CommonToWire(const Filter& filter, Wire* wire) {
  if (filter.user_data_128 != 0) {
    ToWire(filter.user_data_128, wire->mutable_user_data_128());
  }
  if (filter.user_data_64 != 0) wire->set_user_data_64(filter.user_data_64);
  if (filter.user_data_32 != 0) wire->set_user_data_32(filter.user_data_32);
  if (filter.code.has_value()) wire->set_code(*filter.code);
  if (filter.timestamp_min.has_value()) {
    wire->set_timestamp_min(filter.timestamp_min->value());
  }
  if (filter.timestamp_max.has_value()) {
    wire->set_timestamp_max(filter.timestamp_max->value());
  }
  wire->set_reversed(filter.reversed);
  wire->set_limit(filter.limit);
}

}  // namespace

void ToWire(const QueryFilter& filter, ::ledger::v1::QueryFilter* wire) {
  if (filter.ledger.has_value()) wire->set_ledger(*filter.ledger);
  CommonToWire(filter, wire);
}

void ToWire(const AccountFilter& filter, ::ledger::v1::AccountFilter* wire) {
  ToWire(filter.account.value(), wire->mutable_account_id());
  wire->set_debits(filter.debits);
  wire->set_credits(filter.credits);
  CommonToWire(filter, wire);
}

Account FromWire(const ::ledger::v1::Account& wire) {
  Account account;
  account.id = AccountId(FromWire(wire.id()));
  account.debits_pending = Amount(FromWire(wire.debits_pending()));
  account.debits_posted = Amount(FromWire(wire.debits_posted()));
  account.credits_pending = Amount(FromWire(wire.credits_pending()));
  account.credits_posted = Amount(FromWire(wire.credits_posted()));
  account.user_data_128 = FromWire(wire.user_data_128());
  account.user_data_64 = wire.user_data_64();
  account.user_data_32 = wire.user_data_32();
  account.ledger = wire.ledger();
  account.code = static_cast<uint16_t>(wire.code());
  account.flags = PackFlags(wire.flags());
  account.timestamp = Timestamp(wire.timestamp());
  return account;
}

Transfer FromWire(const ::ledger::v1::Transfer& wire) {
  Transfer transfer;
  transfer.id = TransferId(FromWire(wire.id()));
  transfer.debit_account_id = AccountId(FromWire(wire.debit_account_id()));
  transfer.credit_account_id = AccountId(FromWire(wire.credit_account_id()));
  transfer.amount = Amount(FromWire(wire.amount()));
  transfer.pending_id = TransferId(FromWire(wire.pending_id()));
  transfer.user_data_128 = FromWire(wire.user_data_128());
  transfer.user_data_64 = wire.user_data_64();
  transfer.user_data_32 = wire.user_data_32();
  transfer.timeout_seconds = wire.timeout();
  transfer.ledger = wire.ledger();
  transfer.code = static_cast<uint16_t>(wire.code());
  transfer.flags = PackFlags(wire.flags());
  transfer.timestamp = Timestamp(wire.timestamp());
  return transfer;
}

AccountResult FromWire(const ::ledger::v1::CreateAccountResult& wire) {
  return {.status = StatusFromWire<AccountStatus>(wire.status()),
          .timestamp = Timestamp(wire.timestamp())};
}

TransferResult FromWire(const ::ledger::v1::CreateTransferResult& wire,
                        const Transfer& asked) {
  TransferResult result;
  result.status = StatusFromWire<TransferStatus>(wire.status());
  result.original_status =
      StatusFromWire<TransferStatus>(wire.original_status());
  result.timestamp = Timestamp(wire.timestamp());
  if (result.status == TransferStatus::kCreated ||
      result.status == TransferStatus::kExists) {
    result.amount_differs = wire.has_amount();
    result.amount =
        wire.has_amount() ? Amount(FromWire(wire.amount())) : asked.amount;
  }
  return result;
}

}  // namespace ledgerd::client
