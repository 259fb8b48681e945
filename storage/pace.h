// A Pace is told of what was read, by whoever reads much that nobody waits for.
// It may wait, so that others get their turn; an error ends the reading.
#ifndef LEDGERD_STORAGE_PACE_H_
#define LEDGERD_STORAGE_PACE_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

namespace ledgerd::storage {

using Pace = std::function<absl::Status(uint64_t bytes)>;

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_PACE_H_
