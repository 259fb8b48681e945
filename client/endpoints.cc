#include "client/endpoints.h"

#include <utility>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

#include "proto/base/check.h"
#include "proto/system_limits.h"

namespace ledgerd::client {
namespace {

// Addresses learnt from servers beyond the configured ones.
constexpr size_t kEndpointsMax = 32;

// Whether another server may do better.
bool IsAboutThisServer(const RpcError& error) {
  const auto reason = ReasonOf(error.status);
  if (!reason.has_value()) return absl::IsUnavailable(error.status);
  return *reason == Reason::kNotPrimary || *reason == Reason::kNoPrimary ||
         *reason == Reason::kNoQuorum || *reason == Reason::kDraining ||
         *reason == Reason::kTooStale;
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.initial_reconnect_backoff_ms", 50);
  arguments.SetInt("grpc.min_reconnect_backoff_ms", 100);
  arguments.SetInt("grpc.max_reconnect_backoff_ms", 100);
  arguments.SetInt("grpc.dns_min_time_between_resolutions_ms", 50);
  arguments.SetInt("grpc.keepalive_time_ms", 10'000);
  arguments.SetInt("grpc.keepalive_timeout_ms", 5'000);
  // Calls are retried here, with one deadline over all attempts.
  arguments.SetInt("grpc.enable_retries", 0);
  // A connection of its own, not one shared with other clients of the process.
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(kMessageBytesMax));
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

Endpoint::Endpoint(std::string where)
    : address(std::move(where)),
      stub(::ledger::v1::LedgerService::NewStub(MakeChannel(address))) {}

Endpoints::Endpoints(const std::vector<std::string>& addresses) {
  LEDGERD_CHECK(!addresses.empty());
  const MutexLock lock(mutex_);
  for (const std::string& address : addresses) {
    all_.push_back(std::make_shared<const Endpoint>(address));
  }
}

std::shared_ptr<const Endpoint> Endpoints::Current() {
  const MutexLock lock(mutex_);
  return all_[current_];
}

void Endpoints::OnFailure(const Endpoint& endpoint, const RpcError& error) {
  const MutexLock lock(mutex_);
  if (all_[current_].get() != &endpoint) return;
  if (!error.primary_address.empty()) {
    MoveTo(error.primary_address);
  } else if (IsAboutThisServer(error)) {
    current_ = (current_ + 1) % all_.size();
  }
}

void Endpoints::MoveTo(const std::string& address) {
  for (size_t i = 0; i < all_.size(); ++i) {
    if (all_[i]->address != address) continue;
    current_ = i;
    return;
  }
  if (all_.size() >= kEndpointsMax) all_.pop_back();
  all_.push_back(std::make_shared<const Endpoint>(address));
  current_ = all_.size() - 1;
}

}  // namespace ledgerd::client
