// An AccountIdIndex finds the accounts that were created in one delta by their
// ids, for threads other than the one that creates them.
//
//   const Account* row = index.Find(created, id);
//
// Shape    Made by those who ask, as far as their view goes; nobody asks, and
//          it costs nothing.
// Threads  Any; all views are of the same rows.
#ifndef LEDGERD_STORAGE_ACCOUNT_ID_INDEX_H_
#define LEDGERD_STORAGE_ACCOUNT_ID_INDEX_H_

#include <cstddef>

#include "absl/container/flat_hash_map.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "storage/indexed_rows.h"

namespace ledgerd::storage {

class AccountIdIndex {
 public:
  // Null when there is none in what the view sees.
  const Account* Find(const RowsView<Account>& view, AccountId id) const
      LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    for (; indexed_ < view.size(); ++indexed_) {
      rows_.emplace(view[indexed_].id, indexed_);
    }
    const auto found = rows_.find(id);
    if (found == rows_.end() || found->second >= view.size()) return nullptr;
    return &view[found->second];
  }

 private:
  mutable Mutex mutex_;
  mutable absl::flat_hash_map<AccountId, size_t> rows_
      LEDGERD_GUARDED_BY(mutex_);
  mutable size_t indexed_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ACCOUNT_ID_INDEX_H_
