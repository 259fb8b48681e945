#include "server/grpc/grpc_log.h"

#include <string>
#include <vector>

#include "grpc/support/log.h"
#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

TEST(GrpcLogTest, LinesAreOursAndTheirNumberIsLimited) {
  std::vector<std::string> lines;
  Logger logger(LogLevel::kWarning, LogFormat::kJson,
                [&lines](absl::string_view line) { lines.emplace_back(line); });
  RouteGrpcLog(&logger);
  gpr_log("/a/b/tcp.cc", 7, GPR_LOG_SEVERITY_ERROR, "\"%s\"", "reset");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(
      lines[0].find(R"("level":"warning","message":"grpc",)"
                    R"("says":"\"reset\"","place":"tcp.cc:7","times":1})"),
      std::string::npos)
      << lines[0];
  for (int i = 0; i < 1'000; ++i) {
    gpr_log(__FILE__, __LINE__, GPR_LOG_SEVERITY_ERROR, "again");
  }
  EXPECT_EQ(lines.size(), 10u);
  RouteGrpcLog(nullptr);
  gpr_log(__FILE__, __LINE__, GPR_LOG_SEVERITY_ERROR, "nobody listens");
  EXPECT_EQ(lines.size(), 10u);
}

}  // namespace
}  // namespace ledgerd::server
