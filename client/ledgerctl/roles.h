// Roles as people read them.
//
//   RoleName(v1::ROLE_STANDBY);  // "standby"
#ifndef LEDGERD_CLIENT_LEDGERCTL_ROLES_H_
#define LEDGERD_CLIENT_LEDGERCTL_ROLES_H_

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "admin/v1/admin.pb.h"

namespace ledgerd::client {

inline std::string RoleName(::admin::v1::Role role) {
  const std::string name = ::admin::v1::Role_Name(role);
  constexpr absl::string_view kPrefix = "ROLE_";
  return name.size() > kPrefix.size()
             ? absl::AsciiStrToLower(name.substr(kPrefix.size()))
             : absl::StrCat("role ", static_cast<int>(role));
}

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_ROLES_H_
