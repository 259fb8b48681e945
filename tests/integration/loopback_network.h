// The network of a group on the loopback: reserved ports, and where cuts are
// wanted a proxy for each direction between two replicas.
//
//   LoopbackNetwork network(3, LoopbackNetwork::Between::kProxies);
//
// Shape    Clients connect without a proxy, so they are never cut off.
#ifndef LEDGERD_TESTS_INTEGRATION_LOOPBACK_NETWORK_H_
#define LEDGERD_TESTS_INTEGRATION_LOOPBACK_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/group_network.h"
#include "tests/integration/reserved_port.h"
#include "tests/integration/tcp_proxy.h"

namespace ledgerd::integration {

class LoopbackNetwork final : public GroupNetwork {
 public:
  enum class Between { kNothing, kProxies };

  explicit LoopbackNetwork(size_t replicas,
                           Between between = Between::kNothing);

  ReplicaPorts ports(size_t replica) const override;
  std::string PeerAddress(size_t from, size_t to) const override;
  std::vector<std::string> Under(size_t replica) const override;
  // Requires: proxies.
  void Cut(size_t from, size_t to, bool cut) override;
  std::optional<uint64_t> swallowed() const override;

 private:
  struct Reserved {
    ReservedPort client;
    ReservedPort admin;
    ReservedPort replication;
  };

  const std::vector<Reserved> reserved_;
  // By who speaks, and to whom.
  std::map<std::pair<size_t, size_t>, TcpProxy> proxies_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_LOOPBACK_NETWORK_H_
