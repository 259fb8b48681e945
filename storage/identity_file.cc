#include "storage/identity_file.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "proto/base/crc32c.h"

namespace ledgerd::storage {
namespace {

constexpr absl::string_view kTitle = "ledgerd data directory";
constexpr size_t kHexDigits64 = 16;

// Takes the next line "name value" off `text`; the value, if it is that line.
std::optional<absl::string_view> TakeLine(absl::string_view& text,
                                          absl::string_view name) {
  const size_t end = text.find('\n');
  if (end == absl::string_view::npos) return std::nullopt;
  absl::string_view line = text.substr(0, end);
  if (!absl::ConsumePrefix(&line, name) || !absl::ConsumePrefix(&line, " ")) {
    return std::nullopt;
  }
  text.remove_prefix(end + 1);
  return line;
}

std::string Hex32(uint32_t value) {
  return absl::StrCat(absl::Hex(value, absl::kZeroPad8));
}

template <typename T>
bool Parse(std::optional<absl::string_view> text, T& value) {
  return text.has_value() && absl::SimpleAtoi(*text, &value);
}

std::optional<JournalIdentity> ParseFields(absl::string_view text) {
  JournalIdentity identity;
  const auto hex = TakeLine(text, "cluster_id");
  const auto cluster = ParseClusterId(hex.value_or(""));
  uint64_t replica = 0;
  uint32_t salt = 0;
  if (!cluster.has_value() || !Parse(TakeLine(text, "replica_id"), replica) ||
      !Parse(TakeLine(text, "incarnation"), identity.incarnation)) {
    return std::nullopt;
  }
  const auto salt_hex = TakeLine(text, "frame_salt");
  if (!salt_hex.has_value() || !absl::SimpleHexAtoi(*salt_hex, &salt)) {
    return std::nullopt;
  }
  identity.cluster = *cluster;
  identity.replica = ReplicaId(replica);
  identity.salt = FrameSalt(salt);
  return identity;
}

}  // namespace

std::string ToHex(ClusterId cluster) {
  return absl::StrCat(absl::Hex(High(cluster.value()), absl::kZeroPad16),
                      absl::Hex(Low(cluster.value()), absl::kZeroPad16));
}

std::optional<ClusterId> ParseClusterId(absl::string_view hex) {
  uint64_t high = 0;
  uint64_t low = 0;
  if (hex.size() != 2 * kHexDigits64 ||
      !std::all_of(hex.begin(), hex.end(),
                   [](unsigned char c) { return std::isxdigit(c) != 0; }) ||
      !absl::SimpleHexAtoi(hex.substr(0, kHexDigits64), &high) ||
      !absl::SimpleHexAtoi(hex.substr(kHexDigits64), &low)) {
    return std::nullopt;
  }
  return ClusterId(MakeUint128(high, low));
}

std::string EncodeIdentity(const JournalIdentity& identity) {
  std::string text = absl::StrCat(
      kTitle, "\nformat_version ", kFormatVersion, "\ncluster_id ",
      ToHex(identity.cluster), "\nreplica_id ", identity.replica.value(),
      "\nincarnation ", identity.incarnation, "\nframe_salt ",
      Hex32(identity.salt.value()), "\n");
  absl::StrAppend(&text, "checksum ", Hex32(Crc32c(text)), "\n");
  text.resize(kBlockBytes, ' ');
  text.back() = '\n';
  return text;
}

absl::StatusOr<JournalIdentity> DecodeIdentity(absl::string_view text) {
  absl::string_view rest = text;
  uint32_t version = 0;
  if (!absl::ConsumePrefix(&rest, absl::StrCat(kTitle, "\n")) ||
      !Parse(TakeLine(rest, "format_version"), version)) {
    return absl::DataLossError("its first lines are not those of an IDENTITY");
  }
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has format version ", version, ", this build reads up to ",
        kFormatVersion, ": a newer ledgerd has used it; start that one"));
  }
  const absl::StatusOr<JournalIdentity> damaged =
      absl::DataLossError("its checksum or a line does not hold");
  const size_t checksum_at = text.find("checksum ");
  if (checksum_at == absl::string_view::npos) return damaged;
  absl::string_view last = text.substr(checksum_at);
  if (TakeLine(last, "checksum") !=
      Hex32(Crc32c(text.substr(0, checksum_at)))) {
    return damaged;
  }
  const std::optional<JournalIdentity> identity = ParseFields(rest);
  if (!identity.has_value()) return damaged;
  // Also the padding: one reading for every file.
  if (EncodeIdentity(*identity) != text) return damaged;
  return *identity;
}

}  // namespace ledgerd::storage
