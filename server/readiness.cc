#include "server/readiness.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

#include <sys/socket.h>
#include <sys/un.h>

namespace ledgerd::server {
namespace {

absl::Status Error(absl::string_view what, const std::string& path) {
  return absl::UnavailableError(
      absl::StrCat(what, " ready_file ", path, ": ",
                   std::generic_category().message(errno)));
}

}  // namespace

absl::Status WriteReadyFile(const std::string& path,
                            const ReplicaAddresses& addresses) {
  const std::string temporary = absl::StrCat(path, ".", getpid());
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << "client_address: " << addresses.client << "\n"
         << "admin_address: " << addresses.admin << "\n";
    if (!addresses.replication.empty()) {
      file << "replication_address: " << addresses.replication << "\n";
    }
    if (!addresses.metrics.empty()) {
      file << "metrics_address: " << addresses.metrics << "\n";
    }
    file << "pid: " << getpid() << "\n";
    file.close();
    if (!file) return Error("cannot write", temporary);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return Error("cannot rename to", path);
  }
  return absl::OkStatus();
}

absl::Status RemoveReadyFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return Error("cannot remove", path);
}

void NotifyServiceManager(const std::string& socket, absl::string_view state) {
  sockaddr_un address{};
  if (socket.empty() || socket.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  socket.copy(address.sun_path, socket.size());
  // An abstract name begins with a zero byte.
  if (socket[0] == '@') address.sun_path[0] = '\0';
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
  close(fd);
}

}  // namespace ledgerd::server
