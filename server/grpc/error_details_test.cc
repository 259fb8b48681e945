#include "server/grpc/error_details.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "proto/errors.h"

namespace ledgerd::server {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status wire;
  EXPECT_TRUE(wire.ParseFromString(status.error_details()));
  EXPECT_EQ(wire.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(wire.message(), status.error_message());
  return wire;
}

template <typename Detail>
std::optional<Detail> Find(const grpc::Status& status) {
  const google::rpc::Status wire = Details(status);
  for (const auto& detail : wire.details()) {
    Detail found;
    if (detail.UnpackTo(&found)) return found;
  }
  return std::nullopt;
}

TEST(ErrorDetailsTest, EveryReasonArrives) {
  for (int i = 0; i <= static_cast<int>(Reason::kCompacted); ++i) {
    const auto reason = static_cast<Reason>(i);
    const absl::Status status = MakeError(reason, "why");
    const grpc::Status wire = ToGrpcStatus(status, {});
    EXPECT_EQ(static_cast<int>(wire.error_code()),
              static_cast<int>(status.code()));
    const auto info = Find<google::rpc::ErrorInfo>(wire);
    ASSERT_TRUE(info.has_value()) << Name(reason);
    EXPECT_EQ(info->domain(), "ledgerd");
    EXPECT_EQ(info->reason(), std::string(Name(reason)));
    EXPECT_EQ(ReasonOf(FromGrpcStatus(wire)), reason);
    EXPECT_EQ(FromGrpcStatus(wire).message(), "why");
  }
}

TEST(ErrorDetailsTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus(), {}).ok());
}

TEST(ErrorDetailsTest, WhatMayBeTriedAgainSaysWhen) {
  for (int i = 0; i <= static_cast<int>(Reason::kCompacted); ++i) {
    const auto reason = static_cast<Reason>(i);
    const auto retry = Find<google::rpc::RetryInfo>(
        ToGrpcStatus(MakeError(reason, "why"), {}));
    EXPECT_EQ(retry.has_value(),
              reason == Reason::kOverloaded || reason == Reason::kDiskFull)
        << Name(reason);
  }
  const auto retry = Find<google::rpc::RetryInfo>(
      ToGrpcStatus(MakeError(Reason::kOverloaded, "why"), {}));
  EXPECT_EQ(retry->retry_delay().seconds(), 0);
  EXPECT_EQ(retry->retry_delay().nanos(), 50'000'000);
}

TEST(ErrorDetailsTest, AFieldIsNamed) {
  const absl::Status status = MakeFieldError("transfers[3].code", "too high");
  const grpc::Status wire = ToGrpcStatus(status, {});
  const auto bad = Find<google::rpc::BadRequest>(wire);
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->field_violations(0).field(), "transfers[3].code");
  EXPECT_EQ(bad->field_violations(0).description(), "too high");
  EXPECT_EQ(FieldOf(FromGrpcStatus(wire)), "transfers[3].code");
  EXPECT_EQ(FromGrpcStatus(wire).message(), status.message());
}

TEST(ErrorDetailsTest, NotPrimaryTellsWhoIs) {
  ledger::v1::PrimaryHint hint;
  hint.set_address("10.0.0.2:7300");
  hint.set_epoch(4);
  const auto found = Find<ledger::v1::PrimaryHint>(
      ToGrpcStatus(MakeError(Reason::kNotPrimary, "why"), hint));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->DebugString(), hint.DebugString());
  EXPECT_FALSE(Find<ledger::v1::PrimaryHint>(
      ToGrpcStatus(MakeError(Reason::kNoPrimary, "why"), hint)));
}

TEST(ErrorDetailsTest, WhoStopsTellsWhoIsPrimaryNowIfItKnows) {
  const absl::Status draining = MakeError(Reason::kDraining, "why");
  EXPECT_FALSE(Find<ledger::v1::PrimaryHint>(ToGrpcStatus(draining, {})));
  ledger::v1::PrimaryHint hint;
  hint.set_address("10.0.0.2:7300");
  const auto found =
      Find<ledger::v1::PrimaryHint>(ToGrpcStatus(draining, hint));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->address(), "10.0.0.2:7300");
}

TEST(ErrorDetailsTest, WithoutAReasonTheOutcomeIsUnknown) {
  const grpc::Status wire = ToGrpcStatus(absl::InternalError("why"), {});
  EXPECT_EQ(wire.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(wire)->reason(), "OUTCOME_UNKNOWN");
}

}  // namespace
}  // namespace ledgerd::server
