// How a fault ends that held clients' writes up: tolerated when that was not
// for too long.
//
//   keeper.Close(number, EndOfWriteOutage(held, "there is space again"));
//
// Source  counters.md: E.
#ifndef LEDGERD_SERVER_INCIDENTS_WRITE_OUTAGE_H_
#define LEDGERD_SERVER_INCIDENTS_WRITE_OUTAGE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/incident.h"
#include "server/incidents/incident_keeper.h"

namespace ledgerd::server {

// Writes may be unavailable for so long because of a fault that is tolerated.
inline constexpr std::chrono::seconds kWriteOutageMax{3};

// `outage` 0: writes went on.
inline IncidentEnd EndOfWriteOutage(std::chrono::nanoseconds outage,
                                    std::string resolution) {
  IncidentEnd end;
  if (outage > outage.zero()) {
    absl::StrAppend(
        &resolution, "; writes had to wait for ",
        std::chrono::duration_cast<std::chrono::milliseconds>(outage).count(),
        " ms");
    end.write_unavailable_ns = static_cast<uint64_t>(outage.count());
  }
  end.outcome = outage <= kWriteOutageMax ? IncidentOutcome::kSuccess
                                          : IncidentOutcome::kFailed;
  end.resolution = std::move(resolution);
  return end;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_WRITE_OUTAGE_H_
