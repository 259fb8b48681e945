// What a replica says of the recovery counters.
//
//   const auto counted = CountRecovery(daemon);
//   EXPECT_EQ(counted->tolerance().total(), 0u);
#ifndef LEDGERD_TESTS_INTEGRATION_RECOVERY_COUNT_H_
#define LEDGERD_TESTS_INTEGRATION_RECOVERY_COUNT_H_

#include <optional>

#include "admin/v1/admin.pb.h"
#include "tests/integration/daemon_process.h"

namespace ledgerd::integration {

// Nothing when it does not answer.
std::optional<admin::v1::GetRecoveryCountersResponse> CountRecovery(
    DaemonProcess& daemon, admin::v1::Scope scope = admin::v1::SCOPE_GROUP,
    bool planned = false);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_RECOVERY_COUNT_H_
