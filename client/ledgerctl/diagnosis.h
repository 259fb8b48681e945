// What is wrong in a group, by what all of its replicas say, and what to do.
//
//   for (const Finding& finding : Diagnose(examination)) { ... }
//
// Shape   Pure. What stops payments first, then what may stop them or lose
//         something next, then what is good to know; none when all is well.
#ifndef LEDGERD_CLIENT_LEDGERCTL_DIAGNOSIS_H_
#define LEDGERD_CLIENT_LEDGERCTL_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "admin/v1/admin.pb.h"
#include "proto/types.h"

namespace ledgerd::client {

// One operators' port, and what was heard there.
struct Asked {
  std::string address;
  absl::StatusOr<::admin::v1::GetStatusResponse> status;
};

struct Examination {
  // Those that were named, and those that others have named.
  std::vector<Asked> replicas;
  // Of the clients' port.
  absl::Status clients;
  // Of the last day, as one of the replicas has them.
  std::vector<::admin::v1::Incident> incidents;
  // When all of this was asked.
  Timestamp now;
};

enum class Severity {
  kCritical,  // Payments are not taken.
  kWarning,   // They are, and the next fault may end that.
  kNote,
};

std::string Name(Severity severity);

struct Finding {
  Severity severity = Severity::kNote;
  // "replica 3", "group", or an address.
  std::string where;
  std::string what;
  std::string todo;
};

std::vector<Finding> Diagnose(const Examination& examination);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_DIAGNOSIS_H_
