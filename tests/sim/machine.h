// The real ledger as a StateMachine that tells a History what it does, unless
// what it does counts for nothing.
#ifndef LEDGERD_TESTS_SIM_MACHINE_H_
#define LEDGERD_TESTS_SIM_MACHINE_H_

#include "proto/entry.h"
#include "proto/results.h"
#include "replication/state_machine.h"
#include "storage/state_store.h"
#include "storage/state_view.h"
#include "tests/sim/history.h"
#include "tests/sim/mutation.h"

namespace ledgerd::sim {

class Machine final : public replication::StateMachine {
 public:
  Machine(History& history, Mutation mutation)
      : history_(history), mutation_(mutation) {}

  bool is_told() const { return told_; }

  void SetTold(bool told) { told_ = told; }

  storage::Needs NeedsOf(const Entry& entry) const override;
  EntryResult Apply(const Entry& entry,
                    storage::StateView& view) const override;

 private:
  History& history_;
  const Mutation mutation_;
  bool told_ = true;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_MACHINE_H_
