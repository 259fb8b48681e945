// The replica's StateMachine is the ledger; what is applied is counted, too.
#ifndef LEDGERD_SERVER_LEDGER_STATE_MACHINE_H_
#define LEDGERD_SERVER_LEDGER_STATE_MACHINE_H_

#include "proto/entry.h"
#include "proto/results.h"
#include "replication/state_machine.h"
#include "server/incidents/completion_tail.h"
#include "server/ledger/ledger.h"
#include "storage/state_store.h"
#include "storage/state_view.h"

namespace ledgerd::server {

class LedgerStateMachine final : public replication::StateMachine {
 public:
  // `completion` outlives it.
  explicit LedgerStateMachine(CompletionTail& completion)
      : completion_(completion) {}

  storage::Needs NeedsOf(const Entry& entry) const override {
    return server::NeedsOf(entry);
  }

  EntryResult Apply(const Entry& entry,
                    storage::StateView& view) const override {
    completion_.NoteApplied(entry);
    return server::Apply(entry, view);
  }

 private:
  CompletionTail& completion_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_STATE_MACHINE_H_
