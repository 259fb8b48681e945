// An AccountTable holds the accounts that one delta knows, changed or only
// read.
//
//   const Account* account = table.Find(id);
//   AccountTable::Slot& slot = AccountTable::SlotOf(account);
//   slot.account = next;
//   slot.dirty = true;  // to be written by the checkpoint
//
// Shape    Slots never move, so that a pointer to an account stays valid and
//          leads to its slot without another look-up.
// Threads  Not thread-safe while it changes.
#ifndef LEDGERD_STORAGE_ACCOUNT_TABLE_H_
#define LEDGERD_STORAGE_ACCOUNT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/types.h"
#include "storage/chunked_vector.h"
#include "storage/row_index.h"

namespace ledgerd::storage {

class AccountTable {
 public:
  struct Slot {
    Account account;
    // The store's count of entries when the account was last changed.
    uint64_t touched_in = 0;
    bool dirty = false;
    // Its insertion was undone.
    bool removed = false;
  };

  AccountTable() : index_(&slots_) {}

  AccountTable(const AccountTable&) = delete;
  AccountTable& operator=(const AccountTable&) = delete;

  const Account* Find(AccountId id) const {
    const std::optional<size_t> found = index_.Find(id);
    return found.has_value() ? &slots_[*found].account : nullptr;
  }

  // Makes room in the index for so many.
  void Reserve(size_t accounts) { index_.Reserve(accounts); }

  // Requires: no account of this id is here.
  Slot& Insert(const Account& account) {
    Slot& slot = slots_.Append({.account = account});
    index_.Add(slots_.size() - 1);
    return slot;
  }

  // The slot stays, marked as removed. Requires: the account is here.
  void Remove(const Account* account) {
    index_.Remove(account->id);
    SlotOf(account).removed = true;
  }

  // Requires: `account` is in a table that may be changed.
  static Slot& SlotOf(const Account* account) {
    return *reinterpret_cast<Slot*>(const_cast<Account*>(account));
  }

  // All slots ever taken, also the removed ones.
  const ChunkedVector<Slot>& slots() const { return slots_; }

  uint64_t bytes() const {
    return slots_.size() * (sizeof(Slot) + Index::kBytesPerRow);
  }

 private:
  struct IdOf {
    AccountId operator()(const Slot& slot) const { return slot.account.id; }
  };

  using Index = RowIndex<ChunkedVector<Slot>, IdOf>;

  ChunkedVector<Slot> slots_;
  Index index_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ACCOUNT_TABLE_H_
