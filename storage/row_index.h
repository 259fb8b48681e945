// A RowIndex finds rows by id: a set of row numbers, 5 bytes each, hashed by
// the ids of the rows that they number.
//
//   RowIndex<Rows, IdOfRow> index(&rows);
//   index.Add(rows.size() - 1);
//   if (const std::optional<size_t> row = index.Find(id)) Use(rows[*row]);
//
//   const size_t row = index.FindOrAdd(id, rows.size());
//   if (row == rows.size()) rows.push_back(NewRow(id));
//
// `IdOf` is a functor: the id of a row. The rows must stay where they are.
#ifndef LEDGERD_STORAGE_ROW_INDEX_H_
#define LEDGERD_STORAGE_ROW_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

#include "proto/base/check.h"

namespace ledgerd::storage {

template <typename Rows, typename IdOf>
class RowIndex {
 public:
  using Id = std::decay_t<
      std::invoke_result_t<IdOf, decltype(std::declval<const Rows&>()[0])>>;

  static constexpr size_t kBytesPerRow = 2 * (sizeof(uint32_t) + 1);

  explicit RowIndex(const Rows* rows) : set_(0, Hash{rows}, Equal{rows}) {}

  // Makes room for so many rows in all.
  void Reserve(size_t rows) { set_.reserve(rows); }

  std::optional<size_t> Find(Id id) const {
    const auto found = set_.find(id);
    if (found == set_.end()) return std::nullopt;
    return *found;
  }

  // Requires: the row's id is not here.
  void Add(size_t row) {
    LEDGERD_CHECK(set_.insert(static_cast<uint32_t>(row)).second);
  }

  // The row of the id; `next`, where there is none: it is in the index then,
  // and its caller makes it before asking for anything more.
  size_t FindOrAdd(Id id, size_t next) {
    const auto add = [next](const auto& make) {
      make(static_cast<uint32_t>(next));
    };
    return *set_.lazy_emplace(id, add);
  }

  // Requires: the id is here.
  void Remove(Id id) {
    const auto found = set_.find(id);
    LEDGERD_CHECK(found != set_.end());
    set_.erase(found);
  }

  size_t size() const { return set_.size(); }

 private:
  struct Hash {
    using is_transparent = void;

    size_t operator()(Id id) const { return absl::Hash<Id>()(id); }

    size_t operator()(uint32_t row) const {
      return (*this)(IdOf()((*rows)[row]));
    }

    const Rows* rows;
  };

  struct Equal {
    using is_transparent = void;

    bool operator()(uint32_t row, Id id) const {
      return IdOf()((*rows)[row]) == id;
    }

    bool operator()(uint32_t a, uint32_t b) const {
      return a == b || IdOf()((*rows)[a]) == IdOf()((*rows)[b]);
    }

    const Rows* rows;
  };

  absl::flat_hash_set<uint32_t, Hash, Equal> set_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ROW_INDEX_H_
