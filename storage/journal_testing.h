// Entries for tests of journals.
//
//   EntryId at;
//   const std::vector<Entry> entries = MakeEntries(5, /*rows=*/2, at);
//
// The same arguments give the same entries.
#ifndef LEDGERD_STORAGE_JOURNAL_TESTING_H_
#define LEDGERD_STORAGE_JOURNAL_TESTING_H_

#include <cstdint>
#include <vector>

#include "proto/entry.h"
#include "storage/segment.h"

namespace ledgerd::storage {

// `count` entries of create_transfers with `rows` rows each (0: epoch_start),
// after `at`, which moves to the last of them. `variant` changes the contents.
std::vector<Entry> MakeEntries(size_t count, size_t rows, EntryId& at,
                               uint64_t variant = 0);

// A test's identity: cluster 0xC1, replica 1, incarnation 1.
JournalIdentity TestIdentity();

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_TESTING_H_
