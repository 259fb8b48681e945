// Unsigned 128-bit integers: ids and amounts.
//
//   const Uint128 max = kUint128Max;
//   EXPECT_EQ(ToString(max), "340282366920938463463374607431768211455");
//   EXPECT_EQ(ParseUint128("42"), Uint128{42});
#ifndef LEDGERD_PROTO_BASE_UINT128_H_
#define LEDGERD_PROTO_BASE_UINT128_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd {

__extension__ using Uint128 = unsigned __int128;

inline constexpr Uint128 kUint128Max = ~Uint128{0};

constexpr Uint128 MakeUint128(uint64_t high, uint64_t low) {
  return (Uint128{high} << 64) | low;
}

constexpr uint64_t High(Uint128 value) {
  return static_cast<uint64_t>(value >> 64);
}

constexpr uint64_t Low(Uint128 value) { return static_cast<uint64_t>(value); }

// The sum, or nothing when it does not fit.
constexpr std::optional<Uint128> CheckedAdd(Uint128 a, Uint128 b) {
  if (a > kUint128Max - b) return std::nullopt;
  return a + b;
}

inline std::string ToString(Uint128 value) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// Decimal digits alone; nothing when empty, malformed or too large.
constexpr std::optional<Uint128> ParseUint128(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  Uint128 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<Uint128>(c - '0');
    if (value > (kUint128Max - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_UINT128_H_
