#include "server/grpc/refusals.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "proto/errors.h"
#include "server/grpc/successor.h"

namespace ledgerd::server {
namespace {

using replication::Refusal;
using replication::ReplicaStatus;

constexpr char kTarget[] = "target_replica_id";
constexpr char kReplica[] = "replica_id";

std::string Named(ReplicaId id) { return absl::StrCat("replica ", id.value()); }

// Nothing was done, which `reason` tells.
absl::Status Precondition(Reason reason, absl::string_view message) {
  return WithReason(absl::FailedPreconditionError(message), reason);
}

// "1 (voter), 2 (voter), 3 (witness)".
std::string MembersInWords(const ReplicaStatus& status) {
  std::string words;
  for (const Member& member : status.membership.members) {
    absl::StrAppend(&words, words.empty() ? "" : ", ", member.id.value(), " (",
                    Name(member.role), ")");
  }
  return words;
}

absl::Status NoSuchMember(const char* field, ReplicaId id,
                          const ReplicaStatus& status) {
  return MakeFieldError(field, absl::StrCat(Named(id),
                                            " is no member; the members "
                                            "are ",
                                            MembersInWords(status)));
}

absl::Status NotAVoter(const AskedFor& asked, const ReplicaStatus& status) {
  const Member* member = status.membership.Find(asked.target);
  return MakeFieldError(
      kTarget, absl::StrCat(Named(asked.target), " is a ",
                            member == nullptr ? "stranger" : Name(member->role),
                            ", which is never primary; the members are ",
                            MembersInWords(status)));
}

absl::Status ChangePending(const AskedFor& asked, const ReplicaStatus& status) {
  return Precondition(
      Reason::kNoQuorum,
      absl::StrCat(
          asked.words, ": the change of the group before it, entry ",
          status.membership.since.sequence.value(),
          ", is not committed yet, and there is one at a time. Try again; if "
          "it stays, too few voters answer: see 'ledgerctl status'"));
}

absl::Status LastVoter(const AskedFor& asked, const ReplicaStatus& status) {
  return MakeFieldError(
      kReplica,
      absl::StrCat(Named(asked.target),
                   " is the last voter that can be primary; the members are ",
                   MembersInWords(status),
                   ". Add another voter first ('ledgerctl replica add'), which "
                   "is no witness"));
}

absl::Status NoLivingMajority(const AskedFor& asked,
                              const ReplicaStatus& status) {
  std::string silent;
  for (const Member& member : status.membership.members) {
    const bool is_heard = std::any_of(
        status.peers.begin(), status.peers.end(), [&member](const auto& peer) {
          return peer.id == member.id && IsAlive(peer);
        });
    if (!member.votes() || member.id == asked.target ||
        member.id == status.replica || is_heard) {
      continue;
    }
    absl::StrAppend(&silent, silent.empty() ? "" : ", ", member.id.value());
  }
  return Precondition(
      Reason::kNoQuorum,
      absl::StrCat(asked.words,
                   ": without it too few of the voters that are left answer, "
                   "and the group could neither write nor be changed back. ",
                   silent.empty() ? "Wait until they answer"
                                  : absl::StrCat("Silent: ", silent,
                                                 ". Start them, or remove "
                                                 "those that are lost"),
                   " first: see 'ledgerctl status'"));
}

}  // namespace

absl::Status NotPrimary(absl::string_view asked, const ReplicaStatus& status) {
  if (status.primary != ReplicaId(0) && status.primary != status.replica) {
    return MakeError(Reason::kNotPrimary,
                     absl::StrCat(asked, ": ", Named(status.replica),
                                  " is not the primary, ",
                                  Named(status.primary), " is: ask that one"));
  }
  return MakeError(
      Reason::kNoPrimary,
      absl::StrCat(asked, ": ", Named(status.replica),
                   " knows no primary. If it stays so: 'ledgerctl switchover' "
                   "at a standby promotes that one, by majority"));
}

absl::Status RefusalError(Refusal refusal, const AskedFor& asked,
                          const ReplicaStatus& status) {
  switch (refusal) {
    case Refusal::kNone:
      return absl::OkStatus();
    case Refusal::kNotPrimary:
      return NotPrimary(asked.words, status);
    case Refusal::kAsksFirst:
      return MakeError(Reason::kNoQuorum,
                       absl::StrCat(asked.words,
                                    ": it has restarted, and first asks the "
                                    "others what it had promised. Try again; "
                                    "if it stays, too few of them answer"));
    case Refusal::kHasPrimary:
      return status.role == replication::Role::kPrimary
                 ? MakeFieldError("accept_loss",
                                  absl::StrCat(Named(status.replica),
                                               " is the primary already, by "
                                               "majority: nothing is lost and "
                                               "nothing is to be forced"))
                 : MakeError(Reason::kNotPrimary,
                             absl::StrCat(asked.words,
                                          ": it hears a primary, or is being "
                                          "promoted already: ask that one "
                                          "for a switchover"));
    case Refusal::kChangePending:
      return ChangePending(asked, status);
    case Refusal::kNotCaughtUp:
      return Precondition(Reason::kTooStale,
                          absl::StrCat(asked.words,
                                       ": it has not caught up yet. See its "
                                       "lag in 'ledgerctl status'"));
    case Refusal::kNoSuchMember:
      return NoSuchMember(kReplica, asked.target, status);
    case Refusal::kIdInUse:
      return MakeFieldError(
          kReplica, absl::StrCat("a replica ", asked.target.value(),
                                 " of this incarnation was a member before: "
                                 "format it as the next incarnation, or take "
                                 "another id"));
    case Refusal::kTooManyMembers:
      return MakeFieldError(kReplica,
                            absl::StrCat("the group has ", kMembersMax,
                                         " members already: remove one first"));
    case Refusal::kLastVoter:
      return LastVoter(asked, status);
    case Refusal::kNoLivingMajority:
      return NoLivingMajority(asked, status);
    case Refusal::kNotAVoter:
      return NotAVoter(asked, status);
    case Refusal::kHalted:
      return Precondition(Reason::kNoPrimary,
                          absl::StrCat(asked.words,
                                       ": this replica has halted, or cannot "
                                       "go on with a damaged state, or is no "
                                       "member. See the alarms of 'ledgerctl "
                                       "status'"));
  }
  return absl::InternalError("an unknown refusal");
}

absl::Status CheckTarget(ReplicaId target, const ReplicaStatus& status) {
  if (target == status.replica) {
    return MakeFieldError(
        kTarget, absl::StrCat(Named(target), " is the primary already"));
  }
  if (target == ReplicaId(0)) {
    return Precondition(Reason::kTooStale,
                        absl::StrCat("switchover: no other voter answers; the "
                                     "members are ",
                                     MembersInWords(status)));
  }
  const Member* member = status.membership.Find(target);
  if (member == nullptr) return NoSuchMember(kTarget, target, status);
  if (member->role != MemberRole::kVoter) {
    return NotAVoter({.target = target}, status);
  }
  for (const replication::PeerStatus& peer : status.peers) {
    if (peer.id == target && IsAlive(peer)) return absl::OkStatus();
  }
  return Precondition(
      Reason::kTooStale,
      absl::StrCat("switchover: ", Named(target),
                   " does not answer, and writes would be held for nothing: "
                   "start it, or take another target"));
}

absl::Status TargetTooSlow(ReplicaId target, std::chrono::milliseconds held,
                           const ReplicaStatus& status) {
  return Precondition(
      Reason::kTooStale,
      absl::StrCat("switchover: ", Named(target),
                   " did not take over while writes were held for ",
                   held.count(), " ms; ", Named(status.replica),
                   " goes on as the primary. See the target's lag in "
                   "'ledgerctl status', and try again when it is small"));
}

absl::Status CheckJoiner(ReplicaId id, Incarnation incarnation,
                         const ReplicaStatus& status) {
  const Member* member = status.membership.Find(id);
  if (member != nullptr && incarnation > member->incarnation) {
    return MakeFieldError(
        kReplica, absl::StrCat(Named(id), " is still a member as incarnation ",
                               member->incarnation.value(),
                               ", which is gone: 'ledgerctl "
                               "replica remove ",
                               id.value(), "' first"));
  }
  if (member != nullptr) {
    return MakeFieldError(kReplica, absl::StrCat(Named(id), " is a member, a ",
                                                 Name(member->role),
                                                 ", "
                                                 "already"));
  }
  if (incarnation != Incarnation(0)) return absl::OkStatus();
  return Precondition(
      Reason::kTooStale,
      absl::StrCat("addition of ", Named(id),
                   ": it has not been heard. Start it first: 'ledgerd format "
                   "--join' makes its disk, and its `members` say where the "
                   "others are"));
}

absl::Status PrimaryIsAlive(const ReplicaStatus& status,
                            std::chrono::milliseconds since_heard) {
  return Precondition(
      Reason::kNotPrimary,
      absl::StrCat("forced promotion of ", Named(status.replica), ": ",
                   Named(status.primary), " is primary and was heard ",
                   since_heard.count(),
                   " ms ago. Ask that one for a switchover, which loses "
                   "nothing; or, if it must go, stop it first"));
}

}  // namespace ledgerd::server
