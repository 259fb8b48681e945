#include "proto/kept_incidents.h"

#include <algorithm>

#include "absl/status/status.h"

#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd {
namespace {

// Offsets; FORMAT.md says the same in words.
constexpr size_t kSeriesAt = 0;
constexpr size_t kLastNumberAt = 8;
constexpr size_t kRunningAt = 16;
constexpr size_t kUnsentBytesAt = 20;
constexpr size_t kRecordsAt = 24;

static_assert(kRecordsAt == kKeptIncidentsBytesMin);

}  // namespace

std::string EncodeKeptIncidents(const KeptIncidents& kept) {
  const std::string unsent = EncodeIncidents(kept.unsent);
  std::string contents(kRecordsAt, '\0');
  char* to = contents.data();
  PutLittle(to + kSeriesAt, kept.series.value());
  PutLittle(to + kLastNumberAt, kept.last_number);
  to[kRunningAt] = kept.running ? 1 : 0;
  PutLittle(to + kUnsentBytesAt, static_cast<uint32_t>(unsent.size()));
  contents += unsent;
  contents += EncodeIncidents(kept.open);
  return contents;
}

absl::StatusOr<KeptIncidents> DecodeKeptIncidents(absl::string_view contents) {
  if (contents.size() < kRecordsAt) {
    return absl::DataLossError("a file of incidents is cut short");
  }
  const char* from = contents.data();
  const absl::string_view records = contents.substr(kRecordsAt);
  const auto unsent_bytes = std::min<size_t>(
      GetLittle<uint32_t>(from + kUnsentBytesAt), records.size());
  KeptIncidents kept;
  LEDGERD_ASSIGN_OR_RETURN(kept.unsent,
                           DecodeIncidents(records.substr(0, unsent_bytes)));
  LEDGERD_ASSIGN_OR_RETURN(kept.open,
                           DecodeIncidents(records.substr(unsent_bytes)));
  kept.series = Timestamp(GetLittle<uint64_t>(from + kSeriesAt));
  kept.last_number = GetLittle<uint64_t>(from + kLastNumberAt);
  kept.running = from[kRunningAt] != 0;
  return kept;
}

}  // namespace ledgerd
