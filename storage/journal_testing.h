// Entries and disks for tests of journals.
//
//   EntryId at;
//   const std::vector<Entry> entries = MakeEntries(5, /*rows=*/2, at);
//   FaultyFiles files(seed);
//   FormatTestJournal(files, kTestSegmentBytes);
//   auto journal =
//       SegmentJournal::Open(files, TestPaths(), TestIdentity(), {});
//
// The same arguments give the same entries.
#ifndef LEDGERD_STORAGE_JOURNAL_TESTING_H_
#define LEDGERD_STORAGE_JOURNAL_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/entry.h"
#include "storage/faulty_files.h"
#include "storage/journal_recovery.h"
#include "storage/segment.h"

namespace ledgerd::storage {

// `count` entries of create_transfers with `rows` rows each (0: epoch_start),
// after `at`, which moves to the last of them. `variant` changes the contents.
std::vector<Entry> MakeEntries(size_t count, size_t rows, EntryId& at,
                               uint64_t variant = 0);

// A test's identity: cluster 0xC1, replica 1, incarnation 1.
JournalIdentity TestIdentity();

JournalPaths TestPaths();

// Makes the superblock and the first segment of TestPaths(), all durable.
void FormatTestJournal(FaultyFiles& files, uint64_t segment_bytes);

// The seeds of a random test: LEDGERD_SEED alone when it is set, else 1 to
// `count`, or to LEDGERD_SEEDS.
std::vector<uint64_t> TestSeeds(uint64_t count);
// For a SCOPED_TRACE.
std::string HowToReplay(uint64_t seed);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_TESTING_H_
