#include "storage/state_hash.h"

#include <cstring>
#include <string>

#include "proto/base/little_endian.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace ledgerd::storage {
namespace {

// One for each kind of object; on disk by way of the hash: never change.
enum Seed : uint64_t {
  kAccountSeed = 1,
  kTransferSeed = 2,
  kPendingStateSeed = 3,
  kFailedIdSeed = 4,
  kAppliedPointSeed = 5,
  kIncidentsSeed = 6,
};

Uint128 Hash(const void* bytes, size_t size, Seed seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, size, seed);
  return MakeUint128(hash.high64, hash.low64);
}

}  // namespace

Uint128 HashAccount(const Account& account) {
  return Hash(&account, sizeof(account), kAccountSeed);
}

Uint128 HashTransfer(const Transfer& transfer) {
  return Hash(&transfer, sizeof(transfer), kTransferSeed);
}

Uint128 HashPendingState(Timestamp transfer, PendingState state) {
  char bytes[9];
  PutLittle(bytes, transfer.value());
  bytes[8] = static_cast<char>(state);
  return Hash(bytes, sizeof(bytes), kPendingStateSeed);
}

Uint128 HashFailedId(TransferId id, TransferStatus status) {
  char bytes[17];
  PutLittle(bytes, id.value());
  bytes[16] = static_cast<char>(status);
  return Hash(bytes, sizeof(bytes), kFailedIdSeed);
}

Uint128 HashIncidents(Sequence sequence, absl::string_view payload) {
  std::string bytes(sizeof(uint64_t), '\0');
  PutLittle(bytes.data(), sequence.value());
  bytes.append(payload.data(), payload.size());
  return Hash(bytes.data(), bytes.size(), kIncidentsSeed);
}

Uint128 HashAppliedPoint(const AppliedPoint& point) {
  if (point.entry.sequence == Sequence(0)) return 0;
  char bytes[56];
  PutLittle(bytes, point.entry.epoch.value());
  PutLittle(bytes + 8, point.entry.sequence.value());
  std::memcpy(bytes + 16, point.entry.hash.data(), point.entry.hash.size());
  PutLittle(bytes + 48, point.timestamp.value());
  return Hash(bytes, sizeof(bytes), kAppliedPointSeed);
}

}  // namespace ledgerd::storage
