#include "client/scout.h"

#include "grpcpp/client_context.h"

namespace ledgerd::client {
namespace {

// For one answer of another server's: it is at hand or it does not count.
constexpr std::chrono::milliseconds kHealthTimeout{200};

bool IsPrimary(const Endpoint& endpoint) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kHealthTimeout);
  ::grpc::health::v1::HealthCheckRequest request;
  request.set_service("ledger.v1.LedgerService");
  ::grpc::health::v1::HealthCheckResponse response;
  return endpoint.health().Check(&context, request, &response).ok() &&
         response.status() == ::grpc::health::v1::HealthCheckResponse::SERVING;
}

}  // namespace

Scout::Scout(Endpoints& endpoints, CallSet& calls,
             std::chrono::milliseconds patience)
    : endpoints_(endpoints),
      calls_(calls),
      patience_(patience),
      thread_([this] { Run(); }) {}

Scout::~Scout() { thread_.join(); }

void Scout::Run() {
  for (;;) {
    const Endpoints::Shared silent = calls_.WaitForSilence(patience_);
    if (silent == nullptr) return;
    const Endpoints::Shared primary = FindPrimary(*silent);
    if (primary == nullptr) continue;
    endpoints_.MoveTo(primary);
    calls_.Leave(*silent);
  }
}

Endpoints::Shared Scout::FindPrimary(const Endpoint& silent) {
  for (const Endpoints::Shared& endpoint : endpoints_.all()) {
    if (endpoint.get() != &silent && IsPrimary(*endpoint)) return endpoint;
  }
  return nullptr;
}

}  // namespace ledgerd::client
