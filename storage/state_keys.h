// Keys of the tables that share RocksDB's one column family: the table's
// letter, then numbers, most significant byte first, so that keys sort as they
// count.
//
//   files.Put(AccountKey(account.id).slice(), row);
//
// Source  FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_STATE_KEYS_H_
#define LEDGERD_STORAGE_STATE_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "rocksdb/slice.h"

#include "proto/types.h"
#include "storage/index_field.h"

namespace ledgerd::storage {

// The values are on disk: never change.
enum class Table : char {
  kAccounts = 'A',
  kAccountTimes = 'B',
  kExpiries = 'E',
  kFilters = 'F',
  kHistory = 'H',
  kIds = 'I',
  kMeta = 'M',
  kIncidents = 'N',
  kPendingStates = 'P',
  kRuns = 'R',
  kTransfers = 'T',
  kEventRuns = 'V',
  kIndex = 'X',
  // The last letter: files of events are never in between those of other
  // tables, so no compaction takes them along.
  kEvents = 'Y',
};

class Key {
 public:
  explicit Key(Table table) { Append(static_cast<uint8_t>(table)); }

  Key& Add(uint32_t number) { return AddBytes(number, 4); }

  Key& Add(uint64_t number) { return AddBytes(number, 8); }

  Key& Add(Uint128 number) { return Add(High(number)).Add(Low(number)); }

  // The low `count` bytes of `number`.
  Key& AddBytes(Uint128 number, int count) {
    for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) {
      Append(static_cast<uint8_t>(number >> shift));
    }
    return *this;
  }

  rocksdb::Slice slice() const { return {bytes_, size_}; }

 private:
  void Append(uint8_t byte) { bytes_[size_++] = static_cast<char>(byte); }

  // The longest: table, field, value, timestamp.
  char bytes_[1 + 1 + 16 + 8] = {};
  size_t size_ = 0;
};

// The key after all those that begin with `prefix`, a table's letter and more.
inline std::string EndOfPrefix(const rocksdb::Slice& prefix) {
  std::string end = prefix.ToString();
  while (end.back() == '\xff') end.pop_back();
  ++end.back();
  return end;
}

inline Key MetaKey() { return Key(Table::kMeta); }

inline Key AccountKey(AccountId id) {
  return Key(Table::kAccounts).Add(id.value());
}

inline Key AccountTimesKey(Timestamp first) {
  return Key(Table::kAccountTimes).Add(first.value());
}

inline Key TransfersKey(Timestamp first) {
  return Key(Table::kTransfers).Add(first.value());
}

inline Key PendingStateKey(Timestamp transfer) {
  return Key(Table::kPendingStates).Add(transfer.value());
}

inline Key ExpiryKey(Timestamp expires_at, Timestamp transfer) {
  return Key(Table::kExpiries).Add(expires_at.value()).Add(transfer.value());
}

// Of the row whose first event is number `index` of entry `sequence`.
inline Key EventsKey(Sequence sequence, uint32_t index) {
  return Key(Table::kEvents).Add(sequence.value()).Add(index);
}

inline Key EventRunKey(Sequence first) {
  return Key(Table::kEventRuns).Add(first.value());
}

inline constexpr size_t kIncidentsKeyBytes = 1 + 8;

inline Key IncidentsKey(Sequence sequence) {
  return Key(Table::kIncidents).Add(sequence.value());
}

inline Key HistoryKey(AccountId account, Timestamp first) {
  return Key(Table::kHistory).Add(account.value()).Add(first.value());
}

inline Key IdsKey(uint64_t run, TransferId first) {
  return Key(Table::kIds).Add(run).Add(first.value());
}

inline Key RunKey(uint64_t run) { return Key(Table::kRuns).Add(run); }

inline Key FilterKey(uint64_t run, uint32_t part) {
  return Key(Table::kFilters).Add(run).Add(part);
}

// Of all rows of one value's list; the first timestamp follows.
inline Key IndexPrefix(IndexField field, Uint128 value) {
  return Key(Table::kIndex)
      .AddBytes(static_cast<uint8_t>(field), 1)
      .AddBytes(value, IndexValueBytes(field));
}

// The number in a key's bytes from `offset` on. Requires: they are there.
inline uint64_t KeyNumber(const rocksdb::Slice& key, size_t offset) {
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) {
    number = number << 8 | static_cast<uint8_t>(key[offset + i]);
  }
  return number;
}

// How many bytes of a key name the unit that is written, and removed, as whole
// files: the table, and of ids and filters the run.
inline size_t FileUnitBytes(const rocksdb::Slice& key) {
  const auto table = static_cast<Table>(key[0]);
  return table == Table::kIds || table == Table::kFilters ? 9 : 1;
}

inline bool SameUnit(const rocksdb::Slice& a, const rocksdb::Slice& b) {
  const size_t unit = FileUnitBytes(a);
  return b.size() >= unit &&
         rocksdb::Slice(a.data(), unit) == rocksdb::Slice(b.data(), unit);
}

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_KEYS_H_
