// Files for tests, in the test's own temporary directory.
//
//   const std::string path = WriteFile("accounts.csv", "id,ledger\n1,1\n");
#ifndef LEDGERD_CLIENT_LEDGERCTL_TEST_FILES_H_
#define LEDGERD_CLIENT_LEDGERCTL_TEST_FILES_H_

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "proto/base/check.h"

namespace ledgerd::client {

// A directory that did not exist before.
inline std::string MakeFolder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets the environment.
  const char* root = std::getenv("TEST_TMPDIR");
  std::string folder =
      std::string(root == nullptr ? "/tmp" : root) + "/files.XXXXXX";
  LEDGERD_CHECK(mkdtemp(folder.data()) != nullptr);
  return folder;
}

inline std::string WriteFile(const std::string& folder, const std::string& name,
                             const std::string& text) {
  const std::string path = folder + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

inline std::string WriteGzip(const std::string& folder, const std::string& name,
                             const std::string& text) {
  const std::string path = folder + "/" + name;
  gzFile file = gzopen(path.c_str(), "wb");
  LEDGERD_CHECK(file != nullptr);
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_TEST_FILES_H_
