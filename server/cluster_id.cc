#include "server/cluster_id.h"

#include <cstddef>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace ledgerd::server {

std::string ToText(ClusterId id) {
  const std::string digits =
      absl::StrCat(absl::Hex(High(id.value()), absl::kZeroPad16),
                   absl::Hex(Low(id.value()), absl::kZeroPad16));
  const absl::string_view all = digits;
  return absl::StrCat(all.substr(0, 8), "-", all.substr(8, 4), "-",
                      all.substr(12, 4), "-", all.substr(16, 4), "-",
                      all.substr(20));
}

std::optional<ClusterId> ParseClusterId(absl::string_view text) {
  constexpr size_t kDigits = 32;
  Uint128 value = 0;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return {};
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    const int digit = lower <= '9' ? lower - '0' : lower - 'a' + 10;
    value = value << 4 | static_cast<Uint128>(digit);
    ++digits;
  }
  if (digits != kDigits) return {};
  return ClusterId(value);
}

ClusterId DrawClusterId() {
  std::random_device entropy;
  const auto draw = [&entropy] {
    return uint64_t{entropy()} << 32 | entropy();
  };
  constexpr uint64_t kVersion4 = 0x4000;
  constexpr uint64_t kVariant = uint64_t{1} << 63;
  const uint64_t high = (draw() & ~uint64_t{0xf000}) | kVersion4;
  const uint64_t low = (draw() >> 2) | kVariant;
  return ClusterId(MakeUint128(high, low));
}

}  // namespace ledgerd::server
