#include "storage/id_filter.h"

#include <algorithm>

#include "proto/base/check.h"
#include "proto/base/little_endian.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace ledgerd::storage {
namespace {

// Odd numbers that pick a bit of each word; on disk by way of the filters.
constexpr std::array<uint32_t, 8> kSalts = {
    0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
    0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};

uint32_t Bit(uint32_t key, size_t word) {
  return uint32_t{1} << ((key * kSalts[word]) >> 27);
}

size_t BlocksFor(size_t ids) {
  const size_t bits = ids * IdFilter::kBitsPerId;
  return std::max<size_t>(
      1, (bits + 8 * IdFilter::kBlockBytes - 1) / (8 * IdFilter::kBlockBytes));
}

}  // namespace

IdFilter::IdFilter(size_t ids) : IdFilter(BlockCount{BlocksFor(ids)}) {}

IdFilter IdFilter::OfBytes(size_t bytes) {
  LEDGERD_CHECK(bytes >= kBlockBytes && bytes % kBlockBytes == 0);
  return IdFilter(BlockCount{bytes / kBlockBytes});
}

uint64_t IdFilter::Hash(TransferId id) {
  char bytes[16];
  PutLittle(bytes, id.value());
  return XXH3_64bits(bytes, sizeof(bytes));
}

void IdFilter::Add(TransferId id) {
  const uint64_t hash = Hash(id);
  Block& block = blocks_[BlockOf(hash)];
  for (size_t i = 0; i < kSalts.size(); ++i) {
    block.words[i] |= Bit(static_cast<uint32_t>(hash), i);
  }
}

bool IdFilter::MayContainHash(uint64_t hash) const {
  const Block& block = blocks_[BlockOf(hash)];
  uint32_t missing = 0;
  for (size_t i = 0; i < kSalts.size(); ++i) {
    missing |= Bit(static_cast<uint32_t>(hash), i) & ~block.words[i];
  }
  return missing == 0;
}

}  // namespace ledgerd::storage
