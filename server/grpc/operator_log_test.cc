#include "server/grpc/operator_log.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

class OperatorLogTest : public ::testing::Test {
 protected:
  absl::Status Log(const std::string& why, const absl::Status& outcome) {
    return LogRequest(logger_, {"PauseFailover", "ipv4:10.0.0.9:1", "1 h", why},
                      [this, &outcome] {
                        EXPECT_EQ(lines_.size(), 1u)
                            << "said before it is done";
                        return outcome;
                      });
  }

  // Without their times.
  std::string Line(size_t i) const {
    return lines_.at(i).substr(lines_.at(i).find('Z') + 2);
  }

  std::vector<std::string> lines_;
  Logger logger_{LogLevel::kInfo, LogFormat::kText,
                 [this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(OperatorLogTest, SaysWhoAskedWhatAndWhyAndWhatCameOfIt) {
  EXPECT_TRUE(Log("new switch in rack 3", absl::OkStatus()).ok());
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(Line(0),
            "info    operator asks call=PauseFailover who=ipv4:10.0.0.9:1 "
            "what=\"1 h\" why=\"new switch in rack 3\"");
  EXPECT_EQ(Line(1),
            "info    operator's request ended call=PauseFailover "
            "who=ipv4:10.0.0.9:1 outcome=done");
}

TEST_F(OperatorLogTest, AnErrorIsAWarning) {
  EXPECT_FALSE(Log("", absl::UnavailableError("no primary")).ok());
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(Line(1),
            "warning operator's request ended call=PauseFailover "
            "who=ipv4:10.0.0.9:1 outcome=\"no primary\"");
}

TEST_F(OperatorLogTest, ALongReasonIsCutBetweenCharacters) {
  // Two bytes each, the second of one would be byte 1,000.
  std::string why = "x";
  while (why.size() < kWhyBytesMax + 5) why += "\xC3\xA4";
  ASSERT_TRUE(Log(why, absl::OkStatus()).ok());
  EXPECT_EQ(Line(0).substr(Line(0).rfind("why=") + 4),
            "\"" + why.substr(0, kWhyBytesMax - 1) + "...\"");
}

}  // namespace
}  // namespace ledgerd::server
