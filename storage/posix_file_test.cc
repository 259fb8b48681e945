#include "storage/posix_file.h"

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::storage {
namespace {

class PosixFileTest : public testing::Test {
 protected:
  PosixFileTest() : files_(PosixFiles()) {
    directory_ = testing::TempDir() + "/filesXXXXXX";
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
  }

  std::string Path(const std::string& name) { return directory_ + "/" + name; }

  FileSystem& files_;
  std::string directory_;
};

TEST_F(PosixFileTest, ReadsWhatWasWrittenAtAnyAlignment) {
  std::string bytes(3 * kBlockBytes, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 7 / 3);
  }
  {
    const auto file = files_.Create(Path("a"));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Write(kBlockBytes, bytes).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  const auto file = files_.Open(Path("a"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->Size().value(), 4 * kBlockBytes);
  for (const size_t offset : {0, 1, 511, 512, 4095, 4096, 5000}) {
    for (const size_t size : {1, 100, 4096, 7001}) {
      std::string read(size, 'x');
      ASSERT_TRUE(
          (*file)->Read(kBlockBytes + offset, absl::MakeSpan(read)).ok())
          << offset << " " << size;
      EXPECT_EQ(read, bytes.substr(offset, size)) << offset << " " << size;
    }
  }
}

TEST_F(PosixFileTest, AReadPastTheEndSaysSo) {
  const auto file = files_.Create(Path("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Allocate(kBlockBytes).ok());
  std::string read(100, 'x');
  EXPECT_TRUE((*file)->Read(kBlockBytes - 100, absl::MakeSpan(read)).ok());
  EXPECT_EQ(read, std::string(100, '\0'));
  EXPECT_TRUE(absl::IsOutOfRange(
      (*file)->Read(kBlockBytes - 99, absl::MakeSpan(read))));
  EXPECT_TRUE(
      absl::IsOutOfRange((*file)->Read(kBlockBytes, absl::MakeSpan(read))));
}

TEST_F(PosixFileTest, NamesBehaveAsPromised) {
  EXPECT_TRUE(absl::IsNotFound(files_.Open(Path("a")).status()));
  ASSERT_TRUE(files_.Create(Path("a")).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(files_.Create(Path("a")).status()));
  ASSERT_TRUE(files_.Create(Path("b")).ok());
  EXPECT_EQ(files_.List(directory_).value(),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(files_.Rename(Path("a"), Path("b")).ok());
  EXPECT_TRUE(absl::IsNotFound(files_.Rename(Path("a"), Path("b"))));
  EXPECT_TRUE(files_.SyncDirectory(directory_).ok());
  EXPECT_TRUE(files_.Remove(Path("b")).ok());
  EXPECT_TRUE(absl::IsNotFound(files_.Remove(Path("b"))));
  EXPECT_TRUE(absl::IsNotFound(files_.SyncDirectory(Path("c"))));
}

TEST_F(PosixFileTest, ErrorsHaveTheCodesThatAreActedOn) {
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(ENOSPC, "x")));
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(EDQUOT, "x")));
  EXPECT_TRUE(absl::IsInternal(FileError(EIO, "x")));
  EXPECT_TRUE(absl::IsInternal(FileError(EACCES, "x")));
  EXPECT_EQ(FileError(EACCES, "open /a").message(),
            "open /a: Permission denied");
}

TEST_F(PosixFileTest, MoreThanThereCanBeIsNotAllocated) {
  const auto file = files_.Create(Path("a"));
  ASSERT_TRUE(file.ok());
  EXPECT_FALSE((*file)->Allocate(uint64_t{1} << 60).ok());
}

}  // namespace
}  // namespace ledgerd::storage
