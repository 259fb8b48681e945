// How many file descriptors this process may have.
#ifndef LEDGERD_SERVER_FILE_LIMIT_H_
#define LEDGERD_SERVER_FILE_LIMIT_H_

#include <algorithm>
#include <cstddef>

#include "proto/base/check.h"

#include <sys/resource.h>

namespace ledgerd::server {

// Enough for the connections that a daemon takes at most, twice (the listener
// has a descriptor of its own for each).
inline constexpr size_t kFilesWanted = 65'536;

// Raises the soft limit, which is 1,024 by custom, as far as the hard one lets,
// up to kFilesWanted. Returns what it is now.
inline size_t RaiseFileLimit() {
  rlimit limit{};
  LEDGERD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur < kFilesWanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min<rlim_t>(kFilesWanted, limit.rlim_max);
    LEDGERD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  return limit.rlim_cur;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_FILE_LIMIT_H_
