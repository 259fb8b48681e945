// A Membership says who takes part in a group, and whether replicas may promote
// by themselves.
//
//   Command command = MakeMembershipCommand(EntryKind::kMembership, next);
//   absl::StatusOr<Membership> read = DecodeMembership(entry.payload());
//
// Shape   Entries of the kinds membership and pause carry all of it but
//         `since`, which is the entry's own id. It holds from the moment that
//         the entry is in a journal, not from its commit.
// Errors  DATA_LOSS  the bytes are no membership.
// Source  replication.md, rules 11, 13 and 15; storage/FORMAT.md has the
//         layout.
#ifndef LEDGERD_PROTO_MEMBERSHIP_H_
#define LEDGERD_PROTO_MEMBERSHIP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/strong_int.h"
#include "proto/entry.h"
#include "proto/types.h"

namespace ledgerd {

// Counts the disks that a replica has had: an empty one is a new incarnation.
using Incarnation = StrongInt<struct IncarnationTag, uint32_t>;

// Values are on disk: never renumber.
enum class MemberRole : uint8_t {
  kVoter = 1,    // Journal and state; votes.
  kWitness = 2,  // Journal without state; votes, is never primary.
  kLearner = 3,  // Journal and state; no vote yet.
};

absl::string_view Name(MemberRole role);

struct Member {
  ReplicaId id;
  Incarnation incarnation;
  MemberRole role = MemberRole::kVoter;

  bool votes() const { return role != MemberRole::kLearner; }

  friend bool operator==(const Member&, const Member&) = default;
};

inline constexpr size_t kMembersMax = 16;

struct Membership {
  // The entry that made it; zeros: it is the one that the group began with.
  EntryId since;
  // Ascending by id.
  std::vector<Member> members;
  // Replicas do not promote by themselves: until then, or without end when 0.
  bool paused = false;
  Timestamp paused_until;

  // Null when `id` is no member.
  const Member* Find(ReplicaId id) const;

  size_t voter_count() const;

  // How many voters are more than half of them.
  size_t majority() const { return voter_count() / 2 + 1; }

  bool IsPausedAt(Timestamp now) const {
    return paused && (paused_until == Timestamp(0) || now < paused_until);
  }

  friend bool operator==(const Membership&, const Membership&) = default;
};

// Stands in place of a replica's newest membership once it has heard that its
// group was forced to go on without it (rule 15). No entry makes it.
Membership GivenUp();

bool IsGivenUp(const Membership& membership);

// Whether entries of this kind carry a Membership.
constexpr bool CarriesMembership(EntryKind kind) {
  return kind == EntryKind::kMembership || kind == EntryKind::kPause;
}

// Requires: at most kMembersMax members.
std::string EncodeMembership(const Membership& membership);

// With `since` left at zeros.
absl::StatusOr<Membership> DecodeMembership(absl::string_view payload);

// Requires: CarriesMembership(kind).
Command MakeMembershipCommand(EntryKind kind, const Membership& membership);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_MEMBERSHIP_H_
