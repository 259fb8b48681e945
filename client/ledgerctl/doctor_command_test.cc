// doctor, from the command line to what is printed.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

class DoctorCommandTest : public CommandTest {
 protected:
  // Two of a pair, each of which names both.
  DoctorCommandTest() {
    for (FakeAdmin* admin : {&first_, &second_}) {
      const uint64_t self = admin == &first_ ? 1 : 2;
      admin->Change([&](v1::GetStatusResponse& status) {
        status.set_replica_id(self);
        status.set_role(self == 1 ? v1::ROLE_PRIMARY : v1::ROLE_STANDBY);
        status.set_disk_free_bytes(uint64_t{1} << 40);
        status.mutable_started_at()->set_seconds(4'000'000'000);
        for (const FakeAdmin* member : {&first_, &second_}) {
          auto& replica = *status.add_replicas();
          replica.set_replica_id(member == &first_ ? 1 : 2);
          replica.set_role(member == &first_ ? v1::ROLE_PRIMARY
                                             : v1::ROLE_STANDBY);
          replica.set_connected(true);
          replica.set_admin_address(member->address());
        }
      });
    }
  }

  ExitCode Run(std::vector<std::string> arguments) {
    arguments.push_back("--address=" + ledger_.address());
    return RunCommand(std::move(arguments));
  }

  FakeAdmin first_;
  FakeAdmin second_;
  FakeLedger ledger_;
};

TEST_F(DoctorCommandTest, AllThatAreNamedAreAskedOnce) {
  EXPECT_EQ(Run({"doctor", "--admin-address=" + first_.address()}),
            ExitCode::kOk)
      << err_;
  EXPECT_EQ(out_, "") << err_;
  EXPECT_TRUE(Said("Nothing is wrong: 2 replicas answer.")) << err_;
}

TEST_F(DoctorCommandTest, WhatAnotherReplicaHasIsFoundAndIsTheExitCode) {
  second_.Change([](v1::GetStatusResponse& status) {
    v1::Alarm& alarm = *status.add_alarms();
    alarm.set_name("DISK_FULL");
    alarm.set_blocks("writes");
    alarm.set_message("no space");
  });
  EXPECT_EQ(
      Run({"doctor", "-o", "json", "--admin-address=" + first_.address()}),
      ExitCode::kUnhealthy)
      << err_;
  EXPECT_TRUE(Printed(R"("level":"critical","where":"replica 2",)"
                      R"("finding":"DISK_FULL: no space",)"
                      R"("do":"RUNBOOK.md, DISK_FULL")"))
      << out_;
}

TEST_F(DoctorCommandTest, OneThatIsSilentIsAWarningAndNobodyIsAnError) {
  EXPECT_EQ(Run({"doctor", "--admin-address",
                 absl::StrCat("127.0.0.1:1,", second_.address())}),
            ExitCode::kOk)
      << err_;
  EXPECT_TRUE(Printed("127.0.0.1:1")) << out_;
  EXPECT_TRUE(Printed("no answer to operators")) << out_;
  EXPECT_EQ(Run({"doctor", "--timeout=50ms", "--admin-address=127.0.0.1:1"}),
            ExitCode::kNoConnection)
      << err_;
}

}  // namespace
}  // namespace ledgerd::client
