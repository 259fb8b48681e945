// ToyMachine is the smallest state machine that uses every way to the state: it
// creates accounts and transfers that are not there yet, and expires what is
// due.
#ifndef LEDGERD_REPLICATION_TOY_MACHINE_H_
#define LEDGERD_REPLICATION_TOY_MACHINE_H_

#include "proto/entry.h"
#include "proto/results.h"
#include "replication/state_machine.h"

namespace ledgerd::replication {

class ToyMachine final : public StateMachine {
 public:
  storage::Needs NeedsOf(const Entry& entry) const override;
  EntryResult Apply(const Entry& entry,
                    storage::StateView& view) const override;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_TOY_MACHINE_H_
