#include "client/ledgerctl/exit_code.h"

#include <string>

#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::client {
namespace {

TEST(ExitCodeTest, EachHasItsMeaning) {
  int next = 0;
  for (const ExitCodeMeaning& meaning : kExitCodeMeanings) {
    EXPECT_EQ(Code(meaning.code), next++);
    EXPECT_NE(std::string(meaning.words), "");
  }
  EXPECT_EQ(next, Code(ExitCode::kCorruption) + 1);
}

TEST(ExitCodeTest, OfWhatAServerAnswers) {
  struct Case {
    absl::Status status;
    ExitCode code;
  };

  const Case cases[] = {
      {absl::OkStatus(), ExitCode::kOk},
      {absl::AbortedError("refused"), ExitCode::kError},
      {absl::InternalError(""), ExitCode::kError},
      {MakeError(Reason::kOutcomeUnknown, ""), ExitCode::kError},
      {absl::UnavailableError("refused by the kernel"),
       ExitCode::kNoConnection},
      {absl::DeadlineExceededError(""), ExitCode::kNoConnection},
      {absl::InvalidArgumentError(""), ExitCode::kUsage},
      {absl::NotFoundError("no such file"), ExitCode::kUsage},
      {MakeError(Reason::kInvalidField, ""), ExitCode::kUsage},
      {absl::FailedPreconditionError(""), ExitCode::kPrecondition},
      {MakeError(Reason::kNoHistory, ""), ExitCode::kPrecondition},
      {MakeError(Reason::kCompacted, ""), ExitCode::kPrecondition},
      {MakeError(Reason::kNotPrimary, ""), ExitCode::kUnhealthy},
      {MakeError(Reason::kNoPrimary, ""), ExitCode::kUnhealthy},
      {MakeError(Reason::kNoQuorum, ""), ExitCode::kUnhealthy},
      {MakeError(Reason::kTooStale, ""), ExitCode::kUnhealthy},
      {MakeError(Reason::kDraining, ""), ExitCode::kUnhealthy},
      {MakeError(Reason::kOverloaded, ""), ExitCode::kUnhealthy},
      {MakeError(Reason::kDiskFull, ""), ExitCode::kUnhealthy},
      {absl::DataLossError("a hash"), ExitCode::kCorruption},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(ExitCodeOf(one.status), one.code) << one.status;
  }
}

}  // namespace
}  // namespace ledgerd::client
