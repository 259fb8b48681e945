#include "proto/membership.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/little_endian.h"

namespace ledgerd {
namespace {

// Offsets in the payload; FORMAT.md says the same in words.
constexpr size_t kMemberCountAt = 0;
constexpr size_t kPausedAt = 4;
constexpr size_t kPausedUntilAt = 8;
constexpr size_t kMembersAt = 16;

// Offsets in a member.
constexpr size_t kIdAt = 0;
constexpr size_t kIncarnationAt = 8;
constexpr size_t kRoleAt = 12;
constexpr size_t kMemberBytes = 16;

bool IsRole(uint8_t role) {
  return role >= static_cast<uint8_t>(MemberRole::kVoter) &&
         role <= static_cast<uint8_t>(MemberRole::kLearner);
}

}  // namespace

absl::string_view Name(MemberRole role) {
  switch (role) {
    case MemberRole::kVoter:
      return "voter";
    case MemberRole::kWitness:
      return "witness";
    case MemberRole::kLearner:
      return "learner";
  }
  return "unknown";
}

const Member* Membership::Find(ReplicaId id) const {
  const auto at =
      std::find_if(members.begin(), members.end(),
                   [id](const Member& member) { return member.id == id; });
  return at == members.end() ? nullptr : &*at;
}

size_t Membership::voter_count() const {
  return static_cast<size_t>(
      std::count_if(members.begin(), members.end(),
                    [](const Member& member) { return member.votes(); }));
}

Membership GivenUp() {
  Membership membership;
  membership.since.epoch = Epoch(UINT64_MAX);
  membership.since.sequence = Sequence(UINT64_MAX);
  return membership;
}

bool IsGivenUp(const Membership& membership) { return membership == GivenUp(); }

std::string EncodeMembership(const Membership& membership) {
  LEDGERD_CHECK(membership.members.size() <= kMembersMax);
  std::string bytes(kMembersAt + membership.members.size() * kMemberBytes,
                    '\0');
  PutLittle(bytes.data() + kMemberCountAt,
            static_cast<uint32_t>(membership.members.size()));
  bytes[kPausedAt] = membership.paused ? 1 : 0;
  PutLittle(bytes.data() + kPausedUntilAt, membership.paused_until.value());
  char* at = bytes.data() + kMembersAt;
  for (const Member& member : membership.members) {
    PutLittle(at + kIdAt, member.id.value());
    PutLittle(at + kIncarnationAt, member.incarnation.value());
    at[kRoleAt] = static_cast<char>(member.role);
    at += kMemberBytes;
  }
  return bytes;
}

absl::StatusOr<Membership> DecodeMembership(absl::string_view payload) {
  if (payload.size() < kMembersAt) {
    return absl::DataLossError(
        absl::StrCat("membership of ", payload.size(), " bytes"));
  }
  const auto count = GetLittle<uint32_t>(payload.data() + kMemberCountAt);
  if (count > kMembersMax ||
      payload.size() != kMembersAt + count * kMemberBytes) {
    return absl::DataLossError(absl::StrCat("membership of ", payload.size(),
                                            " bytes says it has ", count,
                                            " members"));
  }
  Membership membership;
  membership.paused = payload[kPausedAt] != 0;
  membership.paused_until =
      Timestamp(GetLittle<uint64_t>(payload.data() + kPausedUntilAt));
  const char* at = payload.data() + kMembersAt;
  for (uint32_t i = 0; i < count; ++i, at += kMemberBytes) {
    Member member;
    member.id = ReplicaId(GetLittle<uint64_t>(at + kIdAt));
    member.incarnation = Incarnation(GetLittle<uint32_t>(at + kIncarnationAt));
    const auto role = static_cast<uint8_t>(at[kRoleAt]);
    if (!IsRole(role)) {
      return absl::DataLossError(
          absl::StrCat("a member's role is ", uint32_t{role}));
    }
    member.role = static_cast<MemberRole>(role);
    if (!membership.members.empty() &&
        member.id <= membership.members.back().id) {
      return absl::DataLossError("members are not in ascending order");
    }
    membership.members.push_back(member);
  }
  return membership;
}

Command MakeMembershipCommand(EntryKind kind, const Membership& membership) {
  LEDGERD_CHECK(CarriesMembership(kind));
  Command command;
  command.kind = kind;
  command.buffer += EncodeMembership(membership);
  return command;
}

}  // namespace ledgerd
