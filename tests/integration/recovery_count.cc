#include "tests/integration/recovery_count.h"

#include <chrono>

#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

#include "admin/v1/admin.grpc.pb.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::admin::v1;

constexpr std::chrono::seconds kAnswerLimit(5);

}  // namespace

std::optional<v1::GetRecoveryCountersResponse> CountRecovery(
    DaemonProcess& daemon, v1::Scope scope, bool planned) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  v1::AdminService::Stub stub(grpc::CreateCustomChannel(
      daemon.admin_address(), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerLimit);
  context.set_wait_for_ready(true);
  v1::GetRecoveryCountersRequest request;
  request.set_scope(scope);
  request.set_include_planned(planned);
  v1::GetRecoveryCountersResponse response;
  const grpc::Status status =
      stub.GetRecoveryCounters(&context, request, &response);
  if (!status.ok()) return std::nullopt;
  return response;
}

}  // namespace ledgerd::integration
