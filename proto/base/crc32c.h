// CRC-32C (Castagnoli), the checksum of journal frames and shared entries.
//
//   EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
//
// Source: RFC 3720, appendix B.4, has the test vectors. Uses SSE 4.2 where the
// processor has it, else a table; about 9 GB/s and 0.4 GB/s.
#ifndef LEDGERD_PROTO_BASE_CRC32C_H_
#define LEDGERD_PROTO_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace ledgerd {

// The checksum of `data`, or of what came before with `data` after it when
// `crc` is that part's checksum.
uint32_t Crc32c(absl::string_view data, uint32_t crc = 0);

// The same by table alone, to check the other one against.
uint32_t Crc32cPortable(absl::string_view data, uint32_t crc = 0);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_CRC32C_H_
