// Tells others that this process serves: whoever waits for a file, and the
// service manager.
//
//   LEDGERD_RETURN_IF_ERROR(WriteReadyFile("/run/ledgerd.ready", facts));
//   NotifyServiceManager(notify_socket, "READY=1");
#ifndef LEDGERD_SERVER_READINESS_H_
#define LEDGERD_SERVER_READINESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "server/served_group.h"

namespace ledgerd::server {

// "client_address: ...", "admin_address: ..." and "pid: ..." as YAML lines,
// with "replication_address: ..." if there are others, and "metrics_address:
// ..." if it is set. The file appears whole or not at all.
absl::Status WriteReadyFile(const std::string& path,
                            const ReplicaAddresses& addresses);

// Removes what an earlier process left; OK when there is nothing.
absl::Status RemoveReadyFile(const std::string& path);

// Sends `state` to `socket` ($NOTIFY_SOCKET); does nothing when it is empty.
// Source: sd_notify(3); the protocol is one datagram, so no library is needed.
void NotifyServiceManager(const std::string& socket, absl::string_view state);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_READINESS_H_
