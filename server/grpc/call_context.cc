#include "server/grpc/call_context.h"

#include <algorithm>

#include "proto/errors.h"
#include "server/grpc/error_details.h"

namespace ledgerd::server {

ledger::v1::PrimaryHint HintOf(const ServedGroup& group) {
  const replication::ReplicaStatus status = group.replica.status();
  ledger::v1::PrimaryHint hint;
  hint.set_epoch(status.epoch.value());
  const ReplicaAddresses primary = status.primary == status.replica
                                       ? group.addresses.Get()
                                       : group.addresses.Of(status.primary);
  hint.set_address(primary.client);
  hint.set_admin_address(primary.admin);
  return hint;
}

grpc::Status Wire(const ServedGroup& group, const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  ledger::v1::PrimaryHint hint = HintOf(group);
  // Who stops names another one, or nobody.
  if (ReasonOf(status) == Reason::kDraining &&
      hint.address() == group.addresses.Get().client) {
    hint.Clear();
  }
  return ToGrpcStatus(status, hint);
}

std::optional<replication::Deadline> DeadlineOf(
    std::chrono::system_clock::time_point deadline) {
  // What lies further ahead is as good as none, and would overflow.
  constexpr std::chrono::hours kFarAhead{24 * 365};
  const auto now = std::chrono::system_clock::now();
  if (deadline > now + kFarAhead) return std::nullopt;
  return std::chrono::steady_clock::now() + (deadline - now);
}

}  // namespace ledgerd::server
