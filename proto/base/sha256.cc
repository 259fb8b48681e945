#include "proto/base/sha256.h"

#include "absl/strings/escaping.h"

#include "openssl/sha.h"

namespace ledgerd {

Hash256 Sha256(absl::string_view data) {
  Hash256 hash{};
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
         hash.data());
  return hash;
}

std::string ToHex(const Hash256& hash) {
  return absl::BytesToHexString(AsBytes(hash));
}

}  // namespace ledgerd
