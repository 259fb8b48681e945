// A directory of a test's own, and where the test finds the programs it tests.
//
//   const TestDirectory directory("ledger");
//   Format(directory.Path("data"));
//
// Shape   A new directory below TEST_TMPDIR (below /tmp by hand), removed with
//         everything in it at the end; LEDGERD_KEEP_TEST_FILES=1 keeps it.
#ifndef LEDGERD_TESTS_INTEGRATION_TEST_DIRECTORY_H_
#define LEDGERD_TESTS_INTEGRATION_TEST_DIRECTORY_H_

#include <string>

namespace ledgerd::integration {

class TestDirectory {
 public:
  explicit TestDirectory(const std::string& name);
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory();

  const std::string& path() const { return path_; }

  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// All of a file; empty when there is none.
std::string ReadFile(const std::string& path);

void WriteFile(const std::string& path, const std::string& text);

// A file of this workspace that the test depends on, by its path from the root:
// "server/ledgerd". By hand, run the test in the workspace.
std::string Runfile(const std::string& path);

// The workspace as it is on this machine's disk, for what Bazel does not know
// of (node_modules, the payments of others).
std::string WorkspaceDirectory();

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_TEST_DIRECTORY_H_
