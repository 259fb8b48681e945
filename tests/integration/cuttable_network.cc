#include "tests/integration/cuttable_network.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include "tests/integration/loopback_network.h"
#include "tests/integration/namespace_network.h"

namespace ledgerd::integration {
namespace {

bool WantsNamespaces() {
  const char* wanted = std::getenv("LEDGERD_TEST_NETWORK");
  return wanted != nullptr && std::string(wanted) == "namespaces";
}

}  // namespace

std::unique_ptr<GroupNetwork> MakeCuttableNetwork(size_t replicas) {
  if (WantsNamespaces()) {
    auto network = NamespaceNetwork::Make(replicas);
    if (network.ok()) {
      std::cout << "network: namespaces and nftables\n";
      return *std::move(network);
    }
    std::cout << network.status() << "\n";
  }
  std::cout << "network: proxies\n";
  return std::make_unique<LoopbackNetwork>(replicas,
                                           LoopbackNetwork::Between::kProxies);
}

}  // namespace ledgerd::integration
