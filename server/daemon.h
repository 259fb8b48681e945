// The Daemon is the root: it constructs the members in order, and nothing else.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto daemon, Daemon::Start(options, logger));
//   stop.Wait();
//   const absl::Status fault = daemon->Stop();
//
// Shape    A list of groups (one, today); the services over them; the two
//          ports, that of replicas, and that of probes; the monitor, which
//          tells health, the ready file and the log what the replica has
//          become.
// Errors   Of Start: those of ReplicaGroup, GrpcServer and the ready file.
// Stop     In this order: a primary hands its role over; not ready and
//          NOT_SERVING; no new writes (DRAINING); what was taken is answered; a
//          checkpoint; the ports; the journal.
// Threads  The owner's.
#ifndef LEDGERD_SERVER_DAEMON_H_
#define LEDGERD_SERVER_DAEMON_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/types.h"
#include "replication/clock.h"
#include "server/answer_thread.h"
#include "server/config.pb.h"
#include "server/damage_alarms.h"
#include "server/grpc/admin_service.h"
#include "server/grpc/grpc_server.h"
#include "server/grpc/ledger_service.h"
#include "server/http/http_port.h"
#include "server/http/monitoring.h"
#include "server/logging.h"
#include "server/replica_group.h"
#include "server/served_group.h"
#include "server/standing.h"
#include "server/status_monitor.h"

namespace ledgerd::server {

struct DaemonOptions {
  config::v1::Config config;
  std::optional<ClusterId> cluster;
  std::optional<ReplicaId> replica;
  // The service manager's ($NOTIFY_SOCKET); empty for none.
  std::string notify_socket;
  // Called from another thread when the replica has halted: stop the daemon.
  std::function<void()> on_halt;
};

class Daemon {
 public:
  // `logger` outlives the daemon.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(
      const DaemonOptions& options, Logger& logger);

  // Stops, if Stop was not called.
  ~Daemon();

  // A clean stop; once. Returns the fault when a replica had halted, or given
  // up.
  absl::Status Stop();

  // Where it listens; others may be told other ones.
  ReplicaAddresses addresses() const;

 private:
  Daemon(DaemonOptions options, Logger& logger)
      : options_(std::move(options)), logger_(logger), standing_log_(logger) {}

  absl::Status StartGroup();
  absl::Status StartPorts();
  absl::Status StartMetricsPort();
  GrpcServerOptions PortOptions();
  void OnLook(const replication::ReplicaStatus& status);
  void OnReady();
  // Stops the daemon when there were too many slow writes in a row.
  void CountSlowWrites(const replication::ReplicaStatus& status);
  void HandOver(std::chrono::milliseconds patience);

  const DaemonOptions options_;
  Logger& logger_;
  const replication::SystemClock clock_;
  DamageAlarms damage_;
  std::vector<std::unique_ptr<ReplicaGroup>> groups_;
  SharedAddresses addresses_;
  std::optional<ServedGroup> served_;
  AnswerThread answers_;
  std::optional<LedgerService> ledger_service_;
  std::optional<AdminService> admin_service_;
  std::unique_ptr<GrpcServer> client_port_;
  std::unique_ptr<GrpcServer> admin_port_;
  // None without a metrics_address.
  std::optional<Monitoring> monitoring_;
  std::unique_ptr<HttpPort> metrics_port_;
  StandingLog standing_log_;
  // The monitor's.
  std::optional<Standing> standing_;
  bool said_ready_ = false;
  // Of a disk that is too slow, when the replica has given up for it; and
  // whether it has, for whoever stops the daemon.
  absl::Status gave_up_;
  std::atomic<bool> disk_fails_ = false;
  std::optional<StatusMonitor> monitor_;
  bool stopped_ = false;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_DAEMON_H_
