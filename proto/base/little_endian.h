// Fixed-size integers in little-endian order at any address.
//
//   PutLittle<uint32_t>(bytes.data() + 4, size);
//   const auto size = GetLittle<uint32_t>(bytes.data() + 4);
#ifndef LEDGERD_PROTO_BASE_LITTLE_ENDIAN_H_
#define LEDGERD_PROTO_BASE_LITTLE_ENDIAN_H_

#include <bit>
#include <cstring>

namespace ledgerd {

// Rows are memory images: a big-endian port would need a conversion here.
static_assert(std::endian::native == std::endian::little);

template <typename T>
T GetLittle(const char* from) {
  T value{};
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
void PutLittle(char* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_LITTLE_ENDIAN_H_
