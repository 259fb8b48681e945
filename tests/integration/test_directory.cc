#include "tests/integration/test_directory.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proto/base/check.h"

namespace ledgerd::integration {
namespace {

std::string Variable(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

// This file, which is a test's data too: Bazel shows it as a link to where it
// is.
constexpr char kThisFile[] = "tests/integration/test_directory.cc";

}  // namespace

TestDirectory::TestDirectory(const std::string& name) {
  path_ = Variable("TEST_TMPDIR", "/tmp") + "/" + name + ".XXXXXX";
  LEDGERD_CHECK(mkdtemp(path_.data()) != nullptr) << path_;
}

TestDirectory::~TestDirectory() {
  if (Variable("LEDGERD_KEEP_TEST_FILES", "") == "1") {
    std::printf("kept: %s\n", path_.c_str());
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  LEDGERD_CHECK(file.good()) << "cannot write " << path;
}

std::string Runfile(const std::string& path) {
  const std::string root = Variable("TEST_SRCDIR", "");
  if (!root.empty()) {
    return root + "/" + Variable("TEST_WORKSPACE", "ledgerd") + "/" + path;
  }
  const std::string built = "bazel-bin/" + path;
  return std::filesystem::exists(built) ? built : path;
}

std::string WorkspaceDirectory() {
  const auto file = std::filesystem::canonical(Runfile(kThisFile));
  return file.parent_path().parent_path().parent_path().string();
}

}  // namespace ledgerd::integration
