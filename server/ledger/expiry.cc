#include "server/ledger/expiry.h"

#include <cstdint>

#include "proto/base/check.h"
#include "proto/system_limits.h"
#include "server/ledger/release.h"

namespace ledgerd::server {
namespace {

void Expire(TransferId id, Timestamp event, Changes& changes) {
  storage::StateView& view = changes.view();
  const Transfer* pending = view.FindTransfer(id);
  LEDGERD_CHECK(pending != nullptr);
  const Account* debit = view.FindAccount(pending->debit_account_id);
  const Account* credit = view.FindAccount(pending->credit_account_id);
  LEDGERD_CHECK(debit != nullptr && credit != nullptr);
  const Timestamp timestamp = pending->timestamp;
  const Released released = ReleaseAndOpen(*pending, *debit, *credit);
  changes.Resolve(*pending, PendingState::kExpired);
  changes.UpdateAccount(debit, released.debit);
  changes.UpdateAccount(credit, released.credit);
  changes.AppendEvent({.type = storage::EventType::kTwoPhaseExpired,
                       .timestamp = event,
                       .transfer = timestamp,
                       .pending = timestamp,
                       .debit = storage::EventSideOf(released.debit),
                       .credit = storage::EventSideOf(released.credit)});
}

}  // namespace

void ExpireDue(Timestamp now, Changes& changes) {
  // The entry has a timestamp for each that it could expire.
  uint64_t event = now.value() - kMaxBatchSize;
  for (const TransferId id : changes.view().FindDue(now, kMaxBatchSize)) {
    Expire(id, Timestamp(++event), changes);
  }
}

}  // namespace ledgerd::server
