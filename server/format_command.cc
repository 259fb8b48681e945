#include "server/format_command.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "server/cluster_id.h"
#include "server/group_layout.h"

namespace ledgerd::server {
namespace {

// What holds for each of several replicas, and for none by itself.
absl::Status CheckOneOfMany(const CommandLine& line) {
  if (!line.replica.has_value()) {
    return absl::InvalidArgumentError(
        "give --replica-id: which of the group's replicas this is");
  }
  if (!line.cluster.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "give --cluster-id, the same for all replicas of the group. For a new "
        "group: --cluster-id=",
        ToText(DrawClusterId())));
  }
  return absl::OkStatus();
}

absl::Status CheckLayout(const GroupLayout& layout, const CommandLine& line) {
  LEDGERD_RETURN_IF_ERROR(CheckNewGroup(layout));
  if (layout.members.size() > 1) LEDGERD_RETURN_IF_ERROR(CheckOneOfMany(line));
  const ReplicaId self = line.replica.value_or(ReplicaId(1));
  if (layout.Find(self) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "replica ", self.value(),
      " is not among --members: give the --replica-id of one of them, or "
      "--join for a replica that is to be added to a group"));
}

}  // namespace

absl::StatusOr<storage::DataDir::FormatOptions> FormatOptionsOf(
    const CommandLine& line, const config::v1::Config& config) {
  storage::DataDir::FormatOptions options;
  options.replica = line.replica.value_or(ReplicaId(1));
  options.incarnation = line.incarnation.value();
  options.segment_bytes = config.journal().segment_bytes();
  LEDGERD_ASSIGN_OR_RETURN(const GroupLayout layout,
                           ParseMembers(config.members()));
  if (line.join) {
    LEDGERD_RETURN_IF_ERROR(CheckOneOfMany(line));
  } else if (line.incarnation > Incarnation(1)) {
    return absl::InvalidArgumentError(
        "--incarnation is for a replica that comes back to its group with "
        "another disk: give --join, too");
  } else if (layout.members.empty()) {
    options.members = {{options.replica, Incarnation(1), MemberRole::kVoter}};
  } else {
    LEDGERD_RETURN_IF_ERROR(CheckLayout(layout, line));
    options.members = layout.NewMembers();
  }
  options.cluster = line.cluster.has_value() ? *line.cluster : DrawClusterId();
  return options;
}

}  // namespace ledgerd::server
