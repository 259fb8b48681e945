#include "tests/crash/table_parts.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/check.h"
#include "proto/base/little_endian.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace ledgerd::crash {
namespace {

constexpr uint64_t kFooterBytes = 53;

class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }

  uint64_t Varint() {
    uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<uint8_t>(Take(1)[0]);
      number |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
  }

  absl::string_view Take(uint64_t count) {
    LEDGERD_CHECK(count <= bytes_.size()) << "not a table";
    const absl::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  // A block, with its trailer.
  TablePart Handle(absl::string_view name) {
    TablePart part;
    part.name = std::string(name);
    part.begin = Varint();
    part.end = part.begin + Varint() + kTrailerBytes;
    return part;
  }

 private:
  absl::string_view bytes_;
};

std::string NameOfMeta(absl::string_view key) {
  if (absl::StrContains(key, "filter")) return "filter";
  if (absl::StrContains(key, "properties")) return "properties";
  return std::string(key);
}

// What the metaindex names.
std::vector<TablePart> MetaBlocks(absl::string_view block) {
  const auto restarts = GetLittle<uint32_t>(block.data() + block.size() - 4);
  Reader entries(block.substr(0, block.size() - 4 * (restarts + 1)));
  std::vector<TablePart> parts;
  std::string key;
  while (!entries.empty()) {
    const uint64_t shared = entries.Varint();
    const uint64_t unshared = entries.Varint();
    const uint64_t value = entries.Varint();
    key.resize(shared);
    absl::StrAppend(&key, entries.Take(unshared));
    parts.push_back(Reader(entries.Take(value)).Handle(NameOfMeta(key)));
  }
  return parts;
}

uint8_t Byte(Reader& bytes) { return static_cast<uint8_t>(bytes.Take(1)[0]); }

absl::string_view View(const std::string& bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

std::string TableOf(const std::string& bytes) {
  static const std::map<char, std::string> kTables = {
      {'A', "accounts"},  {'B', "account_times"}, {'E', "expiries"},
      {'F', "filters"},   {'H', "history"},       {'I', "ids"},
      {'M', "meta"},      {'P', "pending"},       {'R', "runs"},
      {'T', "transfers"}, {'N', "incidents"},     {'V', "event_runs"},
      {'X', "indexes"},   {'Y', "events"}};
  Reader entry(View(bytes));
  // The first key shares nothing with one before it, so a block as it is begins
  // with 0. Else LZ4's length and literals do; the entry is the first of these.
  if (bytes.front() != 0) {
    entry.Varint();
    if (Byte(entry) >> 4 == 15) {
      while (Byte(entry) == 255) continue;
    }
  }
  for (int i = 0; i < 3; ++i) entry.Varint();
  const char letter = entry.Take(1)[0];
  const auto table = kTables.find(letter);
  LEDGERD_CHECK(table != kTables.end())
      << "a table begins with the key '" << letter << "'";
  return table->second;
}

std::vector<TablePart> PartsOfTable(const std::string& bytes) {
  const uint64_t footer = bytes.size() - kFooterBytes;
  Reader handles(View(bytes).substr(footer + 1));
  const TablePart meta = handles.Handle("metaindex");
  const TablePart index = handles.Handle("index");
  std::vector<TablePart> parts = MetaBlocks(
      View(bytes).substr(meta.begin, meta.end - kTrailerBytes - meta.begin));
  parts.push_back(index);
  parts.push_back(meta);
  parts.push_back({"footer", footer, bytes.size()});
  std::sort(parts.begin(), parts.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin; });
  parts.insert(parts.begin(), {"data", 0, parts.front().begin});
  for (size_t i = 1; i < parts.size(); ++i) {
    LEDGERD_CHECK(parts[i].begin == parts[i - 1].end) << parts[i].name;
  }
  return parts;
}

uint32_t ComputedChecksum(const std::string& bytes, const TablePart& block) {
  // XXH3 of all but the last byte, which is the type of compression.
  constexpr uint32_t kOfLastByte = 0x6b9083d9;
  const uint64_t size = block.end - kTrailerBytes - block.begin;
  const auto hash =
      static_cast<uint32_t>(XXH3_64bits(bytes.data() + block.begin, size));
  return hash ^ static_cast<uint8_t>(bytes[block.begin + size]) * kOfLastByte;
}

uint32_t StoredChecksum(const std::string& bytes, const TablePart& block) {
  return GetLittle<uint32_t>(bytes.data() + block.end - 4);
}

void FixChecksum(const TablePart& block, std::string& bytes) {
  PutLittle(bytes.data() + block.end - 4, ComputedChecksum(bytes, block));
}

}  // namespace ledgerd::crash
