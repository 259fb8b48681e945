// A "host:port" or "[host]:port", taken apart.
#ifndef LEDGERD_SERVER_HOST_PORT_H_
#define LEDGERD_SERVER_HOST_PORT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ledgerd::server {

struct HostPort {
  std::string host;
  std::string port;
};

// Errors: INVALID_ARGUMENT, it is none.
inline absl::StatusOr<HostPort> SplitHostPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is no host:port"));
  }
  absl::string_view host = address.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
  }
  return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

// Whether it is every address of a machine: to listen at, never to be told to
// others.
inline bool IsEveryAddress(absl::string_view address) {
  const absl::StatusOr<HostPort> at = SplitHostPort(address);
  return at.ok() && (at->host == "0.0.0.0" || at->host == "::");
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HOST_PORT_H_
