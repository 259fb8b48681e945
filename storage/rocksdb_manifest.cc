#include "storage/rocksdb_manifest.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"
#include "storage/rocksdb_status.h"

namespace ledgerd::storage {
namespace {

// A record: checksum 4, length 2, type 1, content; none crosses a block.
constexpr size_t kBlockBytes = size_t{32} << 10;
constexpr size_t kHeaderBytes = 7;
constexpr char kFirstType = 1;
constexpr char kLastType = 4;

size_t BlockEnd(size_t at) { return (at / kBlockBytes + 1) * kBlockBytes; }

// RocksDB's way to store the checksum of data that has checksums in it.
uint32_t Masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

// What of `bytes` a record that begins at `at` can have.
absl::string_view Rest(absl::string_view bytes, size_t at) {
  return bytes.substr(at, BlockEnd(at) - at);
}

// All of the record at `at`; empty when there is no whole one.
absl::string_view WholeRecord(absl::string_view bytes, size_t at) {
  const absl::string_view rest = Rest(bytes, at);
  if (rest.size() < kHeaderBytes) return {};
  const size_t size = kHeaderBytes + GetLittle<uint16_t>(rest.data() + 4);
  if (rest[6] < kFirstType || rest[6] > kLastType || size > rest.size()) {
    return {};
  }
  const bool sound = GetLittle<uint32_t>(rest.data()) ==
                     Masked(Crc32c(rest.substr(6, size - 6)));
  return sound ? rest.substr(0, size) : absl::string_view();
}

// Where the first thing is that is no record.
size_t EndOfRecords(absl::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    if (BlockEnd(at) - at < kHeaderBytes) {
      at = BlockEnd(at);
      continue;
    }
    const size_t size = WholeRecord(bytes, at).size();
    if (size == 0) return at;
    at += size;
  }
  return bytes.size();
}

// Whether the content of the last record is there, only its length or its type
// are not what they were.
bool HasAllContent(absl::string_view bytes, size_t at) {
  const absl::string_view rest = Rest(bytes, at);
  if (rest.size() < kHeaderBytes) return false;
  std::string content(rest.substr(6));
  for (char type = kFirstType; type <= kLastType; ++type) {
    content[0] = type;
    if (GetLittle<uint32_t>(rest.data()) == Masked(Crc32c(content))) {
      return true;
    }
  }
  return false;
}

bool HasRecordAfter(absl::string_view bytes, size_t at) {
  while (++at < bytes.size()) {
    if (!WholeRecord(bytes, at).empty()) return true;
  }
  return false;
}

absl::Status Damage(absl::string_view what) {
  return absl::DataLossError(what);
}

absl::StatusOr<std::string> Read(rocksdb::Env& env, const std::string& path) {
  std::string bytes;
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(
      rocksdb::ReadFileToString(&env, path, &bytes), "reading " + path));
  return bytes;
}

bool NamesManifest(absl::string_view current) {
  constexpr absl::string_view kName = "MANIFEST-";
  if (!absl::StartsWith(current, kName) || !absl::EndsWith(current, "\n")) {
    return false;
  }
  current.remove_prefix(kName.size());
  current.remove_suffix(1);
  return !current.empty() &&
         std::all_of(current.begin(), current.end(), absl::ascii_isdigit);
}

}  // namespace

std::optional<size_t> FindDamage(absl::string_view manifest) {
  const size_t end = EndOfRecords(manifest);
  if (end == manifest.size()) return std::nullopt;
  // A length of 0 and no type: never written, with all that follows.
  const absl::string_view header = Rest(manifest, end).substr(0, kHeaderBytes);
  if (header.find_first_not_of('\0') == absl::string_view::npos) {
    return std::nullopt;
  }
  const bool damaged =
      HasAllContent(manifest, end) || HasRecordAfter(manifest, end);
  return damaged ? std::optional<size_t>(end) : std::nullopt;
}

absl::Status CheckManifest(rocksdb::Env& env, const std::string& db) {
  const std::string path = db + "/CURRENT";
  if (!env.FileExists(path).ok()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(std::string current, Read(env, path));
  if (!NamesManifest(current)) {
    return Damage(absl::StrCat(path, " is damaged: it names no manifest"));
  }
  current.pop_back();
  const std::string manifest = absl::StrCat(db, "/", current);
  if (!env.FileExists(manifest).ok()) {
    return Damage(absl::StrCat(path, " is damaged, or a file is missing: ",
                               "it names ", manifest, ", which is not there"));
  }
  LEDGERD_ASSIGN_OR_RETURN(const std::string bytes, Read(env, manifest));
  const auto damage = FindDamage({bytes.data(), bytes.size()});
  if (!damage.has_value()) return absl::OkStatus();
  return Damage(absl::StrCat(manifest, " is damaged at offset ", *damage,
                             ": a record is not whole"));
}

}  // namespace ledgerd::storage
