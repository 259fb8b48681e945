// An IdFilter tells that an id is not in a run, without a read.
//
//   IdFilter filter(run_size);
//   filter.Add(id);
//   if (!filter.MayContain(other)) ...  // certainly absent
//
// Shape   A split-block Bloom filter: blocks of 256 bits, eight words, one bit
//         in each: one cache line a question. At 16 bits an id about 0.1 % of
//         the ids that are absent get "maybe", in each run; at 12 bits 0.5 %,
//         and the reads for those were a fifth of all CPU for random ids.
// Source  Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom
//         Filters", WEA 2007; the layout is that of Apache Parquet's filters.
//         FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_ID_FILTER_H_
#define LEDGERD_STORAGE_ID_FILTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

#include "proto/types.h"

namespace ledgerd::storage {

class IdFilter {
 public:
  static constexpr size_t kBitsPerId = 16;
  static constexpr size_t kBlockBytes = 32;

  // Empty, for about `ids` of them.
  explicit IdFilter(size_t ids);

  // Zeroes, to be filled with what bytes() was. Requires: whole blocks, at
  // least one.
  static IdFilter OfBytes(size_t bytes);

  // The same for every filter, to be computed once for several.
  static uint64_t Hash(TransferId id);

  void Add(TransferId id);

  bool MayContain(TransferId id) const { return MayContainHash(Hash(id)); }

  bool MayContainHash(uint64_t hash) const;

  // Begins to bring the block of this hash into the cache.
  void Prefetch(uint64_t hash) const {
    __builtin_prefetch(&blocks_[BlockOf(hash)]);
  }

  absl::string_view bytes() const {
    return {reinterpret_cast<const char*>(blocks_.data()),
            blocks_.size() * kBlockBytes};
  }

  char* mutable_bytes() { return reinterpret_cast<char*>(blocks_.data()); }

 private:
  struct alignas(kBlockBytes) Block {
    std::array<uint32_t, 8> words = {};
  };

  struct BlockCount {
    size_t value;
  };

  explicit IdFilter(BlockCount count) : blocks_(count.value) {}

  size_t BlockOf(uint64_t hash) const {
    return ((hash >> 32) * blocks_.size()) >> 32;
  }

  std::vector<Block> blocks_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ID_FILTER_H_
