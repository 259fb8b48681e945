#include "server/help.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

#include "server/config_fields.h"

namespace ledgerd::server {
namespace {

constexpr const char* kFlags[] = {
    "--cluster-id=UUID", "--replica-id=N", "--join",
    "--incarnation=N",   "--config=FILE",  "--check-config"};

TEST(HelpTest, NamesEveryFlagAndSetting) {
  const std::string help = HelpText();
  EXPECT_TRUE(absl::StrContains(help, "ledgerd format --data-dir=D"));
  EXPECT_TRUE(absl::StrContains(help, "--journal-segment-bytes=64MiB"));
  EXPECT_TRUE(absl::StrContains(help, "\n  8  the data directory is in use"));
  for (const char* flag : kFlags) {
    EXPECT_TRUE(absl::StrContains(help, flag)) << flag;
  }
}

TEST(ManualTest, NamesEveryFlagAndSettingWithWhatItMeans) {
  const std::string page =
      absl::StrReplaceAll(ManualPage(), {{"\\-", "-"}, {"\\(ga", "`"}});
  for (const char* flag : kFlags) {
    EXPECT_TRUE(absl::StrContains(page, absl::StrCat("\\fB", flag))) << flag;
  }
  for (const ConfigField& field : ConfigFields()) {
    EXPECT_TRUE(absl::StrContains(
        page, absl::StrCat("\\fB", field.environment(), "\\fR")))
        << field.path;
  }
  EXPECT_TRUE(absl::StrContains(page, "\\fB--metrics-address\\fR\n")) << page;
  EXPECT_TRUE(absl::StrContains(page, "\\fBledgerctl\\fR(1)"));
}

TEST(ManualTest, GroffHasNothingToSayAboutIt) {
  const std::string path = absl::StrCat(testing::TempDir(), "/ledgerd.8");
  std::ofstream(path) << ManualPage();
  FILE* groff = popen(
      absl::StrCat("groff -man -ww -Tutf8 -z ", path, " 2>&1").c_str(), "r");
  ASSERT_NE(groff, nullptr);
  std::array<char, 4'096> words = {};
  const size_t read = fread(words.data(), 1, words.size() - 1, groff);
  EXPECT_EQ(pclose(groff), 0);
  EXPECT_EQ(read, 0u) << words.data();
}

}  // namespace
}  // namespace ledgerd::server
