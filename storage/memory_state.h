// MemoryState is the whole state of the ledger in simple ordered maps, for
// tests: what every other implementation is compared with.
//
//   MemoryState state;
//   state.InsertAccount(account);
//   state.Finish({entry.id(), entry.timestamp()});
//   EXPECT_EQ(state.hash(), state.Scan());
//
// Shape    Copyable; a copy is a checkpoint. The hash is kept up to date at
//          every single change, on purpose in the most obvious way.
// Threads  Not thread-safe; a const copy may be read by anyone.
#ifndef LEDGERD_STORAGE_MEMORY_STATE_H_
#define LEDGERD_STORAGE_MEMORY_STATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "proto/statuses.h"
#include "proto/types.h"
#include "storage/event_run.h"
#include "storage/state_event.h"
#include "storage/state_hash.h"
#include "storage/state_query.h"
#include "storage/state_view.h"

namespace ledgerd::storage {

class MemoryState {
 public:
  // ---- as StateView

  const Account* FindAccount(AccountId id) const;
  void InsertAccount(const Account& account);
  void UpdateAccount(const Account* account, const Account& next);
  void UndoInsertAccount(AccountId id, Timestamp newest);
  TransferIdState FindTransferId(TransferId id) const;
  const Transfer* FindTransfer(TransferId id) const;
  void InsertTransfer(const Transfer& transfer);
  void UndoInsertTransfer(TransferId id, Timestamp newest);
  void KeepFailedId(TransferId id, TransferStatus status);
  PendingState GetPendingState(const Transfer& pending) const;
  void SetPendingState(const Transfer& pending, PendingState state);
  std::vector<TransferId> FindDue(Timestamp now, size_t limit) const;
  bool HasAccountAt(Timestamp timestamp) const;
  bool HasTransferAt(Timestamp timestamp) const;
  void AppendEvent(const Event& event);

  EventMark MarkEvents() const { return {.count = EventCount()}; }

  void UndoEvents(const EventMark& mark);

  void AppendIncidents(Sequence sequence, absl::string_view payload);

  Timestamp newest_account_timestamp() const { return newest_account_; }

  Timestamp newest_transfer_timestamp() const { return newest_transfer_; }

  // ---- as StateStore

  // All objects are looked at, one by one.
  std::vector<Account> FindAccounts(const QueryFilter& filter) const;
  std::vector<Transfer> FindTransfers(const AccountFilter& filter) const;

  void Finish(const AppliedPoint& point);

  const AppliedPoint& applied() const { return applied_; }

  Uint128 hash() const { return hash_.value(); }

  Timestamp next_expiry() const;

  // ---- for tests

  // A mistake: the applied point alone, without what led to it.
  void SetAppliedApart(const AppliedPoint& point) { applied_ = point; }

  const std::map<AccountId, Account>& accounts() const { return accounts_; }

  const std::map<Timestamp, Transfer>& transfers() const { return transfers_; }

  // Of every transfer with the PENDING flag, by its timestamp.
  const std::map<Timestamp, PendingState>& pending_states() const {
    return pending_states_;
  }

  const std::map<TransferId, TransferStatus>& failed_ids() const {
    return failed_ids_;
  }

  // Ends a run of events with what has been applied, and drops what is to go.
  void EndEventRun(const EventLimits& limits);
  // Takes over what the checkpoint `written` has dropped.
  void DropEventsOf(const MemoryState& written);

  // The entry from which on events are kept.
  Sequence oldest_event() const {
    return event_runs_.empty() ? Sequence(1) : event_runs_.front().first;
  }

  // Of every entry that has events that are kept.
  const std::map<Sequence, std::vector<Event>>& events() const {
    return events_;
  }

  // Of accounts that keep it, by account and transfer.
  const std::map<std::pair<AccountId, Timestamp>, AccountBalances>& history()
      const {
    return history_;
  }

  // Payloads, by the sequence of their entry.
  const std::map<Sequence, std::string>& incidents() const {
    return incidents_;
  }

  // The state hash, from nothing.
  Uint128 Scan() const;

  // OK when the hash is that of a scan, and the books balance in every ledger.
  absl::Status Verify() const;

 private:
  uint32_t EventCount() const {
    return static_cast<uint32_t>(entry_events_.size());
  }

  void AddExpiry(const Transfer& pending);
  void RemoveExpiry(const Transfer& pending);

  std::map<AccountId, Account> accounts_;
  std::map<Timestamp, AccountId> account_timestamps_;
  std::map<Timestamp, Transfer> transfers_;
  std::map<TransferId, Timestamp> transfer_ids_;
  std::map<TransferId, TransferStatus> failed_ids_;
  std::map<Timestamp, PendingState> pending_states_;
  // {expires at, transfer's timestamp}, of those in kPending with a timeout.
  std::set<std::pair<Timestamp, Timestamp>> expiries_;
  Timestamp newest_account_;
  Timestamp newest_transfer_;
  std::map<Sequence, std::vector<Event>> events_;
  // Of the entry that is being applied.
  std::vector<Event> entry_events_;
  Timestamp newest_event_;
  EventRuns event_runs_;
  std::map<std::pair<AccountId, Timestamp>, AccountBalances> history_;
  std::map<Sequence, std::string> incidents_;
  AppliedPoint applied_;
  StateHash hash_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_MEMORY_STATE_H_
