// Where the parts of a RocksDB table are in its file.
//
//   for (const TablePart& part : PartsOfTable(bytes)) ...   // "accounts index"
//   FixChecksum(block, bytes);    // as if a changed block were meant so
//
// Shape    Parts follow one another without gaps from the file's beginning to
//          its end; a part's last 5 bytes are its trailer, but for the data,
//          which is blocks, and the footer.
// Source   RocksDB's "Block based table format", format version 5.
#ifndef LEDGERD_TESTS_CRASH_TABLE_PARTS_H_
#define LEDGERD_TESTS_CRASH_TABLE_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ledgerd::crash {

// A block's type of compression and its checksum.
inline constexpr uint64_t kTrailerBytes = 5;

struct TablePart {
  std::string name;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// The table of FORMAT.md that a file is of.
std::string TableOf(const std::string& bytes);

// In the order of the file: data, then filter, index and properties in some
// order, metaindex, footer.
std::vector<TablePart> PartsOfTable(const std::string& bytes);

// The checksum that a block begin .. end, trailer included, should have, and
// the one it has.
uint32_t ComputedChecksum(const std::string& bytes, const TablePart& block);
uint32_t StoredChecksum(const std::string& bytes, const TablePart& block);

void FixChecksum(const TablePart& block, std::string& bytes);

}  // namespace ledgerd::crash

#endif  // LEDGERD_TESTS_CRASH_TABLE_PARTS_H_
