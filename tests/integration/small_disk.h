// A small disk of a test's own, which it can fill up: a tmpfs in a mount
// namespace of the test alone, which ends with it.
//
//   SmallDisk disk(directory.path(), "size=64m,nr_inodes=200");
//   disk.FillUp();        // no byte is left
//   disk.TakeNames(3);    // bytes are, but three more files can be made
//   disk.MakeSpace();     // as before
//
// Shape    Making one needs root, or a kernel that lets users have namespaces.
//          It is unmounted at the end; whoever has files on it ends before.
// Threads  The test's main thread; the first one is made before others start.
#ifndef LEDGERD_TESTS_INTEGRATION_SMALL_DISK_H_
#define LEDGERD_TESTS_INTEGRATION_SMALL_DISK_H_

#include <string>

namespace ledgerd::integration {

class SmallDisk {
 public:
  // `options` are those of tmpfs.
  SmallDisk(std::string path, const std::string& options);
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk();

  const std::string& path() const { return path_; }

  std::string Path(const std::string& name) const { return path_ + "/" + name; }

  // Takes all the bytes that are left.
  void FillUp() const;

  // Takes all the names that are left, but for so many.
  void TakeNames(int left) const;

  // Gives back what the two above have taken.
  void MakeSpace() const;

 private:
  std::string ballast() const { return Path("ballast"); }

  const std::string path_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_SMALL_DISK_H_
