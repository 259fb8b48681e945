// Files of the operating system, read and written past the page cache.
//
//   FileSystem& files = PosixFiles();
//
// Direct I/O (O_DIRECT) is used because it measures better here, and because
// the page cache lies after a failed sync; the figures are in FORMAT.md. Where
// a file system does not offer it (an old tmpfs), files are synced and dropped
// from the page cache when they are opened, and a failure to do so is an error.
#ifndef LEDGERD_STORAGE_POSIX_FILE_H_
#define LEDGERD_STORAGE_POSIX_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "storage/file.h"

namespace ledgerd::storage {

// The one instance; it has no state.
FileSystem& PosixFiles();

// `error` (an errno) of `what`, with the code that file.h promises.
absl::Status FileError(int error, absl::string_view what);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_POSIX_FILE_H_
