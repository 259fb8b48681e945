// Reads what rollbacks have cut off a journal, from rolled_back/.
//
//   LEDGERD_RETURN_IF_ERROR(ReadRolledBack(
//       data_dir, [](const RolledBackEntry& cut) { ... return true; }));
//
// Shape       The newest rollback first, and of each by sequence. Torn records
//             that an opening set aside are not among them: no process ever
//             knew them whole. Bytes that are no whole entry are passed over.
// Errors      As of IDENTITY and of the files that cannot be read.
// Threads     Any; a rollback may go on meanwhile.
// Source      FORMAT.md, "The journal": the files hold segments, or their
//             tails.
#ifndef LEDGERD_STORAGE_ROLLED_BACK_H_
#define LEDGERD_STORAGE_ROLLED_BACK_H_

#include <functional>
#include <string>

#include "absl/status/status.h"

#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd::storage {

struct RolledBackEntry {
  Entry entry;
  // When its file was put aside.
  Timestamp rolled_back_at;
  // Where that rollback began.
  Sequence from;
};

// Until `visit` returns false.
absl::Status ReadRolledBack(
    const std::string& data_dir,
    const std::function<bool(const RolledBackEntry&)>& visit);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ROLLED_BACK_H_
