#include "server/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "server/cluster_id.h"
#include "server/grpc/grpc_log.h"
#include "server/grpc/hand_over.h"
#include "server/host_port.h"
#include "server/readiness.h"
#include "server/version.h"

namespace ledgerd::server {
namespace {

constexpr char kWritesHealth[] = "ledger.v1.LedgerService";
constexpr char kReadsHealth[] = "ledger.v1.reads";
// Operators, and what watches health, are few.
constexpr size_t kAdminConnectionsMax = 256;
constexpr size_t kMetricsConnectionsMax = 64;
// For another one to take over: writes are held for a second of it at most.
constexpr std::chrono::milliseconds kHandOverPatience{1'500};
// For answers to leave, once all that was taken is answered.
constexpr std::chrono::milliseconds kPortPatience{1'000};

// Which of the ports it is about.
absl::Status Of(absl::string_view setting, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(setting, ": ", status.message()));
}

// What others are told; nothing, rather than every address.
std::string Told(const std::string& configured, const std::string& bound) {
  if (!configured.empty()) return configured;
  return IsEveryAddress(bound) ? "" : bound;
}

bool IsLoopback(const std::string& address) {
  return absl::StartsWith(address, "127.") ||
         absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(
    const DaemonOptions& options, Logger& logger) {
  std::unique_ptr<Daemon> daemon(new Daemon(options, logger));
  RouteGrpcLog(&logger);
  LEDGERD_RETURN_IF_ERROR(RemoveReadyFile(options.config.ready_file()));
  LEDGERD_RETURN_IF_ERROR(daemon->StartGroup());
  LEDGERD_RETURN_IF_ERROR(daemon->StartPorts());
  Daemon& started = *daemon;
  daemon->monitor_.emplace(
      daemon->groups_[0]->replica(),
      [&started](const replication::ReplicaStatus& status) {
        started.OnLook(status);
      });
  return daemon;
}

absl::Status Daemon::StartGroup() {
  ReplicaGroupOptions options;
  options.config = options_.config;
  options.cluster = options_.cluster;
  options.replica = options_.replica;
  options.say = [this](const std::string& what) {
    logger_.Info("data directory", {{"state", what}});
  };
  options.on_read_error = [this](const absl::Status& error) {
    if (damage_.Raise(DamageAlarms::Place::kState, error, clock_.WallNow())) {
      logger_.Error("a read of the state failed",
                    {{"error", error.ToString()}});
    }
  };
  options.on_damage = [this](DamageAlarms::Place place,
                             const absl::Status& damage) {
    // Of the state, the read that has met it has told already.
    if (place == DamageAlarms::Place::kState) {
      damage_.RaiseUnlessTold(place, damage, clock_.WallNow());
    } else {
      damage_.Raise(place, damage, clock_.WallNow());
    }
  };
  options.on_mended = [this](DamageAlarms::Place place) {
    damage_.ClearDamage(place);
  };
  options.clock = &clock_;
  options.addresses = &addresses_;
  options.logger = &logger_;
  options.on_halt = [this](const absl::Status& fault) {
    logger_.Error("replica halted", {{"fault", fault.ToString()}});
    options_.on_halt();
  };
  LEDGERD_ASSIGN_OR_RETURN(auto group, ReplicaGroup::Open(options));
  if (group->journal().torn() != Sequence(0)) {
    logger_.Warning("torn records set aside",
                    {{"from_sequence", group->journal().torn().value()}});
  }
  LEDGERD_RETURN_IF_ERROR(group->Start());
  served_.emplace(
      ServedGroup{group->replica(), group->store(), group->journal(),
                  addresses_, damage_, group->identity().cluster, group->path(),
                  std::chrono::system_clock::now(), &group->marks(),
                  group->peers(), group->archiver(),
                  [running = group.get()] { return running->scrub_passes(); },
                  &group->incidents(), &group->completion()});
  logger_.Info("replica started",
               {{"version", kVersion},
                {"cluster_id", ToText(group->identity().cluster)},
                {"replica_id", group->identity().replica.value()},
                {"data_dir", group->path()}});
  groups_.push_back(std::move(group));
  return absl::OkStatus();
}

GrpcServerOptions Daemon::PortOptions() {
  GrpcServerOptions options;
  options.health_names = {kWritesHealth, kReadsHealth};
  options.memory_bytes = options_.config.requests().message_memory_bytes();
  options.listener.notice = [this](absl::string_view what, size_t times) {
    logger_.Warning(what, {{"times", times}});
  };
  return options;
}

absl::Status Daemon::StartPorts() {
  const config::v1::Config& config = options_.config;
  ServiceLimits limits;
  limits.default_deadline =
      std::chrono::milliseconds(config.requests().default_deadline_ms());
  limits.stream_window = config.requests().stream_window();
  limits.answer_bytes = config.requests().answer_memory_bytes();
  ledger_service_.emplace(CallContext{*served_, answers_, limits, clock_});
  admin_service_.emplace(*served_, logger_,
                         [this] { groups_[0]->LookAtJournal(); });

  GrpcServerOptions client = PortOptions();
  client.listener.address = config.client_address();
  client.listener.connections_max = config.requests().connections_max();
  client.services = {&*ledger_service_};
  client.services_refuse_long_messages = true;
  auto client_port = GrpcServer::Start(client);
  LEDGERD_RETURN_IF_ERROR(Of("client_address", client_port.status()));
  client_port_ = *std::move(client_port);
  GrpcServerOptions admin = PortOptions();
  admin.listener.address = config.admin_address();
  admin.listener.connections_max = kAdminConnectionsMax;
  admin.services = {&*admin_service_};
  admin.channelz = true;
  admin.waits_for_calls = true;
  admin.refuses_no_messages = true;
  auto admin_port = GrpcServer::Start(admin);
  LEDGERD_RETURN_IF_ERROR(Of("admin_address", admin_port.status()));
  admin_port_ = *std::move(admin_port);
  LEDGERD_RETURN_IF_ERROR(Of("metrics_address", StartMetricsPort()));
  addresses_.Set(
      {.client =
           Told(config.advertised_client_address(), client_port_->address()),
       .admin = Told(config.advertised_admin_address(), admin_port_->address()),
       .metrics = metrics_port_ == nullptr ? "" : metrics_port_->address()});
  LEDGERD_RETURN_IF_ERROR(
      Of("replication_address, or what `members` says of this replica",
         groups_[0]->Connect()));
  const ReplicaAddresses bound = addresses();
  for (const std::string& address :
       {bound.client, bound.admin, bound.replication, bound.metrics}) {
    if (address.empty() || IsLoopback(address)) continue;
    logger_.Warning(
        "listening beyond this machine, without TLS or authentication: let "
        "only a private network reach it",
        {{"address", address}});
  }
  return absl::OkStatus();
}

ReplicaAddresses Daemon::addresses() const {
  ReplicaAddresses bound = addresses_.Get();
  bound.client = client_port_->address();
  bound.admin = admin_port_->address();
  return bound;
}

absl::Status Daemon::StartMetricsPort() {
  if (options_.config.metrics_address().empty()) return absl::OkStatus();
  monitoring_.emplace(*served_, clock_,
                      ServedCounts{.requests = &ledger_service_->counts(),
                                   .journal = &groups_[0]->journal_counts()});
  ConnectionListenerOptions listener;
  listener.address = options_.config.metrics_address();
  listener.connections_max = kMetricsConnectionsMax;
  listener.notice = [this](absl::string_view what, size_t times) {
    logger_.Warning(what, {{"times", times}});
  };
  LEDGERD_ASSIGN_OR_RETURN(
      metrics_port_,
      HttpPort::Start(std::move(listener), [this](const HttpRequest& request) {
        return monitoring_->Answer(request);
      }));
  return absl::OkStatus();
}

void Daemon::OnLook(const replication::ReplicaStatus& status) {
  groups_[0]->Follow(status);
  standing_log_.Note(status);
  const Standing before = standing_.value_or(Standing());
  const Standing now = StandingOf(status, before);
  groups_[0]->NoteIncidents(status, now);
  CountSlowWrites(status);
  if (now == standing_) return;
  standing_ = now;
  if (monitoring_.has_value()) monitoring_->SetStanding(now);
  for (GrpcServer* port : {client_port_.get(), admin_port_.get()}) {
    port->SetServing(kWritesHealth, now.writes);
    port->SetServing(kReadsHealth, now.reads);
  }
  // That it does its part is said once, and holds until the end: what it serves
  // changes with its role.
  if (now.ready && !std::exchange(said_ready_, true)) OnReady();
}

void Daemon::CountSlowWrites(const replication::ReplicaStatus& status) {
  const uint32_t max = options_.config.journal().slow_writes_max();
  if (max == 0 || status.slow_writes < max || !gave_up_.ok()) return;
  gave_up_ = absl::UnavailableError(absl::StrCat(
      status.slow_writes, " writes of the journal in a row took longer than ",
      options_.config.journal().slow_write_ms(),
      " ms: this disk fails, or is too slow"));
  logger_.Error("the replica gives up", {{"fault", gave_up_.ToString()}});
  groups_[0]->NoteFault(gave_up_, status);
  disk_fails_ = true;
  options_.on_halt();
}

void Daemon::OnReady() {
  const ReplicaAddresses bound = addresses();
  const std::string& file = options_.config.ready_file();
  if (!file.empty()) {
    const absl::Status written = WriteReadyFile(file, bound);
    if (!written.ok()) {
      logger_.Error("no ready file", {{"error", written.ToString()}});
    }
  }
  NotifyServiceManager(options_.notify_socket, "READY=1");
  const replication::ReplicaStatus status = groups_[0]->replica().status();
  logger_.Info("serving", {{"client_address", bound.client},
                           {"admin_address", bound.admin},
                           {"epoch", status.epoch.value()},
                           {"commit_sequence", status.commit.sequence.value()},
                           {"pid", getpid()}});
}

Daemon::~Daemon() {
  if (!stopped_) Stop().IgnoreError();
  RouteGrpcLog(nullptr);
}

// While all is served still: who asks is told who the new primary is.
void Daemon::HandOver(std::chrono::milliseconds patience) {
  if (!served_.has_value()) return;
  HandOverBeforeStop(served_->replica, addresses_, clock_.WallNow(),
                     {.patience = std::min(patience, kHandOverPatience),
                      .disk_fails = disk_fails_},
                     logger_);
}

absl::Status Daemon::Stop() {
  stopped_ = true;
  NotifyServiceManager(options_.notify_socket, "STOPPING=1");
  const std::chrono::milliseconds patience(options_.config.stop_timeout_ms());
  const auto until = clock_.SteadyNow() + patience;
  HandOver(patience / 2);
  monitor_.reset();
  RemoveReadyFile(options_.config.ready_file()).IgnoreError();
  for (GrpcServer* port : {client_port_.get(), admin_port_.get()}) {
    if (port != nullptr) port->StopServing();
  }
  if (monitoring_.has_value()) monitoring_->StopServing();
  const absl::Status draining =
      MakeError(Reason::kDraining, "this replica is shutting down");
  if (ledger_service_.has_value()) ledger_service_->EndStreams(draining);
  if (admin_service_.has_value()) admin_service_->Drain();
  absl::Status fault;
  for (const auto& group : groups_) {
    fault.Update(
        group->Stop(std::chrono::duration_cast<std::chrono::milliseconds>(
                        until - clock_.SteadyNow()),
                    gave_up_));
  }
  if (ledger_service_.has_value()) {
    ledger_service_->WaitUntilAnswered(kPortPatience);
  }
  for (GrpcServer* port : {client_port_.get(), admin_port_.get()}) {
    if (port != nullptr) port->Shutdown(kPortPatience);
  }
  metrics_port_ = nullptr;
  return fault;
}

}  // namespace ledgerd::server
