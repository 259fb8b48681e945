// The client library's example does what its comments say, on an empty ledger.
#include <string>

#include "gtest/gtest.h"

#include "tests/integration/live_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {
namespace {

TEST(ExampleTest, PaysOnAnEmptyLedger) {
  LiveLedger ledger;
  const absl::Status started = ledger.Start();
  ASSERT_TRUE(started.ok()) << started;
  const Finished finished =
      RunToEnd({Runfile("client/example"), ledger.address()});
  EXPECT_EQ(finished.exit_code, 0) << finished.output << finished.errors;
  // 995 at once, and 300 of the 500 that were held.
  EXPECT_NE(finished.output.find("the shop has 1295\n"), std::string::npos)
      << finished.output;
}

}  // namespace
}  // namespace ledgerd::integration
