#include "tests/integration/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

#include <sys/mount.h>

namespace ledgerd::integration {
namespace {

constexpr off_t kPiece = off_t{64} << 20;

// So that what is mounted shows to this process and its children alone.
void LeaveMountNamespace() {
  static const bool left = [] {
    const int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
    LEDGERD_CHECK(unshare(CLONE_NEWNS | user) == 0);
    // In a chroot "/" need be no mount point, and then whoever made the chroot
    // has to have seen to that.
    const int made_private =
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    LEDGERD_CHECK(made_private == 0 || errno == EINVAL);
    return true;
  }();
  LEDGERD_CHECK(left);
}

}  // namespace

SmallDisk::SmallDisk(std::string path, const std::string& options)
    : path_(std::move(path)) {
  LeaveMountNamespace();
  LEDGERD_CHECK(mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) ==
                0);
}

SmallDisk::~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }

void SmallDisk::FillUp() const {
  std::filesystem::create_directory(ballast());
  const int file = open(absl::StrCat(ballast(), "/bytes").c_str(),
                        O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  LEDGERD_CHECK(file >= 0);
  off_t end = 0;
  for (off_t size = kPiece; size > 0;) {
    if (posix_fallocate(file, end, size) == 0) {
      end += size;
    } else {
      size /= 2;
    }
  }
  close(file);
}

void SmallDisk::TakeNames(int left) const {
  std::filesystem::create_directory(ballast());
  const auto name = [&](int i) { return absl::StrCat(ballast(), "/", i); };
  int made = 0;
  for (;; ++made) {
    const int file =
        open(name(made).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) break;
    close(file);
  }
  LEDGERD_CHECK(errno == ENOSPC && made >= left);
  for (int i = made - left; i < made; ++i) std::filesystem::remove(name(i));
}

void SmallDisk::MakeSpace() const { std::filesystem::remove_all(ballast()); }

}  // namespace ledgerd::integration
