// When a replica's looks for damage over all of its disk ended (server/repair).
#ifndef LEDGERD_SERVER_SCRUB_PASSES_H_
#define LEDGERD_SERVER_SCRUB_PASSES_H_

#include "proto/types.h"

namespace ledgerd::server {

// 0: none has, since the start.
struct ScrubPasses {
  Timestamp last;
  // Of those that left nothing damaged.
  Timestamp last_clean;

  friend bool operator==(const ScrubPasses&, const ScrubPasses&) = default;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_SCRUB_PASSES_H_
