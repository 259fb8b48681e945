// Who the members of a group are, and where, as the configuration says it:
//
//   1@10.0.0.1:7302,2@10.0.0.2:7302,3@10.0.0.3:7302:witness
//
//   LEDGERD_ASSIGN_OR_RETURN(const GroupLayout layout, ParseMembers(text));
//   LEDGERD_RETURN_IF_ERROR(CheckNewGroup(layout));   // for a new group
//
// Errors   INVALID_ARGUMENT  no such list, or no such group; the message says
//                            which part, why, and what to give instead.
// Source   The layouts: replication.md, "Layouts".
#ifndef LEDGERD_SERVER_GROUP_LAYOUT_H_
#define LEDGERD_SERVER_GROUP_LAYOUT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/membership.h"
#include "proto/types.h"

namespace ledgerd::server {

struct LayoutMember {
  ReplicaId id;
  // Where the others reach it: host:port.
  std::string address;
  MemberRole role = MemberRole::kVoter;
};

struct GroupLayout {
  // Ascending by id.
  std::vector<LayoutMember> members;

  // Null when it has no such member.
  const LayoutMember* Find(ReplicaId id) const;

  // Of all members but `self`.
  std::map<ReplicaId, std::string> AddressesBut(ReplicaId self) const;

  // As a new group begins: each the first incarnation of itself.
  std::vector<Member> NewMembers() const;
};

// Empty text: a layout without members.
absl::StatusOr<GroupLayout> ParseMembers(absl::string_view text);

// Whether a group may begin so: 1, 2, 2 and a witness, 3 or 5 voters.
absl::Status CheckNewGroup(const GroupLayout& layout);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GROUP_LAYOUT_H_
