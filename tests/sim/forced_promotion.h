// A ForcedPromotion is what an operator does when all others are gone: one
// replica goes on alone, in a new fork (rule 15).
//
//   ForcedPromotion forced(around, nodes);
//   if (forced.Begin()) ...   // until done()
//   forced.BringOthersBack(network);
//   forced.End();
//
// Shape   One that has all that was ever applied is left, so that what clients
//         were told stays true; the others are switched off, as the operator
//         has to confirm. They may come back where no client reaches them, and
//         go on in the fork before, with one primary after the other. Once they
//         hear of the other one they are refused, and lose their disks:
//         Operators adds them again. It may restart just then, so that it only
//         knows what is on its disk.
#ifndef LEDGERD_TESTS_SIM_FORCED_PROMOTION_H_
#define LEDGERD_TESTS_SIM_FORCED_PROMOTION_H_

#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/operators.h"

namespace ledgerd::sim {

class ForcedPromotion {
 public:
  ForcedPromotion(const Surroundings& around, Nodes& nodes,
                  Operators& operators)
      : around_(around), nodes_(nodes), operators_(operators) {}

  // False when there is none that has all.
  bool Begin();

  bool done() const;

  // The others come back, and hear nothing of it. Requires: done.
  void BringOthersBack(Network& network);

  // Requires: done.
  void Restart();

  // The others are to be added again. Requires: done.
  void End();

 private:
  bool HasAll(const Node& node) const;
  void Ask();
  void Unsettle(uint64_t times);

  const Surroundings& around_;
  Nodes& nodes_;
  Operators& operators_;
  Node* left_ = nullptr;
  replication::Fork fork_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_FORCED_PROMOTION_H_
