#include "storage/journal_testing.h"

#include <cstdlib>
#include <numeric>
#include <utility>

#include "proto/base/check.h"
#include "storage/superblock.h"

namespace ledgerd::storage {
namespace {

Entry MakeEntry(size_t rows, uint64_t variant, const EntryId& at) {
  const uint64_t sequence = at.sequence.value() + 1;
  const Epoch epoch(at.epoch.value() == 0 ? 1 : at.epoch.value());
  const Timestamp timestamp(sequence * 100'000 + variant);
  Command command;
  if (rows > 0) {
    std::vector<Transfer> transfers(rows);
    for (size_t i = 0; i < rows; ++i) {
      transfers[i].id = TransferId(MakeUint128(sequence, i + 1));
      transfers[i].amount = Amount(sequence + variant);
      transfers[i].ledger = 1;
      transfers[i].code = 1;
    }
    command = MakeCommand<Transfer>(EntryKind::kCreateTransfers, transfers);
  }
  return Entry::Seal(std::move(command), epoch, timestamp, at);
}

}  // namespace

std::vector<Entry> MakeEntries(size_t count, size_t rows, EntryId& at,
                               uint64_t variant) {
  std::vector<Entry> entries;
  for (size_t i = 0; i < count; ++i) {
    entries.push_back(MakeEntry(rows, variant, at));
    at = entries.back().id();
  }
  return entries;
}

JournalIdentity TestIdentity() {
  return {.cluster = ClusterId(0xC1),
          .replica = ReplicaId(1),
          .incarnation = 1,
          .salt = FrameSalt(0x5A17)};
}

JournalPaths TestPaths() {
  return {.superblock = "/d/superblock",
          .journal = "/d/journal",
          .rolled_back = "/d/rolled_back"};
}

void FormatTestJournal(FaultyFiles& files, uint64_t segment_bytes) {
  const JournalPaths paths = TestPaths();
  files.MakeDirectory("/d");
  files.MakeDirectory(paths.journal);
  files.MakeDirectory(paths.rolled_back);
  LEDGERD_CHECK_OK(SuperblockFile::Create(files, paths.superblock, {}));
  LEDGERD_CHECK_OK(CreateFirstSegment(files, paths.journal, TestIdentity(), {},
                                      segment_bytes));
  LEDGERD_CHECK_OK(files.SyncDirectory(paths.journal));
  LEDGERD_CHECK_OK(files.SyncDirectory("/d"));
}

std::vector<uint64_t> TestSeeds(uint64_t count) {
  // Read before any thread is there. NOLINTBEGIN(concurrency-mt-unsafe)
  const char* one = std::getenv("LEDGERD_SEED");
  const char* many = std::getenv("LEDGERD_SEEDS");
  // NOLINTEND(concurrency-mt-unsafe)
  if (one != nullptr) return {std::strtoull(one, nullptr, 10)};
  if (many != nullptr) count = std::strtoull(many, nullptr, 10);
  std::vector<uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 1);
  return seeds;
}

std::string HowToReplay(uint64_t seed) {
  return "seed " + std::to_string(seed) +
         "; replay: add --test_env=LEDGERD_SEED=" + std::to_string(seed);
}

}  // namespace ledgerd::storage
