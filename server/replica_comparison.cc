#include "server/replica_comparison.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <thread>

#include "absl/status/status.h"

namespace ledgerd::server {
namespace {

using replication::StateMark;

size_t CountOf(const std::vector<ComparedReplica>& replicas,
               const StateMark& mark) {
  return static_cast<size_t>(std::count_if(
      replicas.begin(), replicas.end(), [&](const ComparedReplica& replica) {
        return replica.mark.ok() && *replica.mark == mark;
      }));
}

// What more replicas have than any other; nothing when two are even.
std::optional<StateMark> MostCommon(
    const std::vector<ComparedReplica>& replicas) {
  std::optional<StateMark> most;
  size_t count = 0;
  bool even = false;
  for (const ComparedReplica& replica : replicas) {
    if (!replica.mark.ok() || replica.mark.value() == most) continue;
    const size_t here = CountOf(replicas, *replica.mark);
    even = here == count || (even && here < count);
    if (here <= count) continue;
    most = *replica.mark;
    count = here;
  }
  return even ? std::nullopt : most;
}

}  // namespace

bool Comparison::match() const {
  return std::all_of(
      replicas.begin(), replicas.end(), [this](const ComparedReplica& replica) {
        return replica.mark.ok() && *replica.mark == *replicas.front().mark;
      });
}

std::vector<ReplicaId> Comparison::Differing() const {
  const std::optional<StateMark> right = MostCommon(replicas);
  std::vector<ReplicaId> differing;
  for (const ComparedReplica& replica : replicas) {
    if (replica.mark.ok() && replica.mark.value() != right) {
      differing.push_back(replica.replica);
    }
  }
  return differing;
}

absl::StatusOr<Comparison> CompareReplicas(const Membership& membership,
                                           ReplicaId self,
                                           const replication::StateMarks& marks,
                                           Peers* peers,
                                           Peers::Deadline deadline) {
  const std::optional<StateMark> own = marks.newest();
  if (!own.has_value()) {
    return absl::FailedPreconditionError(
        "this replica keeps no state to compare with: ask another one");
  }
  Comparison compared{.sequence = own->entry.sequence};
  compared.replicas.push_back({self, *own});
  for (const Member& member : membership.members) {
    if (member.id == self || member.role == MemberRole::kWitness) continue;
    compared.replicas.push_back(
        {member.id, absl::UnavailableError("nobody says where it is")});
  }
  if (peers == nullptr) return compared;
  std::vector<std::thread> asking;
  for (ComparedReplica& replica : compared.replicas) {
    if (replica.replica == self) continue;
    asking.emplace_back([&replica, &compared, peers, deadline] {
      replica.mark =
          peers->StateOf(replica.replica, compared.sequence, deadline);
    });
  }
  for (std::thread& thread : asking) thread.join();
  return compared;
}

}  // namespace ledgerd::server
