// alarms and alarms clear, from the command line to what is printed.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"
#include "proto/errors.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;
using Asked = std::vector<std::string>;

class AlarmsCommandTest : public CommandTest {
 protected:
  ExitCode Run(std::vector<std::string> arguments) {
    arguments.push_back("--admin-address=" + admin_.address());
    return RunCommand(std::move(arguments));
  }

  void Raise(const std::string& name, const std::string& blocks) {
    admin_.Change([&](v1::GetStatusResponse& status) {
      v1::Alarm& alarm = *status.add_alarms();
      alarm.set_name(name);
      alarm.set_replica_id(3);
      alarm.set_blocks(blocks);
      alarm.set_message("db/7.sst");
      alarm.mutable_raised_at()->set_seconds(1'800'000'000);
    });
  }

  FakeAdmin admin_;
};

TEST_F(AlarmsCommandTest, ThereMayBeNone) {
  EXPECT_EQ(Run({"alarms"}), ExitCode::kOk) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(Said("No alarm")) << err_;
}

TEST_F(AlarmsCommandTest, OneThatBlocksNothingIsShown) {
  Raise("STATE_DAMAGED", "");
  EXPECT_EQ(Run({"alarms", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed(R"("alarm":"STATE_DAMAGED","replica":3,"blocks":"")"))
      << out_;
  EXPECT_TRUE(Printed(R"("raised":"2027-01-15T08:00:00)")) << out_;
  EXPECT_TRUE(Printed(R"("message":"db/7.sst")")) << out_;
}

TEST_F(AlarmsCommandTest, OneThatBlocksIsTheExitCode) {
  Raise("STATE_DAMAGED", "");
  Raise("DISK_FULL", "writes");
  EXPECT_EQ(Run({"alarms"}), ExitCode::kUnhealthy) << err_;
}

TEST_F(AlarmsCommandTest, OneIsCleared) {
  EXPECT_EQ(Run({"alarms", "clear", "STATE_DAMAGED"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Said("STATE_DAMAGED is cleared")) << err_;
  EXPECT_EQ(out_, "") << "and nothing is listed";
  EXPECT_EQ(Run({"alarms", "clear", "DISK_ERROR", "--replica=3"}),
            ExitCode::kOk)
      << err_;
  EXPECT_EQ(admin_.asked(),
            Asked({"ClearAlarmRequest: name: \"STATE_DAMAGED\"",
                   "ClearAlarmRequest: name: \"DISK_ERROR\" replica_id: 3"}));
}

TEST_F(AlarmsCommandTest, WhatIsRefusedIsSaid) {
  admin_.Refuse(MakeGrpcError(Reason::kInvalidField, "name: it still holds"));
  EXPECT_EQ(Run({"alarms", "clear", "DISK_FULL"}), ExitCode::kUsage);
  EXPECT_TRUE(Said("it still holds")) << err_;
  EXPECT_EQ(Run({"alarms", "clear"}), ExitCode::kUsage) << "which one?";
}

}  // namespace
}  // namespace ledgerd::client
