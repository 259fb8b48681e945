#include "client/ledgerctl/csv.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

#include <sys/stat.h>

namespace ledgerd::client {
namespace {

constexpr size_t kBufferBytes = 64 << 10;
constexpr int kEnd = -1;

}  // namespace

struct CsvFile::Gzip {
  gzFile file = nullptr;
  double size_bytes = 0;

  ~Gzip() {
    if (file != nullptr) gzclose(file);
  }
};

absl::StatusOr<std::unique_ptr<CsvFile>> CsvFile::Open(
    const std::string& path) {
  auto gzip = std::make_unique<Gzip>();
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0) {
    gzip->size_bytes = static_cast<double>(info.st_size);
    gzip->file = gzopen(path.c_str(), "rb");
  }
  if (gzip->file == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        "cannot open ", path, ": ", std::generic_category().message(errno)));
  }
  std::unique_ptr<CsvFile> file(new CsvFile(path, std::move(gzip)));
  LEDGERD_RETURN_IF_ERROR(file->ReadHeader());
  return file;
}

CsvFile::CsvFile(std::string path, std::unique_ptr<Gzip> file)
    : path_(std::move(path)), file_(std::move(file)), buffer_(kBufferBytes) {}

CsvFile::~CsvFile() = default;

int CsvFile::Peek() {
  if (at_ < filled_) return static_cast<unsigned char>(buffer_[at_]);
  const int got = gzread(file_->file, buffer_.data(), kBufferBytes);
  at_ = 0;
  filled_ = got > 0 ? static_cast<size_t>(got) : 0;
  int error = Z_OK;
  const char* message = gzerror(file_->file, &error);
  // A cut off file ends like a whole one, but for this error.
  if (got < 0 || (got == 0 && error == Z_BUF_ERROR)) {
    status_ = absl::DataLossError(absl::StrCat(
        path_, " is damaged or cut off near line ", line_, ": ", message));
  }
  return filled_ == 0 ? kEnd : static_cast<unsigned char>(buffer_[0]);
}

int CsvFile::Take() {
  const int c = Peek();
  if (c != kEnd) ++at_;
  if (c == '\n') ++line_;
  return c;
}

absl::Status CsvFile::Bad(absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ":", row_line_, ": ", why));
}

absl::Status CsvFile::Annotate(const absl::Status& status) const {
  return absl::Status(status.code(), absl::StrCat(path_, ":", row_line_, ": ",
                                                  status.message()));
}

absl::Status CsvFile::ReadHeader() {
  for (const char mark : {'\xef', '\xbb', '\xbf'}) {
    if (Peek() == static_cast<unsigned char>(mark)) Take();
  }
  LEDGERD_ASSIGN_OR_RETURN(const bool any, ReadRecord());
  if (!any) return Bad("the file is empty; its first line names the columns");
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (!columns_.emplace(fields_[i], i).second) {
      return Bad(absl::StrCat("column '", fields_[i], "' is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CsvFile::RequireColumns(
    const std::vector<absl::string_view>& names) const {
  for (const absl::string_view name : names) {
    if (columns_.contains(name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":1: no column '", name, "' in the header"));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvFile::Next() {
  LEDGERD_ASSIGN_OR_RETURN(const bool more, ReadRecord());
  if (more && fields_.size() != columns_.size()) {
    return Bad(absl::StrCat("has ", fields_.size(), " fields, the header ",
                            columns_.size()));
  }
  return more;
}

absl::StatusOr<bool> CsvFile::ReadRecord() {
  while (Peek() == '\n' || Peek() == '\r') Take();
  row_line_ = line_;
  fields_.clear();
  if (Peek() == kEnd) {
    if (!status_.ok()) return status_;
    return false;
  }
  std::string field;
  while (true) {
    const int c = Take();
    if (c == '"' && field.empty()) {
      LEDGERD_RETURN_IF_ERROR(ReadQuoted(&field));
    } else if (c == ',' || c == '\n' || c == kEnd) {
      fields_.push_back(std::move(field));
      field.clear();
      if (c != ',') break;
    } else if (c == '\r' && (Peek() == '\n' || Peek() == kEnd)) {
      continue;
    } else {
      field.push_back(static_cast<char>(c));
    }
  }
  if (!status_.ok()) return status_;
  return true;
}

absl::Status CsvFile::ReadQuoted(std::string* field) {
  while (true) {
    const int c = Take();
    if (c == kEnd) {
      return status_.ok() ? Bad("a quoted field does not end") : status_;
    }
    if (c != '"') {
      field->push_back(static_cast<char>(c));
    } else if (Peek() == '"') {
      field->push_back(static_cast<char>(Take()));
    } else {
      break;
    }
  }
  const int next = Peek();
  if (next == ',' || next == '\n' || next == '\r' || next == kEnd) {
    return absl::OkStatus();
  }
  return Bad("text after the closing quote; a quote within a field is doubled");
}

absl::string_view CsvFile::Get(absl::string_view column) const {
  const auto found = columns_.find(column);
  if (found == columns_.end()) return {};
  return fields_[found->second];
}

double CsvFile::fraction() const {
  if (file_->size_bytes <= 0) return 1;
  return static_cast<double>(gzoffset(file_->file)) / file_->size_bytes;
}

}  // namespace ledgerd::client
