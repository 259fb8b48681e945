#include "storage/incident_file.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

// Offsets in a copy; FORMAT.md says the same in words.
constexpr size_t kMagicAt = 0;
constexpr size_t kChecksumAt = 4;
constexpr size_t kVersionAt = 8;
constexpr size_t kSizeAt = 12;
constexpr size_t kGenerationAt = 16;

constexpr absl::string_view kMagic = "LDIN";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kCopies = 2;

struct Copy {
  uint64_t generation = 0;
  std::string contents;
};

std::string Encode(uint64_t generation, absl::string_view contents) {
  std::string bytes(
      RoundUpToBlock(IncidentFile::kHeaderBytes + contents.size()), '\0');
  char* to = bytes.data();
  std::memcpy(to + kMagicAt, kMagic.data(), kMagic.size());
  PutLittle(to + kVersionAt, kVersion);
  PutLittle(to + kSizeAt, static_cast<uint32_t>(contents.size()));
  PutLittle(to + kGenerationAt, generation);
  std::memcpy(to + IncidentFile::kHeaderBytes, contents.data(),
              contents.size());
  const absl::string_view covered(
      to + kVersionAt,
      IncidentFile::kHeaderBytes + contents.size() - kVersionAt);
  PutLittle(to + kChecksumAt, Crc32c(covered));
  return bytes;
}

// Nothing unless it is whole.
std::optional<Copy> Decode(absl::string_view bytes) {
  const char* from = bytes.data();
  if (bytes.substr(kMagicAt, kMagic.size()) != kMagic) return std::nullopt;
  if (GetLittle<uint32_t>(from + kVersionAt) != kVersion) return std::nullopt;
  const auto size = GetLittle<uint32_t>(from + kSizeAt);
  if (size > IncidentFile::kContentsMax) return std::nullopt;
  const absl::string_view covered =
      bytes.substr(kVersionAt, IncidentFile::kHeaderBytes + size - kVersionAt);
  if (GetLittle<uint32_t>(from + kChecksumAt) != Crc32c(covered)) {
    return std::nullopt;
  }
  return Copy{GetLittle<uint64_t>(from + kGenerationAt),
              std::string(bytes.substr(IncidentFile::kHeaderBytes, size))};
}

}  // namespace

absl::StatusOr<std::unique_ptr<IncidentFile>> IncidentFile::Open(
    FileSystem& files, const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  auto opened = files.Open(path);
  if (absl::IsNotFound(opened.status())) opened = files.Create(path);
  LEDGERD_RETURN_IF_ERROR(opened.status());
  std::unique_ptr<IncidentFile> file(new IncidentFile(*std::move(opened)));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t size, file->file_->Size());
  if (size < kCopies * kCopyBytes) {
    // New, or its making was cut short.
    LEDGERD_RETURN_IF_ERROR(file->file_->Allocate(kCopies * kCopyBytes));
    LEDGERD_RETURN_IF_ERROR(file->file_->Sync());
    LEDGERD_RETURN_IF_ERROR(files.SyncDirectory(directory));
  }
  LEDGERD_RETURN_IF_ERROR(file->Load());
  return file;
}

absl::Status IncidentFile::Load() {
  bool empty = true;
  for (uint64_t i = 0; i < kCopies; ++i) {
    std::string bytes(kCopyBytes, '\0');
    const absl::Status read =
        file_->Read(i * kCopyBytes, absl::MakeSpan(bytes));
    // A block that the device cannot read damages its copy alone.
    if (!read.ok() && !absl::IsDataLoss(read)) return read;
    if (!read.ok() || bytes.find_first_not_of('\0') != std::string::npos) {
      empty = false;
    }
    std::optional<Copy> copy = Decode(bytes);
    if (!copy.has_value() || copy->generation <= generation_) continue;
    generation_ = copy->generation;
    contents_ = std::move(copy->contents);
  }
  damaged_ = !empty && generation_ == 0;
  return absl::OkStatus();
}

absl::Status IncidentFile::Store(absl::string_view contents) {
  LEDGERD_CHECK(contents.size() <= kContentsMax);
  const uint64_t generation = generation_ + 1;
  LEDGERD_RETURN_IF_ERROR(file_->Write(generation % kCopies * kCopyBytes,
                                       Encode(generation, contents)));
  LEDGERD_RETURN_IF_ERROR(file_->Sync());
  generation_ = generation;
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
