// A test that runs ledgerctl in its own process, and looks at what it prints
// and says.
//
//   class AlarmsCommandTest : public CommandTest { ... };
//   EXPECT_EQ(RunCommand({"alarms"}), ExitCode::kOk) << err_;
//   EXPECT_TRUE(Printed("STATE_DAMAGED"));
#ifndef LEDGERD_CLIENT_LEDGERCTL_COMMAND_TEST_BASE_H_
#define LEDGERD_CLIENT_LEDGERCTL_COMMAND_TEST_BASE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "client/ledgerctl/app.h"
#include "client/ledgerctl/exit_code.h"

namespace ledgerd::client {

class CommandTest : public testing::Test {
 protected:
  ExitCode RunCommand(std::vector<std::string> arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunLedgerctl(std::move(arguments));
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return static_cast<ExitCode>(code);
  }

  bool Printed(const std::string& text) const {
    return absl::StrContains(out_, text);
  }

  bool Said(const std::string& words) const {
    return absl::StrContains(err_, words);
  }

  // Of the last command: on stdout, and on stderr.
  std::string out_;
  std::string err_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_COMMAND_TEST_BASE_H_
