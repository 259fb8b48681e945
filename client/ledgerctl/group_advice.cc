#include "client/ledgerctl/group_advice.h"

#include <chrono>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/roles.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

// Heartbeats come many times a second. A process that was stopped keeps its
// connection.
constexpr std::chrono::milliseconds kSilent{2'000};

std::chrono::milliseconds SinceHeard(const v1::ReplicaStatus& replica) {
  const google::protobuf::Duration& since = replica.since_heartbeat();
  return std::chrono::seconds(since.seconds()) +
         std::chrono::milliseconds(since.nanos() / 1'000'000);
}

// Connected; and heard lately, where one is a primary: standbys have little to
// say to each other.
bool Answers(const v1::GetStatusResponse& status,
             const v1::ReplicaStatus& replica) {
  if (!replica.connected()) return false;
  const bool speaks = status.role() == v1::ROLE_PRIMARY ||
                      replica.replica_id() == status.primary_id();
  return !speaks || SinceHeard(replica) < kSilent;
}

bool Votes(const v1::ReplicaStatus& replica) {
  return replica.role() != v1::ROLE_LEARNER &&
         replica.role() != v1::ROLE_UNSPECIFIED;
}

std::string Named(const v1::ReplicaStatus& replica) {
  return absl::StrCat("replica ", replica.replica_id(), " (",
                      RoleName(replica.role()), ")");
}

Advice WhoIsMissing(const v1::ReplicaStatus& replica) {
  const std::string where = replica.peer_address().empty()
                                ? ""
                                : absl::StrCat(" at ", replica.peer_address());
  if (replica.connected()) {
    return {absl::StrCat(Named(replica), where,
                         " is connected, and has said nothing for ",
                         SinceHeard(replica).count(), " ms"),
            "its process, its disk or its network hangs. Look at its log and "
            "its machine"};
  }
  return {absl::StrCat(Named(replica), where, " does not answer"),
          "start it; if it runs, its log says why it is not connected"};
}

Advice NoPrimary(const v1::GetStatusResponse& status) {
  int voters = 0;
  int answer = 0;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    if (!Votes(replica)) continue;
    ++voters;
    if (Answers(status, replica)) ++answer;
  }
  return {absl::StrCat("no primary is known, so no payment is taken. ", answer,
                       " of ", voters, " voters answer replica ",
                       status.replica_id(), ", itself among them; ",
                       voters / 2 + 1, " are needed"),
          "with as many, it takes a second or two; if it stays so: 'ledgerctl "
          "switchover' at a standby promotes that one, by majority, and loses "
          "nothing"};
}

Advice ThinMargin(const v1::GetStatusResponse& status) {
  if (status.fault_margin() < 0) {
    return {"too few voters answer the primary",
            absl::StrCat(-status.fault_margin(),
                         " more must, before payments are taken again")};
  }
  return {"payments stop when one more voter fails",
          "bring back who is missing, before anything else is done to the "
          "group"};
}

}  // namespace

std::string Words(const Advice& advice) {
  return absl::StrCat(advice.what, ": ", advice.todo);
}

std::vector<Advice> AdviceOf(const v1::GetStatusResponse& status) {
  std::vector<Advice> advice;
  const bool is_primary = status.role() == v1::ROLE_PRIMARY;
  if (status.primary_id() == 0) advice.push_back(NoPrimary(status));
  int voters = 0;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    if (Votes(replica)) ++voters;
    if (!Answers(status, replica)) advice.push_back(WhoIsMissing(replica));
  }
  // A pair, or one alone, never has any.
  const bool is_thin = status.fault_margin() < (voters > 2 ? 1 : 0);
  if (is_primary && is_thin) advice.push_back(ThinMargin(status));
  return advice;
}

}  // namespace ledgerd::client
