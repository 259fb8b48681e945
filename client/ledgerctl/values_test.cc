#include "client/ledgerctl/values.h"

#include "gtest/gtest.h"

namespace ledgerd::client {
namespace {

TEST(ValuesTest, AnIdIsDecimalOrAUuid) {
  EXPECT_EQ(*ParseId("7"), Uint128{7});
  EXPECT_EQ(*ParseId("340282366920938463463374607431768211455"), kUint128Max);
  EXPECT_EQ(*ParseId("00000000-0000-0001-0000-00000000000A"),
            MakeUint128(1, 10));
  EXPECT_EQ(*ParseId("0190b6a0-5d8e-7cc3-98c4-dc0c0c07398f"),
            MakeUint128(0x0190b6a05d8e7cc3, 0x98c4dc0c0c07398f));
}

TEST(ValuesTest, WhatIsNoIdIsNamed) {
  for (const char* text :
       {"", "-1", "x", "1.5", "340282366920938463463374607431768211456",
        "0190b6a0-5d8e-7cc3-98c4-dc0c0c07398",
        "0190b6a05d8e7cc398c4dc0c0c07"}) {
    const auto id = ParseId(text);
    ASSERT_FALSE(id.ok()) << text;
    EXPECT_TRUE(absl::IsInvalidArgument(id.status()));
    EXPECT_NE(id.status().message().find(text), absl::string_view::npos);
  }
}

TEST(ValuesTest, AmountsAreWholeNumbers) {
  EXPECT_EQ(*ParseAmount("995"), Amount(995));
  EXPECT_EQ(*ParseAmount("max"), kAmountMax);
  EXPECT_FALSE(ParseAmount("9.95").ok());
  EXPECT_FALSE(ParseAmount("-1").ok());
}

TEST(ValuesTest, FlagsHaveTheNamesOfTheContract) {
  EXPECT_EQ(*ParseTransferFlags(""), 0);
  EXPECT_EQ(*ParseTransferFlags("linked|pending"),
            transfer_flags::kLinked | transfer_flags::kPending);
  EXPECT_EQ(
      *ParseAccountFlags("history, debits_must_not_exceed_credits"),
      account_flags::kHistory | account_flags::kDebitsMustNotExceedCredits);
  EXPECT_FALSE(ParseAccountFlags("pending").ok());
}

TEST(ValuesTest, FlagNamesAreReadBack) {
  for (int bit = 0; bit < 9; ++bit) {
    const auto flags = static_cast<uint16_t>(1 << bit);
    EXPECT_EQ(*ParseTransferFlags(TransferFlagNames(flags)), flags);
  }
  for (int bit = 0; bit < 6; ++bit) {
    const auto flags = static_cast<uint16_t>(1 << bit);
    EXPECT_EQ(*ParseAccountFlags(AccountFlagNames(flags)), flags);
  }
  EXPECT_EQ(AccountFlagNames(0x8001), "linked|0x8000");
}

TEST(ValuesTest, StatusesAreReadByName) {
  EXPECT_EQ(*ParseTransferStatus("exceeds_credits"),
            TransferStatus::kExceedsCredits);
  EXPECT_FALSE(ParseTransferStatus("EXCEEDS_CREDITS").ok());
}

TEST(ValuesTest, Durations) {
  using std::chrono::milliseconds;
  EXPECT_EQ(*ParseDuration("10"), milliseconds(10'000));
  EXPECT_EQ(*ParseDuration("0.5s"), milliseconds(500));
  EXPECT_EQ(*ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(*ParseDuration("2m"), milliseconds(120'000));
  for (const char* text : {"", "s", "0", "-1s", "1h", "nan", "1e99"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(ValuesTest, ANetMayBeBelowZero) {
  const Account account{.debits_posted = Amount(7),
                        .credits_posted = Amount(5)};
  EXPECT_EQ(NetText(NetOf(account)), "-2");
  EXPECT_EQ(*ParseNet("-2"), NetOf(account));
  EXPECT_EQ(*ParseNet("-0"), NetOf(Account{}));
  EXPECT_FALSE(ParseNet("--1").ok());
  EXPECT_FALSE(ParseNet("").ok());
}

TEST(ValuesTest, NewIdsDifferAndGrowWithTime) {
  const Uint128 first = NewId();
  const Uint128 second = NewId();
  EXPECT_NE(first, second);
  EXPECT_LE(High(first) >> 16, High(second) >> 16);
}

TEST(ValuesTest, TimesAreUtcToTheNanosecond) {
  EXPECT_EQ(TimeText(Timestamp(1'000'000'000'000'000'001)),
            "2001-09-09T01:46:40.000000001Z");
  EXPECT_EQ(TimeText(Timestamp(0)), "-");
}

}  // namespace
}  // namespace ledgerd::client
