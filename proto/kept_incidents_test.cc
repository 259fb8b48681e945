#include "proto/kept_incidents.h"

#include <string>

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

Incident Numbered(uint64_t number) {
  Incident incident;
  incident.id = {ReplicaId(2), Timestamp(7), number};
  incident.cause = "why";
  return incident;
}

TEST(KeptIncidentsTest, ComeBackAsTheyWere) {
  KeptIncidents kept;
  EXPECT_EQ(*DecodeKeptIncidents(EncodeKeptIncidents(kept)), kept);
  kept = {.series = Timestamp(7),
          .last_number = 3,
          .running = true,
          .unsent = {Numbered(1), Numbered(2)},
          .open = {Numbered(3)}};
  EXPECT_EQ(*DecodeKeptIncidents(EncodeKeptIncidents(kept)), kept);
}

TEST(KeptIncidentsTest, WhatIsCutShortIsDamaged) {
  const std::string whole = EncodeKeptIncidents({.open = {Numbered(1)}});
  for (const size_t bytes : {size_t{0}, kKeptIncidentsBytesMin - 1,
                             kKeptIncidentsBytesMin + 1, whole.size() - 1}) {
    EXPECT_TRUE(
        absl::IsDataLoss(DecodeKeptIncidents(whole.substr(0, bytes)).status()))
        << bytes;
  }
}

}  // namespace
}  // namespace ledgerd
