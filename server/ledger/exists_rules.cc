#include "server/ledger/exists_rules.h"

#include "proto/base/check.h"

namespace ledgerd::server {
namespace {

// Which fields of a retry equal those of the existing transfer, leaving open
// what it may leave open.
struct Equal {
  bool debit_account_id;
  bool credit_account_id;
  bool amount;
  bool user_data_128;
  bool user_data_64;
  bool user_data_32;
  bool ledger;
  bool code;
};

// A balancing transfer asked for at most this much, and may have got less.
bool SameAmount(const Transfer& t, const Transfer& e) {
  constexpr uint16_t kBalancing =
      transfer_flags::kBalancingDebit | transfer_flags::kBalancingCredit;
  if ((e.flags & kBalancing) != 0) return t.amount >= e.amount;
  return t.amount == e.amount;
}

Equal CompareSingleOrPending(const Transfer& t, const Transfer& e) {
  return {.debit_account_id = t.debit_account_id == e.debit_account_id,
          .credit_account_id = t.credit_account_id == e.credit_account_id,
          .amount = SameAmount(t, e),
          .user_data_128 = t.user_data_128 == e.user_data_128,
          .user_data_64 = t.user_data_64 == e.user_data_64,
          .user_data_32 = t.user_data_32 == e.user_data_32,
          .ledger = t.ledger == e.ledger,
          .code = t.code == e.code};
}

// A field of a post or void that 0 leaves to what the pending one has; the
// existing transfer took it from there.
template <typename Field>
bool SameOrZero(Field given, Field existing) {
  return given == Field(0) || given == existing;
}

// User data that 0 leaves to the pending transfer's.
template <typename Field>
bool SameUserData(Field given, Field existing, Field pending) {
  return given == 0 ? existing == pending : given == existing;
}

bool SameResolvedAmount(const Transfer& t, const Transfer& e,
                        const Transfer& pending) {
  if ((e.flags & transfer_flags::kVoidPending) != 0) {
    return SameOrZero(t.amount, e.amount);
  }
  if (t.amount == kAmountMax) return e.amount == pending.amount;
  return t.amount == e.amount;
}

Equal ComparePostOrVoid(const Transfer& t, const Transfer& e,
                        const Transfer& p) {
  return {
      .debit_account_id = SameOrZero(t.debit_account_id, e.debit_account_id),
      .credit_account_id = SameOrZero(t.credit_account_id, e.credit_account_id),
      .amount = SameResolvedAmount(t, e, p),
      .user_data_128 =
          SameUserData(t.user_data_128, e.user_data_128, p.user_data_128),
      .user_data_64 =
          SameUserData(t.user_data_64, e.user_data_64, p.user_data_64),
      .user_data_32 =
          SameUserData(t.user_data_32, e.user_data_32, p.user_data_32),
      .ledger = SameOrZero(t.ledger, e.ledger),
      .code = SameOrZero(t.code, e.code)};
}

TransferStatus FirstDifference(const Equal& equal) {
  if (!equal.debit_account_id) {
    return TransferStatus::kExistsWithDifferentDebitAccountId;
  }
  if (!equal.credit_account_id) {
    return TransferStatus::kExistsWithDifferentCreditAccountId;
  }
  if (!equal.amount) return TransferStatus::kExistsWithDifferentAmount;
  if (!equal.user_data_128) {
    return TransferStatus::kExistsWithDifferentUserData128;
  }
  if (!equal.user_data_64) {
    return TransferStatus::kExistsWithDifferentUserData64;
  }
  if (!equal.user_data_32) {
    return TransferStatus::kExistsWithDifferentUserData32;
  }
  if (!equal.ledger) return TransferStatus::kExistsWithDifferentLedger;
  if (!equal.code) return TransferStatus::kExistsWithDifferentCode;
  return TransferStatus::kExists;
}

}  // namespace

TransferStatus CompareExisting(const Transfer& transfer,
                               const Transfer& existing,
                               storage::StateView& view) {
  if (transfer.flags != existing.flags) {
    return TransferStatus::kExistsWithDifferentFlags;
  }
  if (transfer.pending_id != existing.pending_id) {
    return TransferStatus::kExistsWithDifferentPendingId;
  }
  if (transfer.timeout_seconds != existing.timeout_seconds) {
    return TransferStatus::kExistsWithDifferentTimeout;
  }
  if (existing.pending_id == TransferId(0)) {
    return FirstDifference(CompareSingleOrPending(transfer, existing));
  }
  const Transfer* pending = view.FindTransfer(existing.pending_id);
  LEDGERD_CHECK(pending != nullptr) << "a resolution outlives its transfer";
  return FirstDifference(ComparePostOrVoid(transfer, existing, *pending));
}

}  // namespace ledgerd::server
