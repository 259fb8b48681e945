#include "tests/integration/loopback_network.h"

namespace ledgerd::integration {

LoopbackNetwork::LoopbackNetwork(size_t replicas, Between between)
    : reserved_(replicas) {
  if (between == Between::kNothing) return;
  for (size_t from = 0; from < replicas; ++from) {
    for (size_t to = 0; to < replicas; ++to) {
      if (from == to) continue;
      proxies_.try_emplace({from, to}, reserved_[to].replication.port());
    }
  }
}

ReplicaPorts LoopbackNetwork::ports(size_t replica) const {
  const Reserved& reserved = reserved_[replica];
  return {.client = reserved.client.address(),
          .admin = reserved.admin.address(),
          .replication = reserved.replication.address()};
}

std::string LoopbackNetwork::PeerAddress(size_t from, size_t to) const {
  const auto proxy = proxies_.find({from, to});
  return proxy == proxies_.end() ? reserved_[to].replication.address()
                                 : proxy->second.address();
}

std::vector<std::string> LoopbackNetwork::Under(size_t /*replica*/) const {
  return {};
}

void LoopbackNetwork::Cut(size_t from, size_t to, bool cut) {
  if (from == kClients || to == kClients) return;
  proxies_.at({from, to}).Block(cut);
}

std::optional<uint64_t> LoopbackNetwork::swallowed() const {
  return std::nullopt;
}

}  // namespace ledgerd::integration
