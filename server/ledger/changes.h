// Changes is the only way in which the rules change the state; inside a linked
// chain it remembers what they did, so that the chain can be undone.
//
//   Changes changes(view);
//   changes.BeginChain();
//   changes.InsertTransfer(transfer);
//   changes.UndoChain();  // the state, and its hash, are what they were
//
// Shape   Outside a chain each method is the view's and remembers nothing: a
//         transfer that stands alone costs no memory. A chain remembers a
//         few small records an event, at most a batch of them.
// Threads The replica thread.
// Source  ledger.md, "Batches", chains.
#ifndef LEDGERD_SERVER_LEDGER_CHANGES_H_
#define LEDGERD_SERVER_LEDGER_CHANGES_H_

#include <variant>
#include <vector>

#include "proto/types.h"
#include "storage/state_event.h"
#include "storage/state_view.h"

namespace ledgerd::server {

class Changes {
 public:
  explicit Changes(storage::StateView& view) : view_(view) {}

  // To look at the state; to change it, use the methods below.
  storage::StateView& view() { return view_; }

  // From here on changes are remembered. Requires: no chain is begun.
  void BeginChain();
  // The chain stands: forgets how to undo it.
  void KeepChain();
  // Takes back all since BeginChain, the newest change first.
  void UndoChain();

  void InsertAccount(const Account& account);
  void InsertTransfer(const Transfer& transfer);
  void UpdateAccount(const Account* account, const Account& next);

  // Tells those who watch; a chain that is undone tells nothing.
  void AppendEvent(const storage::Event& event) { view_.AppendEvent(event); }

  // Requires: `pending` is in kPending.
  void Resolve(const Transfer& pending, PendingState state);

 private:
  struct InsertedAccount {
    AccountId id;
    Timestamp newest_before;
  };

  struct InsertedTransfer {
    TransferId id;
    Timestamp newest_before;
  };

  struct UpdatedAccount {
    const Account* account;
    Account before;
  };

  struct ResolvedTransfer {
    TransferId id;
  };

  using Change = std::variant<InsertedAccount, InsertedTransfer, UpdatedAccount,
                              ResolvedTransfer>;

  void Undo(const InsertedAccount& change);
  void Undo(const InsertedTransfer& change);
  void Undo(const UpdatedAccount& change);
  void Undo(const ResolvedTransfer& change);

  storage::StateView& view_;
  bool in_chain_ = false;
  std::vector<Change> chain_;
  // Before the chain's first event.
  storage::EventMark chain_events_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_CHANGES_H_
