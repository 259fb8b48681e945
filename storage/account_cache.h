// An AccountCache holds accounts that left the deltas, so that the next entry
// that moves them need not read them from the disk again.
//
//   cache.Put(account);                       // replaces an older one
//   const Account* found = cache.Find(id);    // null when it is not here
//
// Shape    Which of a full cache's accounts gives way: one that was not found
//          since the hand last passed it (a clock). An account may be older
//          here than in a delta, never otherwise: who asks looks there first.
// Units    Sizes are bytes.
// Threads  Belongs to the replica thread. What Find returns stays until Put.
#ifndef LEDGERD_STORAGE_ACCOUNT_CACHE_H_
#define LEDGERD_STORAGE_ACCOUNT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/types.h"
#include "storage/chunked_vector.h"
#include "storage/row_index.h"

namespace ledgerd::storage {

class AccountCache {
 public:
  explicit AccountCache(uint64_t bytes_max);

  AccountCache(const AccountCache&) = delete;
  AccountCache& operator=(const AccountCache&) = delete;

  const Account* Find(AccountId id);
  void Put(const Account& account);

  size_t size() const { return rows_.size(); }

  // How many accounts it holds at most.
  size_t capacity() const { return capacity_; }

 private:
  struct IdOf {
    AccountId operator()(const Account& account) const { return account.id; }
  };

  using Index = RowIndex<ChunkedVector<Account>, IdOf>;

  // The row that gives way.
  size_t Evict();

  const size_t capacity_;
  ChunkedVector<Account> rows_;
  Index index_;
  // Of each row, whether it was found since the hand passed.
  std::vector<bool> used_;
  size_t hand_ = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ACCOUNT_CACHE_H_
