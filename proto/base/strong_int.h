// An integer that cannot be mistaken for another one. `Tag` is an undefined
// struct that names the quantity:
//
//   using Epoch = StrongInt<struct EpochTag>;
//   using Amount = StrongInt<struct AmountTag, unsigned __int128>;
//
// Values compare, hash, and step to their successor with Next(). They do not
// add, convert or mix: `sequence + epoch` does not compile.
#ifndef LEDGERD_PROTO_BASE_STRONG_INT_H_
#define LEDGERD_PROTO_BASE_STRONG_INT_H_

#include <compare>
#include <cstdint>
#include <ostream>
#include <utility>

namespace ledgerd {

template <typename Tag, typename Rep = uint64_t>
class StrongInt {
 public:
  using Representation = Rep;

  constexpr StrongInt() = default;

  constexpr explicit StrongInt(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  constexpr StrongInt Next() const { return StrongInt(value_ + 1); }

  friend constexpr bool operator==(StrongInt a, StrongInt b) {
    return a.value_ == b.value_;
  }

  friend constexpr std::strong_ordering operator<=>(StrongInt a, StrongInt b) {
    if (a.value_ == b.value_) return std::strong_ordering::equal;
    return a.value_ < b.value_ ? std::strong_ordering::less
                               : std::strong_ordering::greater;
  }

  template <typename H>
  friend H AbslHashValue(H h, StrongInt v) {
    if constexpr (sizeof(Rep) > sizeof(uint64_t)) {
      return H::combine(std::move(h), static_cast<uint64_t>(v.value_),
                        static_cast<uint64_t>(v.value_ >> 64));
    } else {
      return H::combine(std::move(h), v.value_);
    }
  }

 private:
  Rep value_ = 0;
};

// In decimal, for logs and test failures.
template <typename Tag, typename Rep>
std::ostream& operator<<(std::ostream& out, StrongInt<Tag, Rep> v) {
  char digits[40];
  char* at = digits + sizeof(digits);
  Rep value = v.value();
  *--at = '\0';
  do {
    *--at = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  return out << at;
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_STRONG_INT_H_
