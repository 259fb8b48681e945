#include "storage/journal_record.h"

#include <string>

#include "gtest/gtest.h"

#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "storage/journal_testing.h"
#include "storage/segment.h"
#include "storage/segment_walk.h"

namespace ledgerd::storage {
namespace {

constexpr FrameSalt kSalt(0x5A17);

class JournalRecordTest : public testing::Test {
 protected:
  JournalRecordTest() {
    EntryId at;
    entry_ = MakeEntries(1, 1, at)[0];
    frame_.place = place_;
    frame_.entry_bytes = static_cast<uint32_t>(entry_->bytes().size());
    frame_.sequence = entry_->sequence();
    frame_.hash = entry_->hash();
    frame_.commit_point = Sequence(8);
    frame_.synced_through = Sequence(9);
    record_.assign(RecordBytes(frame_.entry_bytes), 'x');
    EncodeRecord(frame_, entry_->bytes(), kSalt, absl::MakeSpan(record_));
  }

  FrameVerdict VerdictAt(const RecordPlace& place) const {
    return CheckFrame(record_, place, kSalt).verdict;
  }

  const RecordPlace place_ = {.cluster = ClusterId(5),
                              .segment = SegmentNumber(6),
                              .offset = 4096 + 336};
  std::optional<Entry> entry_;
  RecordFrame frame_;
  std::string record_;
};

TEST_F(JournalRecordTest, ReadsBack) {
  const FrameCheck check = CheckFrame(record_, place_, kSalt);
  ASSERT_EQ(check.verdict, FrameVerdict::kHere);
  EXPECT_EQ(check.frame, frame_);
  const auto entry = EntryOfRecord(check.frame, record_);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->bytes(), entry_->bytes());
}

TEST_F(JournalRecordTest, NoFlippedBitGetsThrough) {
  for (size_t bit = 0; bit < 8 * record_.size(); ++bit) {
    std::string bad = record_;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const FrameCheck check = CheckFrame(bad, place_, kSalt);
    if (bit < 8 * kFrameBytes) {
      EXPECT_EQ(check.verdict, FrameVerdict::kNone) << "bit " << bit;
    } else {
      ASSERT_EQ(check.verdict, FrameVerdict::kHere);
      EXPECT_FALSE(EntryOfRecord(check.frame, bad).ok()) << "bit " << bit;
    }
  }
}

TEST_F(JournalRecordTest, AnotherPlaceIsSeen) {
  RecordPlace place = place_;
  place.offset += kRecordAlignment;
  EXPECT_EQ(VerdictAt(place), FrameVerdict::kForeign);
  place = place_;
  place.cluster = ClusterId(6);
  EXPECT_EQ(VerdictAt(place), FrameVerdict::kForeign);
  place = place_;
  place.segment = SegmentNumber(5);
  EXPECT_EQ(VerdictAt(place), FrameVerdict::kForeign);
  place.segment = SegmentNumber(7);
  EXPECT_EQ(VerdictAt(place), FrameVerdict::kStale);
}

TEST_F(JournalRecordTest, ANewerVersionIsSeenWhereverItIs) {
  char* const frame = record_.data();
  PutLittle<uint16_t>(frame + 8, kFrameVersion + 1);
  PutLittle(frame + 4, Crc32c({frame + 8, kFrameBytes - 8}, kSalt.value()));
  RecordPlace place = place_;
  place.segment = SegmentNumber(7);
  for (const RecordPlace& at : {place_, place}) {
    const FrameCheck check = CheckFrame(record_, at, kSalt);
    EXPECT_EQ(check.verdict, FrameVerdict::kNewer);
    EXPECT_EQ(check.version, kFrameVersion + 1);
  }
}

TEST_F(JournalRecordTest, AFrameOfAnotherSaltIsNone) {
  EXPECT_EQ(CheckFrame(record_, place_, FrameSalt(1)).verdict,
            FrameVerdict::kNone);
}

TEST_F(JournalRecordTest, TooShortIsNone) {
  EXPECT_EQ(CheckFrame(absl::string_view(record_).substr(0, kFrameBytes - 1),
                       place_, kSalt)
                .verdict,
            FrameVerdict::kNone);
}

TEST_F(JournalRecordTest, AnotherWholeEntryIsNotTakenForIt) {
  EntryId at;
  const Entry other = MakeEntries(1, 1, at, /*variant=*/1)[0];
  record_.replace(kFrameBytes, other.bytes().size(), other.bytes().data(),
                  other.bytes().size());
  const FrameCheck check = CheckFrame(record_, place_, kSalt);
  ASSERT_EQ(check.verdict, FrameVerdict::kHere);
  EXPECT_FALSE(EntryOfRecord(check.frame, record_).ok());
}

TEST(SegmentNameTest, ReadsBackAndNothingElse) {
  EXPECT_EQ(SegmentName(SegmentNumber(7)), "0000000000000007.segment");
  EXPECT_EQ(ParseSegmentName("0000000000000007.segment"), SegmentNumber(7));
  for (const char* name :
       {"7.segment", "0000000000000007", "000000000000000x.segment",
        "+000000000000007.segment", "0000000000000007.segment2", "spare-7"}) {
    EXPECT_EQ(ParseSegmentName(name), std::nullopt) << name;
  }
}

TEST(SegmentHeaderTest, NoFlippedBitGetsThrough) {
  SegmentHeader header{
      .number = SegmentNumber(3), .used_again = true, .bytes = 4096};
  header.base = {.epoch = Epoch(1), .sequence = Sequence(9)};
  const std::string good = EncodeSegmentHeader(TestIdentity(), header);
  ASSERT_EQ(DecodeSegmentHeader(TestIdentity(), good).value(), header);
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeSegmentHeader(TestIdentity(), bad).ok()) << bit;
  }
}

}  // namespace
}  // namespace ledgerd::storage
