#include "proto/incident.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

Incident Example() {
  Incident incident;
  incident.id = {ReplicaId(2), Timestamp(0x1234), 7};
  incident.kind = IncidentKind::kPrimaryLost;
  incident.outcome = IncidentOutcome::kSuccessWithLoss;
  incident.injected = true;
  incident.attempts = 3;
  incident.detections = 4;
  incident.epoch = Epoch(5);
  incident.started_at = Timestamp(1'000);
  incident.ended_at = Timestamp(2'000);
  incident.lost_entries = 6;
  incident.rolled_back_entries = 8;
  incident.write_unavailable_ns = 9;
  incident.cause = "nothing heard of replica 1";
  incident.resolution = "promoted";
  return incident;
}

TEST(IncidentTest, ComesBackAsItWent) {
  Incident other;
  other.planned = true;
  const std::vector<Incident> incidents = {Example(), other};
  const Entry entry =
      Entry::Seal(MakeIncidentsCommand(incidents), Epoch(1), Timestamp(9), {});
  EXPECT_EQ(entry.kind(), EntryKind::kIncidents);
  EXPECT_EQ(Name(entry.kind()), "incidents");
  EXPECT_EQ(entry.event_count(), 0u);
  const auto read = DecodeIncidents(entry.payload());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, incidents);
}

TEST(IncidentTest, LongWordsAreCut) {
  Incident incident = Example();
  incident.cause = std::string(10'000, 'c');
  incident.resolution = std::string(10'000, 'r');
  const std::string bytes = EncodeIncidents({incident});
  EXPECT_EQ(bytes.size(), kIncidentBytesMax);
  const auto read = DecodeIncidents(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->front().cause, std::string(kIncidentTextMax, 'c'));
  EXPECT_EQ(read->front().resolution, std::string(kIncidentTextMax, 'r'));
}

TEST(IncidentTest, WhatALaterVersionAppendsIsPassedOver) {
  std::string bytes = EncodeIncidents({Example()});
  bytes += "more";
  bytes[0] = static_cast<char>(bytes.size());
  bytes += EncodeIncidents({Example()});
  const auto read = DecodeIncidents(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, std::vector<Incident>({Example(), Example()}));
}

TEST(IncidentTest, WhatIsCutOffOrSaysTooMuchIsRefused) {
  const std::string bytes = EncodeIncidents({Example()});
  for (size_t size = 1; size < bytes.size(); ++size) {
    const auto read = DecodeIncidents(bytes.substr(0, size));
    EXPECT_TRUE(absl::IsDataLoss(read.status())) << size;
  }
  // The size of the cause.
  std::string longer = bytes;
  longer[88] = static_cast<char>(longer[88] + 1);
  EXPECT_TRUE(absl::IsDataLoss(DecodeIncidents(longer).status()));
}

TEST(IncidentTest, IdsAreTextsOfTheirParts) {
  EXPECT_EQ(ToString(Example().id), "2-1234-7");
}

}  // namespace
}  // namespace ledgerd
