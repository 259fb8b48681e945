// A network that can be cut, of the kind that is wanted and there is:
// LEDGERD_TEST_NETWORK=namespaces asks for one in the kernel. Without it, and
// where the kernel refuses, it is one of proxies, and nothing is skipped. It
// prints which.
//
//   LiveGroup group(3, false, {}, MakeCuttableNetwork(3));
#ifndef LEDGERD_TESTS_INTEGRATION_CUTTABLE_NETWORK_H_
#define LEDGERD_TESTS_INTEGRATION_CUTTABLE_NETWORK_H_

#include <cstddef>
#include <memory>

#include "tests/integration/group_network.h"

namespace ledgerd::integration {

std::unique_ptr<GroupNetwork> MakeCuttableNetwork(size_t replicas);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_CUTTABLE_NETWORK_H_
