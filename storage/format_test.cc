// The worked examples of FORMAT.md are what this code reads and writes.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

#include "proto/incident.h"
#include "storage/event_codec.h"
#include "storage/identity_file.h"
#include "storage/journal_record.h"
#include "storage/journal_testing.h"
#include "storage/segment.h"
#include "storage/segment_walk.h"
#include "storage/superblock.h"

namespace ledgerd::storage {
namespace {

// The fenced block after the line "Example: NAME".
std::string ExampleText(const std::string& name) {
  std::ifstream file("storage/FORMAT.md");
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  const size_t title = text.find("Example: " + name + "\n");
  EXPECT_NE(title, std::string::npos) << name;
  const size_t begin = text.find('\n', text.find("```", title)) + 1;
  return text.substr(begin, text.find("```", begin) - begin);
}

// Lines of "OFFSET  HEX HEX ...  | words", as bytes. Between them are zeros.
std::string ExampleBytes(const std::string& name) {
  std::string all;
  for (const absl::string_view line :
       absl::StrSplit(ExampleText(name), '\n', absl::SkipEmpty())) {
    size_t offset = 0;
    EXPECT_TRUE(absl::SimpleHexAtoi(line.substr(0, 4), &offset)) << line;
    EXPECT_GE(offset, all.size()) << line;
    all.resize(offset, '\0');
    const absl::string_view bytes =
        std::vector<absl::string_view>(absl::StrSplit(line, '|'))[0].substr(6);
    std::string hex;
    for (const char c : bytes) {
      if (c != ' ') hex.push_back(c);
    }
    all += absl::HexStringToBytes(hex);
  }
  return all;
}

std::string Dump(absl::string_view bytes) {
  std::string lines;
  for (size_t at = 0; at < bytes.size(); at += 16) {
    lines += absl::StrCat(absl::Hex(at, absl::kZeroPad4), "  ");
    for (const char c : bytes.substr(at, 16)) {
      lines += absl::StrCat(
          absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2), " ");
    }
    lines += "\n";
  }
  return lines;
}

Entry ExampleEntry() {
  Transfer transfer;
  transfer.id = TransferId(7);
  transfer.debit_account_id = AccountId(1);
  transfer.credit_account_id = AccountId(2);
  transfer.amount = Amount(1000);
  transfer.ledger = 978;
  transfer.code = 10;
  EntryId previous;
  previous.epoch = Epoch(2);
  previous.sequence = Sequence(4);
  previous.hash.fill(0xAA);
  return Entry::Seal(
      MakeCommand<Transfer>(EntryKind::kCreateTransfers, {&transfer, 1}),
      Epoch(3), Timestamp(1'000'000), previous);
}

TEST(FormatTest, RecordAndSharedEntry) {
  const Entry entry = ExampleEntry();
  RecordFrame frame;
  frame.place = {
      .cluster = ClusterId(0xC1), .segment = SegmentNumber(2), .offset = 4096};
  frame.entry_bytes = 208;
  frame.sequence = Sequence(5);
  frame.hash = entry.hash();
  frame.commit_point = Sequence(3);
  frame.synced_through = Sequence(4);
  std::string bytes(RecordBytes(208), '\0');
  EncodeRecord(frame, entry.bytes(), FrameSalt(0x5A17), absl::MakeSpan(bytes));

  const std::string example = ExampleBytes("record");
  EXPECT_EQ(example, bytes) << "FORMAT.md should say:\n" << Dump(bytes);
  const FrameCheck check = CheckFrame(example, frame.place, FrameSalt(0x5A17));
  ASSERT_EQ(check.verdict, FrameVerdict::kHere);
  EXPECT_EQ(check.frame, frame);
  const auto decoded = EntryOfRecord(check.frame, example);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->epoch(), Epoch(3));
  EXPECT_EQ(decoded->timestamp(), Timestamp(1'000'000));
  EXPECT_EQ(decoded->rows<Transfer>()[0].amount, Amount(1000));
}

TEST(FormatTest, Incident) {
  Incident incident;
  incident.id = {ReplicaId(2), Timestamp(1'000), 7};
  incident.kind = IncidentKind::kCrashReplay;
  incident.outcome = IncidentOutcome::kSuccess;
  incident.epoch = Epoch(3);
  incident.started_at = Timestamp(2'000);
  incident.ended_at = Timestamp(3'000);
  incident.cause = "crash";
  incident.resolution = "primary again";
  const std::string bytes = EncodeIncidents({incident});
  const std::string example = ExampleBytes("incident");
  EXPECT_EQ(example, bytes) << "FORMAT.md should say:\n" << Dump(bytes);
  const auto decoded = DecodeIncidents(example);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, std::vector<Incident>({incident}));
}

TEST(FormatTest, SegmentHeader) {
  SegmentHeader header{.number = SegmentNumber(2), .bytes = 64 << 20};
  header.base = {.epoch = Epoch(2), .sequence = Sequence(4)};
  header.base.hash.fill(0xAA);
  const std::string bytes = EncodeSegmentHeader(TestIdentity(), header);
  std::string example = ExampleBytes("segment header");
  example.resize(kBlockBytes, '\0');
  EXPECT_EQ(example, bytes) << "FORMAT.md should say:\n"
                            << Dump(bytes.substr(0, 112));
  const auto decoded = DecodeSegmentHeader(TestIdentity(), example);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, header);
}

TEST(FormatTest, SuperblockCopy) {
  SuperblockCopy copy{.generation = 9};
  copy.superblock.promised_epoch = Epoch(3);
  copy.superblock.checkpoint = {.epoch = Epoch(2), .sequence = Sequence(4)};
  copy.superblock.checkpoint.hash.fill(0xAA);
  copy.superblock.membership =
      FirstMembership({ReplicaId(1), ReplicaId(2), ReplicaId(3)});
  copy.superblock.membership.since = copy.superblock.checkpoint;
  copy.superblock.membership.members[2].role = MemberRole::kLearner;
  copy.superblock.membership_before =
      FirstMembership({ReplicaId(1), ReplicaId(2)});
  const std::string bytes = EncodeSuperblock(copy);
  std::string example = ExampleBytes("superblock copy");
  example.resize(kBlockBytes, '\0');
  EXPECT_EQ(example, bytes) << "FORMAT.md should say:\n"
                            << Dump(bytes.substr(0, 528));
  const auto decoded = DecodeSuperblock(example);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->generation, 9u);
  EXPECT_EQ(decoded->superblock, copy.superblock);
}

TEST(FormatTest, Identity) {
  const std::string bytes = EncodeIdentity(TestIdentity());
  std::string example = ExampleText("IDENTITY");
  example.resize(kBlockBytes, ' ');
  example.back() = '\n';
  EXPECT_EQ(example, bytes);
  const auto decoded = DecodeIdentity(example);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, TestIdentity());
}

TEST(Format, EventExample) {
  Event event;
  event.type = EventType::kSinglePhase;
  event.timestamp = event.transfer = Timestamp(1005);
  event.debit = {.account = AccountId(7), .debits_posted = Amount(1'000'000)};
  event.credit = {.account = AccountId(8), .credits_posted = Amount(1'000'000)};
  char bytes[kEventBytesMax];
  const char* const end = EncodeEvent(event, Timestamp(1000), bytes);
  const std::string encoded(bytes, static_cast<size_t>(end - bytes));
  const std::string example = ExampleBytes("event");
  EXPECT_EQ(encoded, example) << Dump(encoded);
  Event decoded;
  EXPECT_EQ(DecodeEvent(example.data(), example.data() + example.size(),
                        Timestamp(1000), decoded),
            example.data() + example.size());
  EXPECT_TRUE(decoded == event);
}

}  // namespace
}  // namespace ledgerd::storage
