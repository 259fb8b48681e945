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
  incident.phases = {{"detect", 500}, {"elect", 1'000'000'000'000}};
  return incident;
}

TEST(IncidentTest, ComesBackAsItWent) {
  Incident other;
  other.planned = true;
  other.of_primary = true;
  other.halted = true;
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

TEST(IncidentTest, LongWordsAndManyPhasesAreCut) {
  Incident incident = Example();
  incident.phases.assign(kIncidentPhasesMax + 1, {std::string(99, 'p'), 1});
  incident.cause = std::string(10'000, 'c');
  incident.resolution = std::string(10'000, 'r');
  const std::string bytes = EncodeIncidents({incident});
  EXPECT_EQ(bytes.size(), kIncidentBytesMax);
  const auto read = DecodeIncidents(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->front().cause, std::string(kIncidentTextMax, 'c'));
  EXPECT_EQ(read->front().resolution, std::string(kIncidentTextMax, 'r'));
  EXPECT_EQ(
      read->front().phases,
      std::vector<IncidentPhase>(kIncidentPhasesMax,
                                 {std::string(kIncidentPhaseNameMax, 'p'), 1}));
}

TEST(IncidentTest, WithoutPhasesItIsWhatItWasBeforeThereWereAny) {
  Incident incident = Example();
  incident.phases.clear();
  EXPECT_EQ(EncodeIncidents({incident}).size(),
            92 + incident.cause.size() + incident.resolution.size());
}

TEST(IncidentTest, ANoteIsNoIncident) {
  for (int number = 0; number < 256; ++number) {
    const auto kind = static_cast<IncidentKind>(number);
    EXPECT_EQ(
        IsRecovery(kind) + IsFault(kind) + IsPromotion(kind) + IsNote(kind), 1)
        << number;
    EXPECT_EQ(IsNote(kind), number >= 60) << number;
  }
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
  longer[89] = 1;
  EXPECT_TRUE(absl::IsDataLoss(DecodeIncidents(longer).status()));
}

TEST(IncidentTest, IdsAreTextsOfTheirParts) {
  EXPECT_EQ(ToString(Example().id), "2-1234-7");
}

}  // namespace
}  // namespace ledgerd
