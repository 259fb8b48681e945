#include "server/grpc/grpc_server.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/channelz_service_plugin.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"

#include "proto/base/check.h"
#include "proto/system_limits.h"

namespace ledgerd::server {
namespace {

constexpr char kChannelzPlugin[] = "channelz_service";

// gRPC adds its plugins to every server of the process; this takes channelz off
// a server that is not the operators'.
class WithoutChannelz final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}

  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*
                         plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const auto& plugin) {
                                    return plugin->name() == kChannelzPlugin;
                                  }),
                   plugins->end());
  }
};

void InitGrpcOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Debian's Abseil looks for deadlocks at each lock that gRPC takes.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
    // Links the descriptor that reflection needs to describe health.
    LEDGERD_CHECK(grpc::health::v1::HealthCheckRequest::descriptor() !=
                  nullptr);
  });
}

void SetKeepalive(grpc::ServerBuilder& builder) {
  // Ours to the client, so that a dead one's streams end.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The client's to us: every 5 s is not too often.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
}

void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  builder.SetMaxSendMessageSize(static_cast<int>(kMessageBytesMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             options.streams_per_connection_max);
  grpc::ResourceQuota quota("ledgerd");
  quota.Resize(options.memory_bytes);
  quota.SetMaxThreads(options.threads_max);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

absl::Status CannotBind(const std::string& address) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen at ", address,
                   ": the port is taken by another process, or the address is "
                   "not this machine's. Choose another one, or end the process "
                   "that has it (ss -ltnp)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options) {
  InitGrpcOnce();
  grpc::ServerBuilder builder;
  if (!options.channelz) {
    builder.SetOption(std::make_unique<WithoutChannelz>());
  }
  // Or else two daemons could share a port, and each get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  SetKeepalive(builder);
  SetLimits(options, builder);
  int port = 0;
  builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(),
                           &port);
  for (grpc::Service* service : options.services) {
    builder.RegisterService(service);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return CannotBind(options.address);
  const absl::string_view address = options.address;
  std::string bound =
      absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  for (const std::string& name : options.health_names) {
    server->GetHealthCheckService()->SetServingStatus(name, false);
  }
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(server), std::move(bound)));
}

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server,
                       std::string address)
    : server_(std::move(server)), address_(std::move(address)) {}

GrpcServer::~GrpcServer() { Shutdown(std::chrono::milliseconds(0)); }

void GrpcServer::SetServing(const std::string& name, bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(name, serving);
}

void GrpcServer::StopServing() { server_->GetHealthCheckService()->Shutdown(); }

void GrpcServer::Shutdown(std::chrono::milliseconds patience) {
  server_->Shutdown(std::chrono::system_clock::now() + patience);
  server_->Wait();
}

}  // namespace ledgerd::server
