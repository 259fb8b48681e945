// What entries of incidents said, as the state keeps it: their payloads, by
// sequence.
//
//   rows.Append(entry.sequence(), entry.payload());
//
// Shape   Only grows. What is in a payload is nobody's business here
//         (proto/incident.h).
#ifndef LEDGERD_STORAGE_INCIDENT_ROWS_H_
#define LEDGERD_STORAGE_INCIDENT_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "proto/types.h"

namespace ledgerd::storage {

struct IncidentsRow {
  Sequence sequence;
  std::string payload;

  friend bool operator==(const IncidentsRow&, const IncidentsRow&) = default;
};

class IncidentRows {
 public:
  void Append(Sequence sequence, absl::string_view payload) {
    rows_.push_back({sequence, std::string(payload)});
    bytes_ += sizeof(IncidentsRow) + payload.size();
  }

  // Ascending.
  const std::vector<IncidentsRow>& rows() const { return rows_; }

  // Of memory.
  uint64_t bytes() const { return bytes_; }

 private:
  std::vector<IncidentsRow> rows_;
  uint64_t bytes_ = 0;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_INCIDENT_ROWS_H_
