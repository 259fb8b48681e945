// A library to preload: the machine has the faults of machine_faults.h, from
// one moment to the next and back, while the daemon runs.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/integration/machine_faults.h"

#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

namespace ledgerd::integration {
namespace {

const MachineFaults* faults = nullptr;

__attribute__((constructor)) void MapFaults() {
  const char* path = getenv(kMachineFaultsFile);  // NOLINT: nothing else runs.
  if (path == nullptr) return;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  void* mapped =
      mmap(nullptr, sizeof(MachineFaults), PROT_READ, MAP_SHARED, file, 0);
  // A machine without its faults would pass for a daemon that bears them.
  if (mapped == MAP_FAILED) abort();
  close(file);
  faults = static_cast<const MachineFaults*>(mapped);
}

bool IsOfJournal(int descriptor) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  std::array<char, 4096> path{};
  const ssize_t length = readlink(link.c_str(), path.data(), path.size());
  return length > 0 &&
         std::string_view(path.data(), static_cast<size_t>(length))
                 .find("/journal/") != std::string_view::npos;
}

bool IsFull() { return faults != nullptr && faults->disk_full; }

int Allocate(int descriptor, off_t offset, off_t size) {
  if (IsFull() && IsOfJournal(descriptor)) return ENOSPC;
  const long failed = syscall(SYS_fallocate, descriptor, 0, offset, size);
  return failed == 0 ? 0 : errno;
}

}  // namespace
}  // namespace ledgerd::integration

extern "C" {

int posix_fallocate(int descriptor, off_t offset, off_t size) {
  return ledgerd::integration::Allocate(descriptor, offset, size);
}

int posix_fallocate64(int descriptor, off_t offset, off_t size) {
  return ledgerd::integration::Allocate(descriptor, offset, size);
}

int statvfs(const char* path, struct statvfs* stats) {
  using Real = int (*)(const char*, struct statvfs*);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "statvfs"));
  const int failed = real(path, stats);
  if (failed == 0 && ledgerd::integration::IsFull()) stats->f_bavail = 0;
  return failed;
}

int fdatasync(int descriptor) {
  using ledgerd::integration::faults;
  constexpr int kBetweenLooksMs = 1;
  const bool is_faulty = faults != nullptr &&
                         (faults->disk_hangs || faults->disk_fails) &&
                         ledgerd::integration::IsOfJournal(descriptor);
  if (is_faulty) {
    while (faults->disk_hangs) poll(nullptr, 0, kBetweenLooksMs);
    if (faults->disk_fails) {
      errno = EIO;
      return -1;
    }
  }
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

}  // extern "C"

namespace std::chrono {
inline namespace _V2 {

system_clock::time_point system_clock::now() noexcept {
  using ledgerd::integration::faults;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const milliseconds ahead(faults == nullptr ? 0
                                             : faults->clock_ahead_ms.load());
  return time_point(ahead + seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

}  // namespace _V2
}  // namespace std::chrono
