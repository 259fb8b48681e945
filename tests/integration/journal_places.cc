#include "tests/integration/journal_places.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ios>

#include "proto/base/check.h"

namespace ledgerd::integration {
namespace {

// Of a segment.
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kNumberAt = 48;
// Of a record.
constexpr size_t kKindAt = 10;
constexpr char kIsEntry = 1;
constexpr size_t kBytesAt = 12;
constexpr size_t kSegmentAt = 32;
constexpr size_t kSequenceAt = 48;
constexpr size_t kFrameBytes = 128;
// Of the byte that is meant, in the entry.
constexpr size_t kInEntry = 50;

uint64_t NumberAt(const std::string& bytes, size_t at, size_t size) {
  uint64_t number = 0;
  for (size_t i = size; i-- > 0;) {
    number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return number;
}

std::string FirstBytesOf(const std::string& path, size_t bytes_max) {
  std::string bytes(bytes_max, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

}  // namespace

std::map<uint64_t, JournalPlace> EntriesIn(const std::string& data_directory,
                                           size_t bytes_max) {
  std::map<uint64_t, JournalPlace> places;
  for (const auto& file :
       std::filesystem::directory_iterator(data_directory + "/journal")) {
    if (file.path().extension() != ".segment") continue;
    const std::string bytes = FirstBytesOf(file.path(), bytes_max);
    for (size_t at = bytes.find("LDJR", kHeaderBytes);
         at != std::string::npos && at + kFrameBytes <= bytes.size();
         at = bytes.find("LDJR", at + 1)) {
      // What a segment before this one had there is none of its records.
      if (bytes[at + kKindAt] != kIsEntry ||
          NumberAt(bytes, at + kSegmentAt, 8) !=
              NumberAt(bytes, kNumberAt, 8)) {
        continue;
      }
      places[NumberAt(bytes, at + kSequenceAt, 8)] = {
          .path = file.path(),
          .offset = at + kFrameBytes + kInEntry,
          .entry_bytes =
              static_cast<size_t>(NumberAt(bytes, at + kBytesAt, 4))};
    }
  }
  return places;
}

char ByteAt(const JournalPlace& place) {
  std::ifstream file(place.path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(place.offset));
  return static_cast<char>(file.get());
}

void FlipBit(const JournalPlace& place) {
  const char flipped = static_cast<char>(ByteAt(place) ^ 8);
  const int file = open(place.path.c_str(), O_WRONLY | O_CLOEXEC);
  LEDGERD_CHECK(file >= 0) << place.path;
  LEDGERD_CHECK(pwrite(file, &flipped, 1, static_cast<off_t>(place.offset)) ==
                1);
  LEDGERD_CHECK(fsync(file) == 0);
  close(file);
}

}  // namespace ledgerd::integration
