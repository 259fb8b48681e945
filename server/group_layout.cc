#include "server/group_layout.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "proto/base/status_macros.h"

namespace ledgerd::server {
namespace {

constexpr char kWitness[] = ":witness";

absl::Status IsNone(absl::string_view part, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", part, "\" ", why,
                   "; give id@host:port, or id@host:port:witness, as "
                   "1@10.0.0.1:7302,2@10.0.0.2:7302,3@10.0.0.3:7302"));
}

absl::StatusOr<LayoutMember> ParseMember(absl::string_view part) {
  LayoutMember member;
  const size_t at = part.find('@');
  uint64_t id = 0;
  if (at == absl::string_view::npos ||
      !absl::SimpleAtoi(part.substr(0, at), &id) || id == 0) {
    return IsNone(part, "has no id from 1 on before an @");
  }
  member.id = ReplicaId(id);
  absl::string_view address = part.substr(at + 1);
  if (absl::EndsWith(address, kWitness)) {
    member.role = MemberRole::kWitness;
    address.remove_suffix(sizeof(kWitness) - 1);
  }
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port == 0 ||
      port > std::numeric_limits<uint16_t>::max()) {
    return IsNone(part, "has no host:port with a port of 1 to 65535");
  }
  member.address = std::string(address);
  return member;
}

}  // namespace

const LayoutMember* GroupLayout::Find(ReplicaId id) const {
  const auto at = std::find_if(
      members.begin(), members.end(),
      [id](const LayoutMember& member) { return member.id == id; });
  return at == members.end() ? nullptr : &*at;
}

std::map<ReplicaId, std::string> GroupLayout::AddressesBut(
    ReplicaId self) const {
  std::map<ReplicaId, std::string> addresses;
  for (const LayoutMember& member : members) {
    if (member.id != self) addresses[member.id] = member.address;
  }
  return addresses;
}

std::vector<Member> GroupLayout::NewMembers() const {
  std::vector<Member> result;
  result.reserve(members.size());
  for (const LayoutMember& member : members) {
    result.push_back({member.id, Incarnation(1), member.role});
  }
  return result;
}

absl::StatusOr<GroupLayout> ParseMembers(absl::string_view text) {
  GroupLayout layout;
  if (text.empty()) return layout;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    LEDGERD_ASSIGN_OR_RETURN(LayoutMember member,
                             ParseMember(absl::StripAsciiWhitespace(part)));
    if (layout.Find(member.id) != nullptr) {
      return IsNone(part, "has an id that another one has, too");
    }
    layout.members.push_back(std::move(member));
  }
  if (layout.members.size() > kMembersMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        layout.members.size(), " members; a group has at most ", kMembersMax));
  }
  std::sort(
      layout.members.begin(), layout.members.end(),
      [](const LayoutMember& a, const LayoutMember& b) { return a.id < b.id; });
  return layout;
}

absl::Status CheckNewGroup(const GroupLayout& layout) {
  const auto witnesses = static_cast<size_t>(
      std::count_if(layout.members.begin(), layout.members.end(),
                    [](const LayoutMember& member) {
                      return member.role == MemberRole::kWitness;
                    }));
  const size_t voters = layout.members.size();
  if (witnesses == 0 && (voters == 1 || voters == 2)) return absl::OkStatus();
  if (witnesses <= 1 && voters == 3) return absl::OkStatus();
  if (witnesses == 0 && voters == 5) return absl::OkStatus();
  if (voters == 4) {
    return absl::InvalidArgumentError(
        "4 voters survive no more than 3 do, and are slower: give 3, or 5");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a group of ", voters, " voters, ", witnesses,
      " of them witnesses: there are groups of 1, 2, 2 and a witness, 3, and "
      "5"));
}

}  // namespace ledgerd::server
