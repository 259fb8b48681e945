#include "proto/errors.h"

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

TEST(ErrorsTest, EveryReasonIsFoundAgain) {
  for (int i = 0; i <= static_cast<int>(Reason::kCompacted); ++i) {
    const auto reason = static_cast<Reason>(i);
    const absl::Status status = MakeError(reason, "why");
    EXPECT_EQ(ReasonOf(status), reason) << Name(reason);
    EXPECT_EQ(ParseReason(Name(reason)), reason);
    EXPECT_EQ(MayHaveBeenExecuted(status), reason == Reason::kOutcomeUnknown);
  }
}

TEST(ErrorsTest, AFieldErrorNamesItsField) {
  const absl::Status status =
      MakeFieldError("transfers[3].code", "70000 is above 65535");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), "transfers[3].code");
  EXPECT_EQ(status.message(), "transfers[3].code: 70000 is above 65535");
}

TEST(ErrorsTest, AnErrorOfTheTransportMayHaveBeenExecuted) {
  EXPECT_TRUE(MayHaveBeenExecuted(absl::UnavailableError("reset")));
}

}  // namespace
}  // namespace ledgerd
