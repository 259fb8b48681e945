// Incidents as a daemon lists them, for tests that make what they count.
//
//   EXPECT_TRUE(WaitUntil(kLimit, [&] {
//     return HasIncident(daemon, "resync", "success");
//   })) << IncidentsOf(daemon, "resync");
#ifndef LEDGERD_TESTS_INTEGRATION_COUNTED_INCIDENTS_H_
#define LEDGERD_TESTS_INTEGRATION_COUNTED_INCIDENTS_H_

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "tests/integration/daemon_process.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {

// All of a kind, in JSON.
inline std::string IncidentsOf(const DaemonProcess& daemon,
                               const std::string& kind) {
  const Finished listed =
      Ledgerctl({"incidents", "--kind=" + kind, "-o", "json",
                 "--admin-address=" + daemon.admin_address()});
  return listed.output + listed.errors;
}

inline bool HasIncident(const DaemonProcess& daemon, const std::string& kind,
                        const std::string& outcome) {
  return absl::StrContains(IncidentsOf(daemon, kind),
                           absl::StrCat(R"("outcome":")", outcome, R"(")"));
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_COUNTED_INCIDENTS_H_
