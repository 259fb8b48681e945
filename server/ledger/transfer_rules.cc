#include "server/ledger/transfer_rules.h"

#include "proto/base/check.h"
#include "server/ledger/exists_rules.h"
#include "server/ledger/post_void_rules.h"
#include "server/ledger/single_pending_rules.h"
#include "server/ledger/transfer_result.h"

namespace ledgerd::server {
namespace {

TransferStatus CheckId(const Transfer& t) {
  if ((t.flags & transfer_flags::kReserved) != 0) {
    return TransferStatus::kReservedFlag;
  }
  if (t.id == TransferId(0)) return TransferStatus::kIdMustNotBeZero;
  if (t.id == TransferId(kUint128Max)) {
    return TransferStatus::kIdMustNotBeIntMax;
  }
  return TransferStatus::kCreated;
}

// The three modes exclude each other; post and void decide everything
// themselves that balancing and closing would decide.
bool FlagsExcludeEachOther(uint16_t flags) {
  constexpr unsigned kModes = transfer_flags::kPending |
                              transfer_flags::kPostPending |
                              transfer_flags::kVoidPending;
  constexpr unsigned kNotWithPostOrVoid =
      transfer_flags::kBalancingDebit | transfer_flags::kBalancingCredit |
      transfer_flags::kClosingDebit | transfer_flags::kClosingCredit;
  const unsigned modes = flags & kModes;
  if ((modes & (modes - 1)) != 0) return true;
  return IsPostOrVoid(flags) && (flags & kNotWithPostOrVoid) != 0;
}

// Time could cure these: a delayed duplicate must not end otherwise.
bool IsKept(TransferStatus status) {
  switch (status) {
    case TransferStatus::kDebitAccountNotFound:
    case TransferStatus::kCreditAccountNotFound:
    case TransferStatus::kPendingTransferNotFound:
    case TransferStatus::kExceedsCredits:
    case TransferStatus::kExceedsDebits:
    case TransferStatus::kDebitAccountAlreadyClosed:
    case TransferStatus::kCreditAccountAlreadyClosed:
      return true;
    default:
      return false;
  }
}

}  // namespace

TransferResult TransferRules::Create(const Transfer& transfer,
                                     Timestamp event) {
  if (const TransferStatus status = CheckId(transfer);
      status != TransferStatus::kCreated) {
    return RefusedTransfer(status, event);
  }
  const storage::TransferIdState id =
      changes_.view().FindTransferId(transfer.id);
  if (!id.free()) return AnswerUsedId(transfer, id, event);
  if (FlagsExcludeEachOther(transfer.flags)) {
    return RefusedTransfer(TransferStatus::kFlagsAreMutuallyExclusive, event);
  }
  return IsPostOrVoid(transfer.flags)
             ? CreatePostOrVoid(transfer, event, changes_)
             : CreateSingleOrPending(transfer, event, changes_);
}

void TransferRules::Refused(const Transfer& transfer, TransferStatus status) {
  if (IsKept(status)) changes_.view().KeepFailedId(transfer.id, status);
}

TransferResult TransferRules::AnswerUsedId(const Transfer& transfer,
                                           const storage::TransferIdState& id,
                                           Timestamp event) {
  if (id.failed != TransferStatus::kUnspecified) {
    TransferResult result =
        RefusedTransfer(TransferStatus::kIdAlreadyFailed, event);
    result.original_status = id.failed;
    return result;
  }
  const Transfer* existing = changes_.view().FindTransfer(transfer.id);
  LEDGERD_CHECK(existing != nullptr);
  const TransferStatus status =
      CompareExisting(transfer, *existing, changes_.view());
  if (status != TransferStatus::kExists) return RefusedTransfer(status, event);
  return StoredTransfer(status, *existing, transfer.amount);
}

}  // namespace ledgerd::server
