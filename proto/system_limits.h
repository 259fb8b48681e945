// Every limit that more than one package must agree on, its unit in its name.
//
// (Not limits.h: the folder is on the include path, as the root of the protos.)
#ifndef LEDGERD_PROTO_SYSTEM_LIMITS_H_
#define LEDGERD_PROTO_SYSTEM_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "proto/types.h"

namespace ledgerd {

// Events in one request, and objects in one answer.
inline constexpr size_t kMaxBatchSize = 8190;

// One account or transfer.
inline constexpr size_t kRowBytes = 128;

// The fixed part of a shared entry (entry.h).
inline constexpr size_t kEntryHeaderBytes = 80;

// A whole shared entry.
inline constexpr size_t kEntryBytesMax =
    kEntryHeaderBytes + kMaxBatchSize * kRowBytes;

// One gRPC message between a client and a replica.
inline constexpr size_t kMessageBytesMax = size_t{4} << 20;

// What one group commit writes at most, beyond a single entry.
inline constexpr size_t kGroupBytesMax = size_t{4} << 20;

// A transfer as protobuf at its longest: six 128-bit fields of 22 bytes, and
// the small ones.
inline constexpr size_t kTransferMessageBytesMax = 6 * 22 + 60;

static_assert(kRowBytes == sizeof(Account) && kRowBytes == sizeof(Transfer));
static_assert(kEntryHeaderBytes % alignof(Transfer) == 0,
              "rows in an entry's buffer are aligned");
static_assert(kEntryBytesMax <= kGroupBytesMax);
static_assert(kMaxBatchSize * kTransferMessageBytesMax < kMessageBytesMax,
              "a full batch fits one message");

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_SYSTEM_LIMITS_H_
