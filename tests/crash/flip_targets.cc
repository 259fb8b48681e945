#include "tests/crash/flip_targets.h"

#include <algorithm>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/little_endian.h"
#include "tests/crash/table_parts.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBlock = 4096;

class Finder {
 public:
  explicit Finder(const fs::path& directory) : directory_(directory) {}

  FlipTargets Find() && {
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      if (!entry.is_regular_file() || entry.file_size() == 0) continue;
      file_ = fs::relative(entry.path(), directory_);
      bytes_ = integration::ReadFile(entry.path().string());
      FindIn(file_.filename().string());
    }
    return std::move(targets_);
  }

 private:
  void Add(const std::string& kind, uint64_t begin, uint64_t end) {
    if (begin < end) targets_[kind].push_back({file_, begin, end});
  }

  void FindIn(const std::string& name) {
    if (absl::EndsWith(name, ".sst")) {
      AddTable();
    } else if (absl::EndsWith(name, ".segment")) {
      AddSegment();
    } else if (absl::StartsWith(name, "MANIFEST")) {
      AddManifest();
    } else if (name == "superblock") {
      // Two copies of which a part of a block is used.
      Add("superblock first copy", 0, 512);
      Add("superblock second copy", 64 << 10, (64 << 10) + 512);
      Add("superblock", 0, bytes_.size());
    } else {
      const std::string kind =
          absl::StrCat(file_.parent_path().filename().string(), "/",
                       name.substr(0, name.find('-')));
      Add(kind, 0, bytes_.size());
    }
  }

  void AddTable() {
    const std::string table = TableOf(bytes_);
    for (const TablePart& part : PartsOfTable(bytes_)) {
      Add(absl::StrCat(table, " ", part.name), part.begin, part.end);
      if (part.name != "data" && part.name != "footer") {
        Add("trailers", part.end - kTrailerBytes, part.end);
      }
    }
  }

  // The frames, what is in them, and what follows the last one.
  void AddSegment() {
    constexpr uint64_t kFrame = 128;
    Add("journal headers", 0, 160);
    Add("journal headers, their rest", 160, kBlock);
    uint64_t end = kBlock;
    for (uint64_t at = kBlock; at + kFrame <= bytes_.size(); at += 8) {
      if (bytes_.compare(at, 4, "LDJR") != 0) continue;
      const auto entry = GetLittle<uint32_t>(bytes_.data() + at + 12);
      Add("journal frames", at, at + kFrame);
      Add("journal entries", at + kFrame, at + kFrame + entry);
      end = at + kFrame + entry;
    }
    Add("journal tails", end, std::min<uint64_t>(end + kBlock, bytes_.size()));
    Add("journal rests", end, bytes_.size());
  }

  // Records are a checksum of 4 bytes, a length of 2, a type of 1, and content.
  // There is less than a block of them.
  void AddManifest() {
    for (uint64_t at = 0; at < bytes_.size();) {
      const auto length = GetLittle<uint16_t>(bytes_.data() + at + 4);
      Add("MANIFEST checksums", at, at + 4);
      Add("MANIFEST lengths", at + 4, at + 6);
      Add("MANIFEST types", at + 6, at + 7);
      Add("MANIFEST contents", at + 7, at + 7 + length);
      at += 7 + length;
    }
  }

  const fs::path directory_;
  fs::path file_;
  std::string bytes_;
  FlipTargets targets_;
};

}  // namespace

std::string Flip::Text() const {
  return absl::StrCat(kind, ": bit ", bit, " of byte ", offset, " in ",
                      file.filename().string());
}

void UnpackFlipFixture(const fs::path& directory) {
  const auto unpacked = integration::RunToEnd(
      {"/bin/tar", "-xJf",
       integration::Runfile("tests/crash/testdata/flips.tar.xz"), "-C",
       directory});
  LEDGERD_CHECK(unpacked.exit_code == 0) << unpacked.errors;
}

FlipTargets FlipTargetsIn(const fs::path& directory) {
  return Finder(directory).Find();
}

Flip DrawFlip(const std::string& kind, const std::vector<FlipPlace>& places,
              std::mt19937_64& random) {
  const FlipPlace& place = places[random() % places.size()];
  return {.kind = kind,
          .file = place.file,
          .offset = place.begin + random() % (place.end - place.begin),
          .bit = static_cast<int>(random() % 8)};
}

void FlipBit(const Flip& flip, const fs::path& directory) {
  std::fstream file(directory / flip.file,
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(flip.offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(flip.offset));
  file.put(static_cast<char>(byte ^ (1 << flip.bit)));
  file.flush();
  LEDGERD_CHECK(file.good()) << flip.Text();
}

}  // namespace ledgerd::crash
