// What is read from a disk: entries, records, segments, superblock, the
// checkpoint's record, IDENTITY, RocksDB's manifest.
//
// The first byte says which, the second whether the checksum is made good
// again: or else nothing behind it would ever be reached.
#include <algorithm>
#include <cstring>
#include <optional>

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/entry.h"
#include "storage/checkpoint_record.h"
#include "storage/file.h"
#include "storage/identity_file.h"
#include "storage/journal_record.h"
#include "storage/rocksdb_manifest.h"
#include "storage/segment.h"
#include "storage/segment_walk.h"
#include "storage/superblock.h"
#include "tests/fuzz/target.h"

namespace ledgerd::fuzz {
namespace {

using namespace storage;  // NOLINT(google-build-using-namespace): its formats.

const JournalIdentity& Identity() {
  static const auto& identity = *new JournalIdentity{
      ClusterId(77), ReplicaId(1), 1, FrameSalt(0x12345678)};
  return identity;
}

SegmentHeader Header(uint64_t bytes) {
  return {.number = SegmentNumber(1), .base = {}, .bytes = bytes};
}

// FORMAT.md: the checksum stands at `at` and covers `from` up to `end`.
void MakeGood(std::string& bytes, size_t at, size_t from, size_t end,
              uint32_t begin = 0) {
  if (bytes.size() < end || end < from) return;
  const absl::string_view covered(bytes.data() + from, end - from);
  PutLittle(bytes.data() + at, Crc32c(covered, begin));
}

void RunEntry(std::string bytes, bool good) {
  if (good) MakeGood(bytes, 0, 4, bytes.size());
  const auto entry = Entry::Parse(bytes);
  if (!entry.ok()) return;
  LEDGERD_CHECK(entry->bytes() == bytes);
  const size_t count = entry->event_count();
  LEDGERD_CHECK(count <= kMaxBatchSize);
  if (entry->kind() == EntryKind::kCreateTransfers) {
    LEDGERD_CHECK(entry->rows<Transfer>().size() == count);
  }
}

void RunSegment(std::string bytes, bool good) {
  // A file is whole blocks.
  bytes.resize(std::max<size_t>(bytes.size() / kBlockBytes + 1, 2) *
               kBlockBytes);
  if (good) {
    for (size_t at = kBlockBytes; at + kFrameBytes <= bytes.size();
         at += kRecordAlignment) {
      if (!MayBeFrame(bytes.data() + at)) continue;
      MakeGood(bytes, at + 4, at + 8, at + kFrameBytes,
               Identity().salt.value());
    }
  }
  const auto decoded = DecodeSegmentHeader(Identity(), bytes);
  const SegmentHeader header = decoded.ok() ? *decoded : Header(bytes.size());
  JournalWalk walk(Identity(), header.base, EntryId{});
  walk.AddSegment(header, bytes);
  walk.Finish();
  LEDGERD_CHECK(walk.last().sequence.value() ==
                header.base.sequence.value() + walk.places().size());
  LEDGERD_CHECK(walk.end() <= bytes.size());
}

void RunSuperblock(std::string bytes, bool good) {
  if (good) MakeGood(bytes, 4, 8, kBlockBytes);
  const auto copy = DecodeSuperblock(bytes);
  if (!copy.ok()) return;
  const auto again = DecodeSuperblock(EncodeSuperblock(*copy));
  LEDGERD_CHECK_OK(again.status());
  LEDGERD_CHECK(again->generation == copy->generation);
  LEDGERD_CHECK(again->superblock == copy->superblock);
}

void RunCheckpoint(const std::string& bytes) {
  const auto record = DecodeCheckpoint(bytes);
  if (!record.ok()) return;
  const auto again = DecodeCheckpoint(EncodeCheckpoint(*record));
  LEDGERD_CHECK_OK(again.status());
  LEDGERD_CHECK(*again == *record);
}

void RunIdentity(const std::string& text) {
  const auto identity = DecodeIdentity(text);
  if (!identity.ok()) return;
  const auto again = DecodeIdentity(EncodeIdentity(*identity));
  LEDGERD_CHECK_OK(again.status());
  LEDGERD_CHECK(*again == *identity);
}

// rocksdb_manifest.h: checksum 4, length 2, type 1, content.
constexpr size_t kManifestHeaderBytes = 7;
constexpr char kWholeRecord = 1;

// The checksum of a manifest's record is over its type and its content.
uint32_t ManifestChecksum(absl::string_view covered) {
  const uint32_t crc = Crc32c(covered);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

void RunManifest(std::string bytes, bool good) {
  for (size_t at = 0; good && at + kManifestHeaderBytes <= bytes.size();) {
    const size_t size =
        kManifestHeaderBytes + GetLittle<uint16_t>(bytes.data() + at + 4);
    if (at + size > bytes.size()) break;
    PutLittle(bytes.data() + at,
              ManifestChecksum({bytes.data() + at + 6, size - 6}));
    at += size;
  }
  const absl::string_view manifest = bytes;
  const std::optional<size_t> damage = FindDamage(manifest);
  if (!damage.has_value()) return;
  LEDGERD_CHECK(*damage < manifest.size());
  // All before it is whole.
  LEDGERD_CHECK(!FindDamage(manifest.substr(0, *damage)).has_value());
}

std::string ManifestOf(const std::vector<std::string>& contents) {
  std::string bytes;
  for (const std::string& content : contents) {
    std::string record(kManifestHeaderBytes, '\0');
    record[6] = kWholeRecord;
    record += content;
    PutLittle(record.data() + 4, static_cast<uint16_t>(content.size()));
    PutLittle(record.data(),
              ManifestChecksum(absl::string_view(record).substr(6)));
    bytes += record;
  }
  return bytes;
}

std::vector<Entry> Entries() {
  std::vector<Account> accounts(3);
  for (uint64_t i = 0; i < 3; ++i) accounts[i].id = AccountId(i + 1);
  std::vector<Transfer> transfers(2);
  for (uint64_t i = 0; i < 2; ++i) transfers[i].id = TransferId(i + 1);
  std::vector<Entry> entries;
  const auto add = [&entries](Command command) {
    const EntryId before = entries.empty() ? EntryId{} : entries.back().id();
    entries.push_back(Entry::Seal(std::move(command), Epoch(1),
                                  Timestamp(1'000 * (entries.size() + 1)),
                                  before));
  };
  add(MakeCommand<Account>(EntryKind::kCreateAccounts, accounts));
  add(MakeCommand<Transfer>(EntryKind::kCreateTransfers, transfers));
  add(MakeExpireCommand());
  return entries;
}

std::string SegmentOf(const std::vector<Entry>& entries) {
  std::string bytes(3 * kBlockBytes, '\0');
  const std::string header =
      EncodeSegmentHeader(Identity(), Header(bytes.size()));
  bytes.replace(0, header.size(), header);
  uint64_t at = kBlockBytes;
  for (const Entry& entry : entries) {
    RecordFrame frame;
    frame.place = {Identity().cluster, SegmentNumber(1), at};
    frame.entry_bytes = static_cast<uint32_t>(entry.bytes().size());
    frame.sequence = entry.sequence();
    frame.hash = entry.hash();
    EncodeRecord(frame, entry.bytes(), Identity().salt,
                 absl::MakeSpan(bytes).subspan(at));
    at += RecordBytes(entry.bytes().size());
  }
  return bytes;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  const auto add = [&seeds](char which, absl::string_view bytes) {
    for (const char good : {'\0', '\1'}) {
      seeds.push_back(std::string{which, good} + std::string(bytes));
    }
  };
  for (const Entry& entry : Entries()) add(0, entry.bytes());
  add(1, SegmentOf(Entries()));
  SuperblockCopy copy;
  copy.generation = 3;
  copy.superblock.membership =
      storage::FirstMembership({ReplicaId(1), ReplicaId(2), ReplicaId(3)});
  add(2, EncodeSuperblock(copy));
  CheckpointRecord record;
  record.applied.entry = Entries()[0].id();
  add(3, EncodeCheckpoint(record));
  add(4, EncodeIdentity(Identity()));
  add(5, ManifestOf({"one", std::string(300, 'x'), ""}));
  return seeds;
}

}  // namespace ledgerd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ledgerd::fuzz;  // NOLINT(google-build-using-namespace)
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool good = data[1] % 2 == 1;
  switch (data[0] % 6) {
    case 0:
      RunEntry(bytes, good);
      break;
    case 1:
      RunSegment(bytes, good);
      break;
    case 2:
      RunSuperblock(bytes, good);
      break;
    case 3:
      RunCheckpoint(bytes);
      break;
    case 4:
      RunIdentity(bytes);
      break;
    default:
      RunManifest(bytes, good);
      break;
  }
  return 0;
}
