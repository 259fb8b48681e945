// -w of each command that has it.
#include "client/ledgerctl/repeat.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"

namespace ledgerd::client {
namespace {

class RepeatTest : public CommandTest {
 protected:
  ExitCode Run(std::vector<std::string> arguments) {
    arguments.push_back("--address=" + ledger_.address());
    arguments.push_back("--admin-address=" + admin_.address());
    return RunCommand(std::move(arguments));
  }

  // How often `text` is on stdout.
  size_t Times(const std::string& text) const {
    const std::vector<std::string> parts = absl::StrSplit(out_, text);
    return parts.size() - 1;
  }

  FakeLedger ledger_;
  FakeAdmin admin_;
};

TEST_F(RepeatTest, WhatShowsAMomentShowsItAgain) {
  ledger_.set_account({.id = AccountId(7), .ledger = 1, .code = 1});
  admin_.Append({});
  admin_.Append({});
  admin_.Change(
      [](auto& status) { status.add_alarms()->set_name("STATE_DAMAGED"); });

  struct Case {
    std::vector<std::string> command;
    std::string shown;
  };

  const Case cases[] = {{{"status"}, R"("role":"primary")"},
                        {{"alarms"}, R"("alarm":"STATE_DAMAGED")"},
                        {{"counters"}, R"("rates":)"},
                        {{"rolled-back"}, R"("new_epoch":6)"},
                        {{"account", "show", "7"}, R"("id":"7")"}};
  for (const Case& one : cases) {
    std::vector<std::string> arguments = one.command;
    for (const char* more : {"-w", "--every=1ms", "--count=3", "-o", "json"}) {
      arguments.emplace_back(more);
    }
    EXPECT_EQ(Run(arguments), ExitCode::kOk) << err_;
    EXPECT_EQ(Times(one.shown), 3u)
        << testing::PrintToString(one.command) << out_;
    EXPECT_EQ(Run(one.command), ExitCode::kOk) << err_;
  }
}

TEST_F(RepeatTest, YamlIsADocumentEachTime) {
  EXPECT_EQ(
      Run({"status", "-w", "--every=1ms", "--count=2", "--output", "yaml"}),
      ExitCode::kOk)
      << err_;
  EXPECT_EQ(Times("---\n"), 2u) << out_;
}

TEST_F(RepeatTest, AnErrorIsSaidAndTriedAgain) {
  admin_.Refuse(grpc::Status(grpc::StatusCode::INTERNAL, "just now"));
  EXPECT_EQ(Run({"counters", "-w", "--every=1ms", "--count=2"}),
            ExitCode::kError);
  const std::vector<std::string> parts = absl::StrSplit(err_, "just now");
  EXPECT_EQ(parts.size(), 3u) << err_;
}

TEST_F(RepeatTest, AWrongCommandLineEndsIt) {
  EXPECT_EQ(Run({"status", "-w", "--every=often"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"account", "show", "seven", "-w"}), ExitCode::kUsage);
  EXPECT_EQ(Run({"status", "--count=3"}), ExitCode::kUsage) << "without -w";
}

}  // namespace
}  // namespace ledgerd::client
