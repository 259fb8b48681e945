// An UnfinishedDirectory is a directory that has its name once it is whole:
// what a process that is killed leaves is never taken for one.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto made, UnfinishedDirectory::Begin("/b/1"));
//   ... files below made->path(), each synced ...
//   LEDGERD_RETURN_IF_ERROR(made->Finish());
//
// Shape       Built in NAME.unfinished/content. What an earlier process has
//             left there is removed by the next Begin of the same name; until
//             then it is in nobody's way.
// Durability  Finish syncs all directories below, renames, and syncs the
//             parent.
// Errors      ALREADY_EXISTS  there is something of that name that is not an
//                             empty directory; nothing was changed.
//             ABORTED         another process is making it.
// Threads     One at a time.
#ifndef LEDGERD_STORAGE_UNFINISHED_DIRECTORY_H_
#define LEDGERD_STORAGE_UNFINISHED_DIRECTORY_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ledgerd::storage {

class UnfinishedDirectory {
 public:
  static absl::StatusOr<std::unique_ptr<UnfinishedDirectory>> Begin(
      const std::string& name);

  // Removes what is not finished.
  ~UnfinishedDirectory();

  UnfinishedDirectory(const UnfinishedDirectory&) = delete;
  UnfinishedDirectory& operator=(const UnfinishedDirectory&) = delete;

  // Not there yet: the caller makes it.
  std::string path() const { return aside_ + "/content"; }

  absl::Status Finish();

 private:
  UnfinishedDirectory(std::string name, std::string aside, int lock)
      : name_(std::move(name)), aside_(std::move(aside)), lock_(lock) {}

  const std::string name_;
  const std::string aside_;
  const int lock_;
};

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_UNFINISHED_DIRECTORY_H_
