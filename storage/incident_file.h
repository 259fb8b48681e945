// An IncidentFile keeps what a replica knows of its own incidents: written
// before anything is done about one, also on a full disk.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       auto file, IncidentFile::Open(PosixFiles(), data_dir, "incidents"));
//   Use(file->contents());
//   LEDGERD_RETURN_IF_ERROR(file->Store(contents));
//
// Shape       Some bytes, stored whole; what they say is the caller's business.
//             Two copies, written in turns, in space that is allocated once.
// Durability  What Store was given survives a crash once it returned OK; before
//             that, this or what was stored before.
// Errors      RESOURCE_EXHAUSTED  (Open) no space to make the file. Store needs
//                                 none.
//             A file whose copies are both damaged is empty, and says so: what
//             was in it had been told to the group, or is lost.
// Threads     One at a time.
// Source      FORMAT.md, "incidents".
#ifndef LEDGERD_STORAGE_INCIDENT_FILE_H_
#define LEDGERD_STORAGE_INCIDENT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "storage/file.h"

namespace ledgerd::storage {

class IncidentFile {
 public:
  static constexpr uint64_t kCopyBytes = uint64_t{1} << 20;
  static constexpr size_t kHeaderBytes = 32;
  static constexpr size_t kContentsMax = kCopyBytes - kHeaderBytes;

  // Makes it, empty, when it is not there.
  static absl::StatusOr<std::unique_ptr<IncidentFile>> Open(
      FileSystem& files, const std::string& directory, const std::string& name);

  // As found by Open.
  const std::string& contents() const { return contents_; }

  // Open has found something, and none of it whole.
  bool damaged() const { return damaged_; }

  // Requires: at most kContentsMax.
  absl::Status Store(absl::string_view contents);

 private:
  explicit IncidentFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  absl::Status Load();

  const std::unique_ptr<File> file_;
  std::string contents_;
  // Of the newest copy; the next one goes to the other's place.
  uint64_t generation_ = 0;
  bool damaged_ = false;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_INCIDENT_FILE_H_
