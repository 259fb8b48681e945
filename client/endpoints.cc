#include "client/endpoints.h"

#include <algorithm>
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
  if (!error.primary_address.empty()) return true;
  const auto reason = ReasonOf(error.status);
  if (!reason.has_value()) return absl::IsUnavailable(error.status);
  return *reason == Reason::kNotPrimary || *reason == Reason::kNoPrimary ||
         *reason == Reason::kNoQuorum || *reason == Reason::kDraining ||
         *reason == Reason::kTooStale;
}

// A channel that reconnects quickly and takes our largest messages.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           std::chrono::milliseconds patience) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.initial_reconnect_backoff_ms", 50);
  // Which also is how long an attempt to connect may take.
  arguments.SetInt("grpc.min_reconnect_backoff_ms",
                   static_cast<int>(patience.count()));
  arguments.SetInt("grpc.max_reconnect_backoff_ms", 100);
  arguments.SetInt("grpc.dns_min_time_between_resolutions_ms", 50);
  arguments.SetInt("grpc.keepalive_time_ms", 1'000);
  arguments.SetInt("grpc.keepalive_timeout_ms", 1'000);
  // Also while a call only waits, as a watch does.
  arguments.SetInt("grpc.http2.max_pings_without_data", 0);
  // Calls are retried here, with one deadline over all attempts.
  arguments.SetInt("grpc.enable_retries", 0);
  // A connection of its own, not one shared with other clients of the process.
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(kMessageBytesMax));
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace

Endpoint::Line::Line(const std::string& address,
                     std::chrono::milliseconds patience)
    : channel(MakeChannel(address, patience)),
      stub(::ledger::v1::LedgerService::NewStub(channel)),
      health(::grpc::health::v1::Health::NewStub(channel)) {}

Endpoint::Endpoint(std::string where)
    : address(std::move(where)),
      near_(address, kConnectPatience),
      far_(address, kFarPatience) {}

const Endpoint::Line& Endpoint::Choose() const {
  if (near_.channel->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_READY) {
    waits_since_ = 0;
    return near_;
  }
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  std::chrono::steady_clock::rep since = 0;
  const bool first = waits_since_.compare_exchange_strong(since, now.count());
  const bool in_vain =
      !first &&
      now - std::chrono::steady_clock::duration(since) >= kConnectPatience;
  const auto far = far_.channel->GetState(/*try_to_connect=*/in_vain);
  return far == GRPC_CHANNEL_READY ? far_ : near_;
}

bool Endpoints::Round::Has(const Shared& endpoint) const {
  return std::find(asked_.begin(), asked_.end(), endpoint) != asked_.end();
}

Endpoints::Endpoints(const std::vector<std::string>& addresses)
    : configured_(addresses.size()) {
  LEDGERD_CHECK(!addresses.empty());
  const MutexLock lock(mutex_);
  for (const std::string& address : addresses) {
    all_.push_back(std::make_shared<const Endpoint>(address));
  }
}

Endpoints::Shared Endpoints::Current() {
  const MutexLock lock(mutex_);
  return all_[current_];
}

Endpoints::Shared Endpoints::Any(const Round& round) {
  const MutexLock lock(mutex_);
  const size_t place = NextNotAsked(next_any_, round) % all_.size();
  next_any_ = (place + 1) % all_.size();
  return all_[place];
}

bool Endpoints::OnFailure(const Shared& endpoint, const RpcError& error,
                          Round& round) {
  if (!IsAboutThisServer(error)) return false;
  round.asked_.push_back(endpoint);
  const MutexLock lock(mutex_);
  if (all_[current_] == endpoint) {
    const size_t begin = current_ + 1;
    current_ = Hinted(error, round);
    if (current_ == all_.size()) current_ = NextNotAsked(begin, round);
    if (current_ == all_.size()) current_ = begin % all_.size();
  }
  if (!round.Has(all_[current_])) return true;
  round.Clear();
  return false;
}

bool Endpoints::OnFailureOfAny(const Shared& endpoint, Round& round) {
  round.asked_.push_back(endpoint);
  const MutexLock lock(mutex_);
  if (NextNotAsked(0, round) < all_.size()) return true;
  round.Clear();
  return false;
}

void Endpoints::MoveTo(const Shared& primary) {
  const MutexLock lock(mutex_);
  const auto found = std::find(all_.begin(), all_.end(), primary);
  if (found == all_.end()) return;
  current_ = static_cast<size_t>(found - all_.begin());
}

std::vector<Endpoints::Shared> Endpoints::all() {
  const MutexLock lock(mutex_);
  return all_;
}

size_t Endpoints::size() {
  const MutexLock lock(mutex_);
  return all_.size();
}

size_t Endpoints::Hinted(const RpcError& error, const Round& round) {
  if (error.primary_address.empty()) return all_.size();
  if (error.primary_epoch < epoch_) return all_.size();
  epoch_ = error.primary_epoch;
  const size_t place = PlaceOf(error.primary_address);
  return round.Has(all_[place]) ? all_.size() : place;
}

size_t Endpoints::PlaceOf(const std::string& address) {
  for (size_t i = 0; i < all_.size(); ++i) {
    if (all_[i]->address == address) return i;
  }
  // Those that were given stay; of those that were learnt the oldest goes.
  if (all_.size() >= std::max(kEndpointsMax, configured_ + 1)) {
    all_.erase(all_.begin() + static_cast<ptrdiff_t>(configured_));
  }
  all_.push_back(std::make_shared<const Endpoint>(address));
  return all_.size() - 1;
}

size_t Endpoints::NextNotAsked(size_t begin, const Round& round) const {
  for (size_t i = 0; i < all_.size(); ++i) {
    const size_t place = (begin + i) % all_.size();
    if (!round.Has(all_[place])) return place;
  }
  return all_.size();
}

}  // namespace ledgerd::client
