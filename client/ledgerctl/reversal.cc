#include "client/ledgerctl/reversal.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

// Of a UUID's high and low half.
constexpr uint64_t kVersionMask = 0xf000;
constexpr uint64_t kVersion = 0x8000;
constexpr uint64_t kVariantMask = uint64_t{3} << 62;
constexpr uint64_t kVariant = uint64_t{2} << 62;

uint64_t BigEndian(const Hash256& hash, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) {
    value = value << 8 | uint64_t{hash[at + i]};
  }
  return value;
}

// Why a pending transfer is not what is to be reverted.
absl::string_view WhyNot(PendingState state) {
  switch (state) {
    case PendingState::kPosted:
      return "only reserved its amount, and another transfer has posted it: "
             "revert that one ('ledgerctl account transfers' lists it)";
    case PendingState::kVoided:
      return "was voided: it has moved no money";
    case PendingState::kExpired:
      return "has expired: it has moved no money";
    case PendingState::kNone:
    case PendingState::kPending:
      break;
  }
  return "is pending: it has moved no money yet, and 'ledgerctl transfer "
         "--void' gives the amount free";
}

absl::Status CheckHasMovedMoney(const Transfer& transfer, PendingState state) {
  const auto refuse = [&transfer](absl::string_view why) {
    return absl::FailedPreconditionError(
        absl::StrCat("transfer ", ToString(transfer.id.value()), " ", why));
  };
  if ((transfer.flags & transfer_flags::kPending) != 0) {
    return refuse(WhyNot(state));
  }
  if ((transfer.flags & transfer_flags::kVoidPending) != 0) {
    return refuse("voided another one: it has moved no money");
  }
  return absl::OkStatus();
}

}  // namespace

TransferId ReversalId(TransferId reverted, uint32_t attempt) {
  const Hash256 hash = Sha256(absl::StrCat(
      "ledgerd transfer revert ", ToString(reverted.value()), " ", attempt));
  const uint64_t high = BigEndian(hash, 0) & ~kVersionMask;
  const uint64_t low = BigEndian(hash, 8) & ~kVariantMask;
  return TransferId(MakeUint128(high | kVersion, low | kVariant));
}

absl::StatusOr<Transfer> ReversalOf(const Transfer& transfer,
                                    PendingState state, uint32_t attempt) {
  LEDGERD_RETURN_IF_ERROR(CheckHasMovedMoney(transfer, state));
  Transfer reversal;
  reversal.id = ReversalId(transfer.id, attempt);
  reversal.debit_account_id = transfer.credit_account_id;
  reversal.credit_account_id = transfer.debit_account_id;
  reversal.amount = transfer.amount;
  reversal.user_data_128 = transfer.id.value();
  reversal.user_data_64 = transfer.user_data_64;
  reversal.user_data_32 = transfer.user_data_32;
  reversal.ledger = transfer.ledger;
  reversal.code = transfer.code;
  return reversal;
}

}  // namespace ledgerd::client
