// SHA-256, the hash that chains journal entries.
//
//   const Hash256 hash = Sha256("abc");
//   EXPECT_EQ(ToHex(hash).substr(0, 8), "ba7816bf");
//
// Source: FIPS 180-4, by OpenSSL.
#ifndef LEDGERD_PROTO_BASE_SHA256_H_
#define LEDGERD_PROTO_BASE_SHA256_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd {

// 32 bytes; all zero where there is nothing to hash (before the first entry).
using Hash256 = std::array<uint8_t, 32>;

Hash256 Sha256(absl::string_view data);

std::string ToHex(const Hash256& hash);

inline absl::string_view AsBytes(const Hash256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_SHA256_H_
