#include "server/damage_alarms.h"

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

using Place = DamageAlarms::Place;

TEST(DamageAlarmsTest, ThereAreNoneAtFirst) {
  EXPECT_TRUE(DamageAlarms().Get().empty());
}

TEST(DamageAlarmsTest, OneOfEachNameWithTheFirstError) {
  DamageAlarms alarms;
  EXPECT_TRUE(
      alarms.Raise(Place::kState, absl::DataLossError("7.sst"), Timestamp(1)));
  EXPECT_TRUE(
      alarms.Raise(Place::kState, absl::DataLossError("8.sst"), Timestamp(2)));
  EXPECT_FALSE(
      alarms.Raise(Place::kState, absl::DataLossError("8.sst"), Timestamp(3)));
  alarms.Raise(Place::kState, absl::DataLossError("9.sst"), Timestamp(3));
  alarms.Raise(Place::kJournal, absl::DataLossError("1.segment"), Timestamp(4));
  alarms.Raise(Place::kState, absl::InternalError("EIO"), Timestamp(5));
  const auto raised = alarms.Get();
  ASSERT_EQ(raised.size(), 3u);
  EXPECT_EQ(raised[0].name, "DISK_ERROR");
  EXPECT_EQ(raised[0].message, "EIO");
  EXPECT_EQ(raised[1].name, "JOURNAL_DAMAGED");
  EXPECT_EQ(raised[1].message, "1.segment");
  EXPECT_EQ(raised[2].name, "STATE_DAMAGED");
  EXPECT_EQ(raised[2].message, "7.sst; and 3 more since");
  EXPECT_EQ(raised[2].raised_at, Timestamp(1));
  EXPECT_EQ(alarms.detections(), 5u) << "all but the device's error";
}

// A read tells of it, and then who mends it.
TEST(DamageAlarmsTest, WhatIsToldOnceMoreIsCountedOnce) {
  DamageAlarms alarms;
  EXPECT_TRUE(
      alarms.Raise(Place::kState, absl::DataLossError("7.sst"), Timestamp(1)));
  EXPECT_FALSE(alarms.RaiseUnlessTold(
      Place::kState, absl::DataLossError("7.sst"), Timestamp(2)));
  EXPECT_EQ(alarms.detections(), 1u);
  ASSERT_EQ(alarms.Get().size(), 1u);
  EXPECT_EQ(alarms.Get()[0].message, "7.sst");
  // What no read has met.
  EXPECT_TRUE(alarms.RaiseUnlessTold(
      Place::kState, absl::DataLossError("the sums differ"), Timestamp(3)));
  EXPECT_EQ(alarms.detections(), 2u);
  // It is met again.
  alarms.Raise(Place::kState, absl::DataLossError("7.sst"), Timestamp(4));
  alarms.RaiseUnlessTold(Place::kState, absl::DataLossError("7.sst"),
                         Timestamp(5));
  EXPECT_EQ(alarms.detections(), 3u);
  EXPECT_EQ(alarms.Get()[0].message, "7.sst; and 2 more since");
}

TEST(DamageAlarmsTest, WhatIsClearedIsRaisedAnew) {
  DamageAlarms alarms;
  EXPECT_FALSE(alarms.Clear("DISK_ERROR"));
  alarms.Raise(Place::kState, absl::DataLossError("7.sst"), Timestamp(1));
  alarms.Raise(Place::kState, absl::InternalError("EIO"), Timestamp(2));
  EXPECT_TRUE(alarms.Clear("STATE_DAMAGED"));
  EXPECT_FALSE(alarms.Clear("STATE_DAMAGED"));
  EXPECT_EQ(alarms.detections(), 1u) << "what was cleared was met all the same";
  ASSERT_EQ(alarms.Get().size(), 1u);
  EXPECT_EQ(alarms.Get()[0].name, "DISK_ERROR");
  EXPECT_TRUE(
      alarms.Raise(Place::kState, absl::DataLossError("7.sst"), Timestamp(3)));
  ASSERT_EQ(alarms.Get().size(), 2u);
  EXPECT_EQ(alarms.Get()[1].message, "7.sst");
  EXPECT_EQ(alarms.Get()[1].raised_at, Timestamp(3));
}

}  // namespace
}  // namespace ledgerd::server
