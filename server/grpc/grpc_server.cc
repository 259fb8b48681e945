#include "server/grpc/grpc_server.h"

#include <algorithm>
#include <mutex>
#include <utility>

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
#include "proto/base/status_macros.h"
#include "server/grpc/call_counter.h"
#include "server/grpc/no_message.h"

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
  // Or else a connection without a word is kept for two minutes.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 3'000);
  // The client's to us: ours asks each second, and twice that often is not too
  // often.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
}

// gRPC inflates a message before it looks at its size, to a thousand times what
// came in. So clients hear that compression is not supported.
void SetNoCompression(grpc::ServerBuilder& builder) {
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder& builder) {
  const int message_bytes = static_cast<int>(options.message_bytes_max);
  builder.SetMaxReceiveMessageSize(options.services_refuse_long_messages
                                       ? 2 * message_bytes
                                       : message_bytes);
  builder.SetMaxSendMessageSize(message_bytes);
  if (options.frame_bytes_max > 0) {
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE,
                               options.frame_bytes_max);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
                               options.frame_bytes_max);
  }
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             options.streams_per_connection_max);
  grpc::ResourceQuota quota("ledgerd");
  quota.Resize(options.memory_bytes);
  quota.SetMaxThreads(options.threads_max);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

using Interceptors = std::vector<
    std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>;

Interceptors InterceptorsFor(const GrpcServerOptions& options,
                             OpenCalls& open_calls) {
  Interceptors creators;
  if (options.waits_for_calls) {
    creators.push_back(std::make_unique<CallCounter>(open_calls));
  }
  if (options.refuses_no_messages) {
    creators.push_back(std::make_unique<NoMessageFactory>());
  }
  return creators;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options) {
  InitGrpcOnce();
  LEDGERD_ASSIGN_OR_RETURN(auto listener,
                           ConnectionListener::Bind(options.listener));
  std::unique_ptr<GrpcServer> server(new GrpcServer(std::move(listener)));
  server->StartServer(options);
  return server;
}

GrpcServer::GrpcServer(std::unique_ptr<ConnectionListener> listener)
    : listener_(std::move(listener)) {}

void GrpcServer::StartServer(const GrpcServerOptions& options) {
  grpc::ServerBuilder builder;
  if (!options.channelz) {
    builder.SetOption(std::make_unique<WithoutChannelz>());
  }
  builder.experimental().SetInterceptorCreators(
      InterceptorsFor(options, open_calls_));
  SetKeepalive(builder);
  SetLimits(options, builder);
  SetNoCompression(builder);
  const std::shared_ptr acceptor =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::
              FROM_FD,
          grpc::InsecureServerCredentials());
  for (grpc::Service* service : options.services) {
    builder.RegisterService(service);
  }
  server_ = builder.BuildAndStart();
  LEDGERD_CHECK(server_ != nullptr) << "gRPC has logged why";
  for (const std::string& name : options.health_names) {
    SetServing(name, false);
  }
  listener_->Start([acceptor](int descriptor) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
        connection;
    connection.fd = descriptor;
    acceptor->HandleNewConnection(&connection);
  });
}

GrpcServer::~GrpcServer() { Shutdown(std::chrono::milliseconds(0)); }

void GrpcServer::SetServing(const std::string& name, bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(name, serving);
}

void GrpcServer::StopServing() { server_->GetHealthCheckService()->Shutdown(); }

void GrpcServer::Shutdown(std::chrono::milliseconds patience) {
  open_calls_.WaitUntilNone(patience);
  listener_->Stop(patience);
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

}  // namespace ledgerd::server
