// Up to 16 numbers in as many bytes as they need, their lengths in one word:
// number i has the length that bits 4 i .. 4 i + 3 say, 0 to 14, or 15 for 16.
//
//   NumberWriter writer(to + 8);
//   writer.Put(transfer.timestamp.value());
//   PutLittle(to, writer.lengths());
//
//   NumberReader reader(from + 8, limit, GetLittle<uint64_t>(from));
//   const auto timestamp = reader.Next<uint64_t>();
//   if (reader.end() == nullptr) return Damaged();
#ifndef LEDGERD_STORAGE_PACKED_NUMBERS_H_
#define LEDGERD_STORAGE_PACKED_NUMBERS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "proto/base/little_endian.h"
#include "proto/base/uint128.h"

namespace ledgerd::storage {

// Stores whole words and goes on after the bytes that count: it may change 16
// bytes after the place where it is.
class NumberWriter {
 public:
  explicit NumberWriter(char* to) : at_(to) {}

  void Put(uint64_t number) {
    const auto bytes =
        static_cast<uint64_t>((64 - std::countl_zero(number) + 7) / 8);
    PutLittle(at_, number);
    Advance(bytes, bytes);
  }

  void Put(Uint128 number) {
    if (High(number) == 0) return Put(Low(number));
    const auto bytes =
        static_cast<uint64_t>((128 - std::countl_zero(High(number)) + 7) / 8);
    PutLittle(at_, number);
    if (bytes == 15) {
      Advance(15, 16);
    } else {
      Advance(bytes == 16 ? 15 : bytes, bytes);
    }
  }

  // Where the next number goes.
  char* at() const { return at_; }

  uint64_t lengths() const { return lengths_; }

 private:
  void Advance(uint64_t code, uint64_t bytes) {
    lengths_ |= code << shift_;
    shift_ += 4;
    at_ += bytes;
  }

  char* at_;
  uint64_t lengths_ = 0;
  int shift_ = 0;
};

class NumberReader {
 public:
  NumberReader(const char* from, const char* limit, uint64_t lengths)
      : at_(from), limit_(limit), lengths_(lengths) {}

  // 0 when it is not there or does not fit in T.
  template <typename T>
  T Next() {
    const uint64_t code = lengths_ & 15;
    lengths_ >>= 4;
    const auto bytes = static_cast<ptrdiff_t>(code == 15 ? 16 : code);
    if (limit_ - at_ < bytes) {
      valid_ = false;
      return 0;
    }
    Uint128 number = 0;
    std::memcpy(&number, at_, static_cast<size_t>(bytes));
    at_ += bytes;
    if (number != static_cast<T>(number)) valid_ = false;
    return static_cast<T>(number);
  }

  // After the last number read; null when one of them was out of place.
  const char* end() const { return valid_ ? at_ : nullptr; }

 private:
  const char* at_;
  const char* const limit_;
  uint64_t lengths_;
  bool valid_ = true;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_PACKED_NUMBERS_H_
