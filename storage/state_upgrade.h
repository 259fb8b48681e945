// Makes this build's format of a state that an older build has written.
//
//   LEDGERD_RETURN_IF_ERROR(UpgradeState(database, limits, say));
//   LEDGERD_ASSIGN_OR_RETURN(auto disk, DiskState::Load(database, ...));
//
// Shape       1: the index of all accounts and transfers is built. 2 has all
//             that there was before 3: the next checkpoint makes it a 3.
// Durability  One ingestion with the record of the new format: a crash leaves
//             the old one, or the new one.
// Memory      Of some hundred thousand rows at a time.
// Errors      RESOURCE_EXHAUSTED  too little space; nothing has changed.
//             DATA_LOSS           what is on the disk does not add up.
// Source      FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_STATE_UPGRADE_H_
#define LEDGERD_STORAGE_STATE_UPGRADE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

#include "storage/checkpoint_writer.h"
#include "storage/state_database.h"

namespace ledgerd::storage {

// `say` is told what is done, a line at a time; it may be null.
absl::Status UpgradeState(const std::shared_ptr<StateDatabase>& database,
                          const RowLimits& limits,
                          const std::function<void(const std::string&)>& say);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_UPGRADE_H_
