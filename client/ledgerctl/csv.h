// Reads CSV files with a header line, plain or gzipped.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto file, CsvFile::Open("transfers.csv.gz"));
//   while (true) {
//     LEDGERD_ASSIGN_OR_RETURN(const bool more, file->Next());
//     if (!more) break;
//     Use(file->Get("id"));
//   }
//
// Shape    Commas; fields that hold commas, quotes or line breaks are in
//          quotes, a quote in them is doubled; lines end with LF or CRLF; empty
//          lines are skipped; a byte order mark is too.
// Errors   NOT_FOUND         no such file.
//          INVALID_ARGUMENT  a row that is none, as file:line.
//          DATA_LOSS         damaged or cut off gzip.
// Source   RFC 4180.
#ifndef LEDGERD_CLIENT_LEDGERCTL_CSV_H_
#define LEDGERD_CLIENT_LEDGERCTL_CSV_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ledgerd::client {

class CsvFile {
 public:
  static absl::StatusOr<std::unique_ptr<CsvFile>> Open(const std::string& path);
  CsvFile(const CsvFile&) = delete;
  CsvFile& operator=(const CsvFile&) = delete;
  ~CsvFile();

  // Moves to the next row; false at the end.
  absl::StatusOr<bool> Next();

  // INVALID_ARGUMENT when the header lacks one of these.
  absl::Status RequireColumns(
      const std::vector<absl::string_view>& names) const;

  // The current row's field; empty where there is no such column.
  absl::string_view Get(absl::string_view column) const;

  // The line at which the current row starts.
  size_t line() const { return row_line_; }

  const std::string& path() const { return path_; }

  // file:line and the message, with the status's code.
  absl::Status Annotate(const absl::Status& status) const;

  // How much of the file has been read, 0 .. 1.
  double fraction() const;

 private:
  struct Gzip;

  CsvFile(std::string path, std::unique_ptr<Gzip> file);

  absl::Status ReadHeader();
  // Reads one record into fields_; false at the end.
  absl::StatusOr<bool> ReadRecord();
  absl::Status ReadQuoted(std::string* field);
  // The next byte, or -1 at the end or on an error (in status_).
  int Peek();
  int Take();
  absl::Status Bad(absl::string_view why) const;

  const std::string path_;
  const std::unique_ptr<Gzip> file_;
  std::vector<char> buffer_;
  size_t at_ = 0;
  size_t filled_ = 0;
  absl::Status status_;
  size_t line_ = 1;
  size_t row_line_ = 1;
  std::vector<std::string> fields_;
  absl::flat_hash_map<std::string, size_t> columns_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_CSV_H_
