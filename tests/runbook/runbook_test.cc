#include "tests/runbook/runbook.h"

#include "gtest/gtest.h"

namespace ledgerd::runbook {
namespace {

TEST(RunbookTest, CommandsAreReadByPlaceAndExitCode) {
  const auto sections = ReadRunbook(
      "# Runbook\n\n    not this\n\n### A disk is lost\n\nProse.\n\n```sh\n"
      "ledgerctl status    # exit code 5: nobody is there\n"
      "# on ledger-c\nmv a b\n\n```\n\n```\nnor this\n```\n\n```sh\n"
      "ledgerctl alarms\n```\n### Nothing to do\n");
  ASSERT_EQ(sections.size(), 2u);
  EXPECT_EQ(sections[0].title, "A disk is lost");
  ASSERT_EQ(sections[0].commands.size(), 3u);
  const RunbookCommand& first = sections[0].commands[0];
  EXPECT_EQ(first.text, "ledgerctl status    # exit code 5: nobody is there");
  EXPECT_EQ(first.host, "");
  EXPECT_EQ(first.exit_code, 5);
  EXPECT_EQ(first.line, 10);
  const RunbookCommand& second = sections[0].commands[1];
  EXPECT_EQ(second.text, "mv a b");
  EXPECT_EQ(second.host, "ledger-c");
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(sections[0].commands[2].host, "") << "another block";
  EXPECT_TRUE(sections[1].commands.empty());
}

}  // namespace
}  // namespace ledgerd::runbook
