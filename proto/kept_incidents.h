// What a replica's own file of incidents says: those that are open, and the
// records that its group has not been told.
//
//   KeptIncidents kept;
//   kept.open.push_back(incident);
//   LEDGERD_ASSIGN_OR_RETURN(kept,
//                            DecodeKeptIncidents(EncodeKeptIncidents(kept)));
//
// Errors   DATA_LOSS: it makes no sense.
// Source   storage/FORMAT.md, "incidents".
#ifndef LEDGERD_PROTO_KEPT_INCIDENTS_H_
#define LEDGERD_PROTO_KEPT_INCIDENTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/incident.h"
#include "proto/types.h"

namespace ledgerd {

struct KeptIncidents {
  // When the file was made; every id in it has it.
  Timestamp series;
  // The last number that was given.
  uint64_t last_number = 0;
  // A process runs, or has ended without a clean stop.
  bool running = false;
  // Oldest first.
  std::vector<Incident> unsent;
  std::vector<Incident> open;

  friend bool operator==(const KeptIncidents&, const KeptIncidents&) = default;
};

// Without any incident.
inline constexpr size_t kKeptIncidentsBytesMin = 24;

std::string EncodeKeptIncidents(const KeptIncidents& kept);

absl::StatusOr<KeptIncidents> DecodeKeptIncidents(absl::string_view contents);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_KEPT_INCIDENTS_H_
