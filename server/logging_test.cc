#include "server/logging.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

class Lines {
 public:
  Logger MakeLogger(LogLevel level, LogFormat format) {
    return Logger(level, format, [this](absl::string_view line) {
      lines_.emplace_back(line);
    });
  }

  // The only line, after its time.
  std::string AfterTime() const {
    EXPECT_EQ(lines_.size(), 1u);
    const std::string& line = lines_.at(0);
    return line.substr(line.find('Z') + 1);
  }

  size_t count() const { return lines_.size(); }

 private:
  std::vector<std::string> lines_;
};

TEST(LoggingTest, TextIsWordsThenKeysAndValues) {
  Lines lines;
  Logger logger = lines.MakeLogger(LogLevel::kInfo, LogFormat::kText);
  logger.Info("serving", {{"address", "127.0.0.1:1"},
                          {"pid", 77},
                          {"why", "two words"},
                          {"none", ""}});
  EXPECT_EQ(lines.AfterTime(),
            " info    serving address=127.0.0.1:1 pid=77 why=\"two words\" "
            "none=\"\"");
}

TEST(LoggingTest, JsonIsOneObjectALine) {
  Lines lines;
  Logger logger = lines.MakeLogger(LogLevel::kInfo, LogFormat::kJson);
  logger.Error("it \"failed\"", {{"why", "a\nb\\c\x01"}, {"count", 3u}});
  EXPECT_EQ(lines.AfterTime(), R"(","level":"error","message":"it \"failed\"",)"
                               R"("why":"a\nb\\c\u0001","count":3})");
}

TEST(LoggingTest, LessSevereMessagesAreLeftOut) {
  Lines lines;
  Logger logger = lines.MakeLogger(LogLevel::kWarning, LogFormat::kText);
  logger.Debug("no");
  logger.Info("no");
  EXPECT_EQ(lines.count(), 0u);
  logger.Warning("yes");
  logger.Error("yes");
  EXPECT_EQ(lines.count(), 2u);
}

TEST(LoggingTest, BracesAreNoFormat) {
  Lines lines;
  Logger logger = lines.MakeLogger(LogLevel::kInfo, LogFormat::kText);
  logger.Info("{} {0}", {{"brace", "{x}"}});
  EXPECT_EQ(lines.AfterTime(), " info    {} {0} brace={x}");
}

TEST(LoggingTest, LevelsAndFormatsByName) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("info"), LogLevel::kInfo);
  EXPECT_EQ(ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_EQ(ParseLogLevel("error"), LogLevel::kError);
  EXPECT_EQ(ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_EQ(ParseLogFormat("text"), LogFormat::kText);
}

}  // namespace
}  // namespace ledgerd::server
