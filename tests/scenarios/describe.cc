#include "tests/scenarios/describe.h"

#include <variant>

#include "absl/strings/str_cat.h"

namespace ledgerd::scenarios {
namespace {

// NOLINTNEXTLINE(google-build-using-namespace): only words of that namespace.
using namespace replication;

struct BodyName {
  std::string operator()(const Append&) { return "append"; }

  std::string operator()(const Heartbeat&) { return "heartbeat"; }

  std::string operator()(const PromoteNow&) { return "promote-now"; }

  std::string operator()(const Acknowledged&) { return "ack"; }

  std::string operator()(const Matched&) { return "matched"; }

  std::string operator()(const Mismatch&) { return "mismatch"; }

  std::string operator()(const HeartbeatAnswer&) { return "beat"; }

  std::string operator()(const StaleEpoch&) { return "stale"; }

  std::string operator()(const WouldYouLeave&) { return "ask"; }

  std::string operator()(const WouldLeave&) { return "leave"; }

  std::string operator()(const PromiseRequest&) { return "want-promise"; }

  std::string operator()(const Promise&) { return "promise"; }

  std::string operator()(const Fetch&) { return "fetch"; }

  std::string operator()(const Fetched&) { return "fetched"; }

  std::string operator()(const FetchMismatch&) { return "fetch-mismatch"; }

  std::string operator()(const FetchCheckpoint&) { return "fetch-checkpoint"; }

  std::string operator()(const ReadIndex&) { return "read-index"; }

  std::string operator()(const ReadIndexAnswer&) { return "read-answer"; }

  std::string operator()(const Recall&) { return "recall"; }

  std::string operator()(const Recalled&) { return "recalled"; }
};

std::string List(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    absl::StrAppend(&text, " ", Describe(entry.id()));
    if (CarriesMembership(entry.kind())) {
      absl::StrAppend(&text, "(", ledgerd::Name(entry.kind()), ")");
    }
  }
  return text;
}

// What follows the name.
struct Details {
  std::string operator()(const Append& body) {
    return absl::StrCat(" after ", Describe(body.previous), ":",
                        List(body.entries), ", commit ", body.commit.value());
  }

  std::string operator()(const Heartbeat& body) {
    return absl::StrCat(" round ", body.round.value(), " completed ",
                        body.completed.value(), " commit ",
                        body.commit.value());
  }

  std::string operator()(const PromoteNow& body) {
    return body.failed ? ", failed" : "";
  }

  std::string operator()(const Acknowledged& body) {
    return absl::StrCat(" ", body.through.value());
  }

  std::string operator()(const Matched& body) {
    return absl::StrCat(" ", body.through.value());
  }

  std::string operator()(const Mismatch& body) {
    return absl::StrCat(" after ", Describe(body.previous), ", try ",
                        Describe(body.last_common));
  }

  std::string operator()(const HeartbeatAnswer& body) {
    return absl::StrCat(" round ", body.round.value(), " ack ",
                        body.through.value(), " received ",
                        body.received.value(),
                        body.replaying ? ", replaying" : "");
  }

  std::string operator()(const WouldYouLeave& body) {
    return absl::StrCat(" for ", body.epoch.value(), ", have ",
                        Describe(body.last));
  }

  std::string operator()(const WouldLeave& body) {
    return absl::StrCat(" for ", body.epoch.value(), body.yes ? " yes" : " no");
  }

  std::string operator()(const Promise& body) {
    std::string text = absl::StrCat(" have ", Describe(body.last), ", commit ",
                                    body.commit.value());
    for (const Sequence sequence : body.damaged) {
      absl::StrAppend(&text, " damaged ", sequence.value());
    }
    return text;
  }

  std::string operator()(const Fetch& body) {
    return absl::StrCat(" after ", Describe(body.previous), " through ",
                        body.through.value());
  }

  std::string operator()(const Fetched& body) {
    return absl::StrCat(" after ", Describe(body.previous), ":",
                        List(body.entries));
  }

  std::string operator()(const FetchMismatch& body) {
    return absl::StrCat(" after ", Describe(body.previous), ", try ",
                        Describe(body.last_common));
  }

  std::string operator()(const ReadIndex& body) {
    return absl::StrCat(" ", body.read.value());
  }

  std::string operator()(const ReadIndexAnswer& body) {
    if (!body.ok) return absl::StrCat(" ", body.read.value(), " no");
    return absl::StrCat(" ", body.read.value(), " at ", body.at_least.value());
  }

  std::string operator()(const Recalled& body) {
    return absl::StrCat(" promise ", body.promise.value(), " ack ",
                        body.acknowledged.value(), " of ",
                        body.acknowledged_epoch.value());
  }

  template <typename Other>
  std::string operator()(const Other&) {
    return "";
  }
};

}  // namespace

std::string Describe(const EntryId& id) {
  return absl::StrCat(id.epoch.value(), ".", id.sequence.value());
}

std::string NameOf(const Body& body) { return std::visit(BodyName(), body); }

std::string Describe(const Message& message) {
  std::string text =
      absl::StrCat(message.from.value(), " -> ", message.to.value(), " ",
                   NameOf(message.body), " [", message.epoch.value(), "]",
                   std::visit(Details(), message.body));
  if (message.fork > Fork(0)) {
    absl::StrAppend(&text, " fork ", message.fork.value());
  }
  return text;
}

std::string Describe(const JournalWrite& write) {
  std::string text = absl::StrCat("#", write.id.value());
  if (write.install.has_value()) {
    absl::StrAppend(&text, " install ", Describe(*write.install));
  }
  if (write.cut.has_value()) {
    absl::StrAppend(&text, " cut from ", write.cut->value());
  }
  if (write.superblock.has_value()) {
    absl::StrAppend(&text, " promise ", write.superblock->promised.value());
    if (write.superblock->fork > Fork(0)) {
      absl::StrAppend(&text, " fork ", write.superblock->fork.value());
    }
    if (IsGivenUp(write.superblock->membership)) {
      absl::StrAppend(&text, " given up");
    }
  }
  if (!write.entries.empty()) {
    absl::StrAppend(&text, " entries", List(write.entries));
  }
  if (!write.repairs.empty()) {
    absl::StrAppend(&text, " repairs", List(write.repairs));
  }
  return text;
}

std::string Describe(const Membership& membership) {
  std::string text;
  for (const Member& member : membership.members) {
    absl::StrAppend(&text, text.empty() ? "" : " ", member.id.value());
    if (member.incarnation > Incarnation(1)) {
      absl::StrAppend(&text, "'", member.incarnation.value());
    }
    if (member.role == MemberRole::kWitness) text += "w";
    if (member.role == MemberRole::kLearner) text += "l";
  }
  if (membership.paused) text += " paused";
  return text;
}

std::string Describe(const RequestResult& result) {
  switch (result.refusal) {
    case Refusal::kNone:
      return result.sequence == Sequence(0)
                 ? "begins"
                 : absl::StrCat("begins, done with ", result.sequence.value());
    case Refusal::kNotPrimary:
      return "refused: not primary";
    case Refusal::kAsksFirst:
      return "refused: it asks first what others have seen";
    case Refusal::kHasPrimary:
      return "refused: there is a primary";
    case Refusal::kChangePending:
      return "refused: a change is pending";
    case Refusal::kNotCaughtUp:
      return "refused: not caught up";
    case Refusal::kNoSuchMember:
      return "refused: no such member";
    case Refusal::kIdInUse:
      return "refused: the id is in use, or was";
    case Refusal::kTooManyMembers:
      return "refused: the number of members";
    case Refusal::kLastVoter:
      return "refused: nobody would be left to be primary";
    case Refusal::kNoLivingMajority:
      return "refused: too few voters of those left are heard";
    case Refusal::kNotAVoter:
      return "refused: may not be primary";
    case Refusal::kHalted:
      return "refused: halted";
  }
  return "?";
}

std::string NameOf(const RoleState& role) {
  struct Namer {
    std::string operator()(const Idle&) { return "idle"; }

    std::string operator()(const Standby&) { return "standby"; }

    std::string operator()(const Candidate&) { return "candidate"; }

    std::string operator()(const Primary&) { return "primary"; }

    std::string operator()(const Halted&) { return "halted"; }
  };

  return std::visit(Namer(), role);
}

absl::string_view NameOf(Alarm alarm) {
  switch (alarm) {
    case Alarm::kDiffersBelowCommit:
      return "differs-below-commit";
    case Alarm::kForkedOff:
      return "forked-off";
    case Alarm::kWaitsForDamaged:
      return "waits-for-damaged";
    case Alarm::kDiskIsOld:
      return "disk-is-old";
    case Alarm::kPairWithoutPrimary:
      return "pair-without-primary";
    case Alarm::kFourVoters:
      return "four-voters";
  }
  return "?";
}

std::string Status(const Protocol& protocol) {
  const Outline& outline = protocol.outline();
  std::string text = absl::StrCat(NameOf(protocol.role()), " [",
                                  protocol.epoch().value(), "]");
  absl::StrAppend(&text, ", journal");
  if (outline.base().sequence > Sequence(0)) {
    absl::StrAppend(&text, " ..", Describe(outline.base()));
  }
  for (Sequence at = outline.base().sequence.Next();
       at <= outline.last().sequence; at = at.Next()) {
    absl::StrAppend(&text, " ", Describe(*outline.Find(at)));
  }
  absl::StrAppend(&text, ", durable ", protocol.durable().value(), ", commit ",
                  protocol.commit().value(), ", members ",
                  Describe(protocol.membership()));
  if (protocol.fork() > Fork(0)) {
    absl::StrAppend(&text, ", fork ", protocol.fork().value());
  }
  for (const Alarm alarm : protocol.alarms()) {
    absl::StrAppend(&text, ", alarm ", NameOf(alarm));
  }
  return text;
}

}  // namespace ledgerd::scenarios
