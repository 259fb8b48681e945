#include "storage/timestamp_list.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::storage {
namespace {

using Rows = std::vector<std::pair<Timestamp, std::string>>;

Rows Pack(const std::vector<Timestamp>& timestamps, size_t row_bytes_max) {
  Rows rows;
  EXPECT_TRUE(PackTimestamps(timestamps, row_bytes_max,
                             [&](Timestamp first, absl::string_view row) {
                               rows.emplace_back(first, std::string(row));
                               return absl::OkStatus();
                             })
                  .ok());
  return rows;
}

std::vector<Timestamp> Unpack(const Rows& rows) {
  std::vector<Timestamp> timestamps;
  std::vector<TimestampRun> runs;
  for (const auto& [first, row] : rows) {
    EXPECT_TRUE(UnpackTimestamps(first, row, runs));
    for (const TimestampRun& run : runs) {
      for (Timestamp at = run.first; at <= run.last; at = at.Next()) {
        timestamps.push_back(at);
      }
    }
  }
  return timestamps;
}

std::vector<Timestamp> Timestamps(const std::vector<uint64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

TEST(TimestampListTest, OneTimestampTakesNoBytes) {
  EXPECT_EQ(Pack(Timestamps({7}), 512), (Rows{{Timestamp(7), ""}}));
}

TEST(TimestampListTest, ARunTakesFewBytes) {
  EXPECT_EQ(Pack(Timestamps({5, 6, 7, 8}), 512),
            (Rows{{Timestamp(5), std::string("\x03", 1)}}));
}

// The example of FORMAT.md.
TEST(TimestampListTest, GapsAndRuns) {
  EXPECT_EQ(Pack(Timestamps({5, 6, 9, 100, 101, 102}), 512),
            (Rows{{Timestamp(5), std::string("\x01\x02\xb3\x01\x01", 5)}}));
}

TEST(TimestampListTest, RowsAreCut) {
  const Rows rows = Pack(Timestamps({1, 3, 5, 7, 9, 11}), 2);
  EXPECT_EQ(rows.size(), 3u);
  EXPECT_EQ(Unpack(rows), Timestamps({1, 3, 5, 7, 9, 11}));
}

TEST(TimestampListTest, ComesBackAsItWas) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<Timestamp> timestamps;
    const int gap_bits = static_cast<int>(random() % 50);
    uint64_t at = 1 + random() % 1000;
    const uint64_t count = 1 + random() % 200;
    for (uint64_t i = 0; i < count; ++i) {
      timestamps.push_back(Timestamp(at));
      at += random() % 2 == 0 ? 1 : 1 + (random() >> (63 - gap_bits));
    }
    EXPECT_EQ(Unpack(Pack(timestamps, random() % 30)), timestamps);
  }
}

TEST(TimestampListTest, RefusesWhatIsMalformed) {
  std::vector<TimestampRun> runs;
  const auto unpack = [&](uint64_t first, const std::string& row) {
    return UnpackTimestamps(Timestamp(first), row, runs);
  };
  EXPECT_TRUE(unpack(5, std::string("\x01", 1)));
  EXPECT_FALSE(unpack(5, "\x80"));  // A number that does not end.
  EXPECT_FALSE(unpack(5, std::string("\0\x03", 2)));  // A run without length.
  EXPECT_FALSE(unpack(5, std::string(11, '\xff')));
  // Beyond the last timestamp that there can be.
  EXPECT_FALSE(unpack(kTimestampMax.value() + 1, ""));
  EXPECT_FALSE(unpack(kTimestampMax.value(), "\x01"));
  EXPECT_FALSE(unpack(kTimestampMax.value(), std::string("\0\0", 2)));
}

}  // namespace
}  // namespace ledgerd::storage
