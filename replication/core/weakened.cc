#include "replication/core/weakened.h"

namespace ledgerd::replication {

#ifdef LEDGERD_WEAKENED
Rules& WeakenedRules() {
  static Rules rules;
  return rules;
}
#endif

}  // namespace ledgerd::replication
