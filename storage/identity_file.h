// IDENTITY: the small text file that says whose a data directory is.
//
//   const std::string text = EncodeIdentity(identity);
//   absl::StatusOr<JournalIdentity> identity = DecodeIdentity(text);
//
// Errors  FAILED_PRECONDITION  a newer build has written it.
//         DATA_LOSS            it is damaged.
// Source  FORMAT.md, "IDENTITY".
#ifndef LEDGERD_STORAGE_IDENTITY_FILE_H_
#define LEDGERD_STORAGE_IDENTITY_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "storage/segment.h"

namespace ledgerd::storage {

// Of the data directory as a whole: whatever changes in any of its files in a
// way that an older build could not read raises it.
inline constexpr uint32_t kFormatVersion = 1;

// kBlockBytes of text; the rest is spaces and a final newline.
std::string EncodeIdentity(const JournalIdentity& identity);
absl::StatusOr<JournalIdentity> DecodeIdentity(absl::string_view text);

// A cluster's id as people see it: 32 hexadecimal digits.
std::string ToHex(ClusterId cluster);
std::optional<ClusterId> ParseClusterId(absl::string_view hex);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_IDENTITY_FILE_H_
