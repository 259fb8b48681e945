// A library to preload: a disk that fails when a test wants it to. While there
// is a file of the name in LEDGERD_TEST_DISK_FAILS, no sync of the journal
// succeeds; while there is that of LEDGERD_TEST_DISK_IS_SLOW, each takes 400 ms
// more.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/syscall.h>

namespace {

bool IsThere(const char* variable) {
  const char* const file = std::getenv(variable);
  return file != nullptr && access(file, F_OK) == 0;
}

bool IsOfTheJournal(int descriptor) {
  char link[64];
  char path[4096] = {};
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  return readlink(link, path, sizeof(path) - 1) > 0 &&
         std::strstr(path, "/journal/") != nullptr;
}

}  // namespace

extern "C" int fdatasync(int descriptor) {
  constexpr int kSlowMs = 400;
  if (IsOfTheJournal(descriptor)) {
    if (IsThere("LEDGERD_TEST_DISK_IS_SLOW")) poll(nullptr, 0, kSlowMs);
    if (IsThere("LEDGERD_TEST_DISK_FAILS")) {
      errno = EIO;
      return -1;
    }
  }
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}
