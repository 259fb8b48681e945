// A PackedRow is a view of a row of RocksDB that holds records of one size in
// ascending order.
//
//   const PackedRow<Transfer> row(iterator.value());
//   if (!row.valid()) return damaged;
//   const size_t i = row.LowerBound(timestamp, TimestampOf);
//
// The bytes need not be aligned; records are copied out.
#ifndef LEDGERD_STORAGE_PACKED_ROW_H_
#define LEDGERD_STORAGE_PACKED_ROW_H_

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "rocksdb/slice.h"

namespace ledgerd::storage {

template <typename Record>
class PackedRow {
  static_assert(std::is_trivially_copyable_v<Record>);

 public:
  explicit PackedRow(const rocksdb::Slice& bytes) : bytes_(bytes) {}

  bool valid() const {
    return !bytes_.empty() && bytes_.size() % sizeof(Record) == 0;
  }

  size_t size() const { return bytes_.size() / sizeof(Record); }

  Record operator[](size_t i) const {
    Record record;
    std::memcpy(static_cast<void*>(&record), bytes_.data() + i * sizeof(Record),
                sizeof(Record));
    return record;
  }

  // Requires: valid().
  Record back() const { return (*this)[size() - 1]; }

  // The first record whose key is not below `key`; size() when there is none.
  template <typename K, typename KeyOf>
  size_t LowerBound(const K& key, const KeyOf& key_of) const {
    size_t low = 0;
    size_t high = size();
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (key_of((*this)[middle]) < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

 private:
  rocksdb::Slice bytes_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_PACKED_ROW_H_
