// Where the entries of a replica's journal are on its disk, for tests that
// damage them there.
//
//   const auto places = EntriesIn(data_directory);
//   FlipBit(places.at(7));
//
// Shape    Read by the format alone (storage/FORMAT.md), under a daemon that
//          has the files open.
#ifndef LEDGERD_TESTS_INTEGRATION_JOURNAL_PLACES_H_
#define LEDGERD_TESTS_INTEGRATION_JOURNAL_PLACES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace ledgerd::integration {

struct JournalPlace {
  std::string path;
  // Of a byte of the entry.
  size_t offset = 0;
  // Of the whole entry, from its begin on.
  size_t entry_bytes = 0;
};

// By their sequences. Of each file the first `bytes_max`: a whole one of the
// usual size takes a second.
std::map<uint64_t, JournalPlace> EntriesIn(const std::string& data_directory,
                                           size_t bytes_max);

char ByteAt(const JournalPlace& place);

// On the disk. Requires: it can be written.
void FlipBit(const JournalPlace& place);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_JOURNAL_PLACES_H_
