#include "replication/core/weakened.h"

namespace ledgerd::replication {

#ifdef LEDGERD_WEAKENED
Rule& WeakenedRule() {
  static Rule rule = Rule::kNone;
  return rule;
}
#endif

}  // namespace ledgerd::replication
