#include "client/ledgerctl/csv.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "client/ledgerctl/test_files.h"

namespace ledgerd::client {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Columns a and b of every row, or the error.
absl::StatusOr<Rows> ReadPath(const std::string& path) {
  auto file = CsvFile::Open(path);
  if (!file.ok()) return file.status();
  Rows rows;
  while (true) {
    const auto more = (*file)->Next();
    if (!more.ok()) return more.status();
    if (!*more) return rows;
    rows.push_back(
        {std::string((*file)->Get("a")), std::string((*file)->Get("b"))});
  }
}

absl::StatusOr<Rows> Read(const std::string& text) {
  return ReadPath(WriteFile(MakeFolder(), "x.csv", text));
}

TEST(CsvTest, Plain) {
  EXPECT_EQ(*Read("a,b\n1,2\n,\n3,4"),
            (Rows{{"1", "2"}, {"", ""}, {"3", "4"}}));
}

TEST(CsvTest, ColumnsAreFoundByName) {
  EXPECT_EQ(*Read("x,b,a\n9,2,1\n"), (Rows{{"1", "2"}}));
}

TEST(CsvTest, QuotesHoldCommasQuotesAndLines) {
  EXPECT_EQ(*Read("a,b\n\"1,\"\"x\"\"\",\"two\nlines\"\n\"\",\"z\"\n"),
            (Rows{{"1,\"x\"", "two\nlines"}, {"", "z"}}));
}

TEST(CsvTest, CrLfByteOrderMarkAndEmptyLines) {
  EXPECT_EQ(*Read("\xef\xbb\xbf"
                  "a,b\r\n1,2\r\n\r\n\"3\",\"4\"\r\n"),
            (Rows{{"1", "2"}, {"3", "4"}}));
}

TEST(CsvTest, GzipIsReadLikePlain) {
  std::string text = "a,b\n";
  Rows expected;
  for (int i = 0; i < 50'000; ++i) {
    absl::StrAppend(&text, i, ",", 2 * i, "\n");
    expected.push_back({absl::StrCat(i), absl::StrCat(2 * i)});
  }
  EXPECT_EQ(*ReadPath(WriteGzip(MakeFolder(), "x.csv.gz", text)), expected);
}

TEST(CsvTest, ACutOffGzipIsDataLoss) {
  std::string text = "a,b\n";
  for (int i = 0; i < 50'000; ++i) absl::StrAppend(&text, i, ",", i * 7, "\n");
  const std::string path = WriteGzip(MakeFolder(), "x.csv.gz", text);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_TRUE(absl::IsDataLoss(ReadPath(path).status()))
      << ReadPath(path).status();
}

// A bad row is named by the line on which it starts.
TEST(CsvTest, BadRowsAreNamedByFileAndLine) {
  struct Case {
    const char* text;
    const char* where;
  };

  for (const Case& c : {Case{"a,b\n1,2\n3\n", "x.csv:3: has 1 fields"},
                        Case{"a,b\n\"x\ny\",2\n1,2,3\n", "x.csv:4: has 3"},
                        Case{"a,b\n1,\"2\n3,4\n", "x.csv:2: a quoted field"},
                        Case{"a,b\n\"1\"x,2\n", "x.csv:2: text after"},
                        Case{"a,a\n", "x.csv:1: column 'a'"},
                        Case{"", "x.csv:1: the file is empty"}}) {
    const auto rows = Read(c.text);
    ASSERT_FALSE(rows.ok()) << c.text;
    EXPECT_TRUE(absl::IsInvalidArgument(rows.status()));
    EXPECT_NE(rows.status().message().find(c.where), absl::string_view::npos)
        << rows.status();
  }
}

TEST(CsvTest, AMissingFileIsNamed) {
  const auto file = CsvFile::Open("/nowhere/x.csv");
  EXPECT_TRUE(absl::IsNotFound(file.status()));
  EXPECT_NE(file.status().message().find("/nowhere/x.csv"),
            absl::string_view::npos);
}

TEST(CsvTest, AMissingColumnIsNamed) {
  const auto file =
      CsvFile::Open(WriteFile(MakeFolder(), "x.csv", "a,b\n1,2\n"));
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE((*file)->RequireColumns({"b", "a"}).ok());
  const absl::Status missing = (*file)->RequireColumns({"a", "net"});
  EXPECT_NE(missing.message().find("'net'"), absl::string_view::npos);
}

}  // namespace
}  // namespace ledgerd::client
