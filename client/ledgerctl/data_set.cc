#include "client/ledgerctl/data_set.h"

#include <filesystem>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "client/chains.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

// Parses fields of the current row; keeps the first error.
class Fields {
 public:
  explicit Fields(const CsvFile& file) : file_(file) {}

  Uint128 Id(absl::string_view column) {
    return Value(column, ParseId(file_.Get(column)), Uint128{0});
  }

  // Where an empty field, or no such column, is 0.
  Uint128 OptionalId(absl::string_view column) {
    return file_.Get(column).empty() ? Uint128{0} : Id(column);
  }

  Amount Money(absl::string_view column) {
    return Value(column, ParseAmount(file_.Get(column)), Amount(0));
  }

  template <typename T>
  T Number(absl::string_view column) {
    const absl::string_view text = file_.Get(column);
    if (text.empty()) return 0;
    constexpr uint64_t kMax = std::numeric_limits<T>::max();
    return static_cast<T>(Value(column, ParseNumber(text, kMax), uint64_t{0}));
  }

  template <typename T>
  T Value(absl::string_view column, absl::StatusOr<T> parsed, T otherwise) {
    if (parsed.ok()) return *parsed;
    if (status_.ok()) {
      status_ = file_.Annotate(
          absl::Status(parsed.status().code(),
                       absl::StrCat(column, ": ", parsed.status().message())));
    }
    return otherwise;
  }

  absl::string_view Raw(absl::string_view column) const {
    return file_.Get(column);
  }

  const absl::Status& status() const { return status_; }

 private:
  const CsvFile& file_;
  absl::Status status_;
};

absl::StatusOr<Account> ParseAccount(const CsvFile& file) {
  Fields fields(file);
  Account account;
  account.id = AccountId(fields.Id("id"));
  account.ledger = fields.Number<uint32_t>("ledger");
  account.code = fields.Number<uint16_t>("code");
  account.flags = fields.Value("flags", ParseAccountFlags(fields.Raw("flags")),
                               uint16_t{0});
  account.user_data_128 = fields.OptionalId("user_data_128");
  account.user_data_64 = fields.Number<uint64_t>("user_data_64");
  account.user_data_32 = fields.Number<uint32_t>("user_data_32");
  account.timestamp = Timestamp(fields.Number<uint64_t>("timestamp"));
  if (!fields.status().ok()) return fields.status();
  return account;
}

absl::StatusOr<TransferLine> ParseTransfer(const CsvFile& file) {
  Fields fields(file);
  TransferLine line{.line = file.line()};
  Transfer& transfer = line.transfer;
  transfer.id = TransferId(fields.Id("id"));
  transfer.debit_account_id = AccountId(fields.OptionalId("debit_account_id"));
  transfer.credit_account_id =
      AccountId(fields.OptionalId("credit_account_id"));
  transfer.amount = fields.Money("amount");
  transfer.ledger = fields.Number<uint32_t>("ledger");
  transfer.code = fields.Number<uint16_t>("code");
  transfer.flags = fields.Value(
      "flags", ParseTransferFlags(fields.Raw("flags")), uint16_t{0});
  transfer.pending_id = TransferId(fields.OptionalId("pending_id"));
  transfer.timeout_seconds = fields.Number<uint32_t>("timeout");
  transfer.user_data_128 = fields.OptionalId("user_data_128");
  transfer.user_data_64 = fields.Number<uint64_t>("user_data_64");
  transfer.user_data_32 = fields.Number<uint32_t>("user_data_32");
  transfer.timestamp = Timestamp(fields.Number<uint64_t>("timestamp"));
  if (!fields.Raw("expect").empty()) {
    line.expect =
        fields.Value("expect", ParseTransferStatus(fields.Raw("expect")),
                     TransferStatus::kCreated);
  }
  if (!fields.status().ok()) return fields.status();
  return line;
}

absl::StatusOr<std::unique_ptr<CsvFile>> OpenWith(
    const std::string& path, const std::vector<absl::string_view>& columns) {
  LEDGERD_ASSIGN_OR_RETURN(auto file, CsvFile::Open(path));
  LEDGERD_RETURN_IF_ERROR(file->RequireColumns(columns));
  return file;
}

// Where a file of this name belongs; nullptr: nowhere.
std::string* PlaceOf(const std::string& name, DataSet* set) {
  if (!absl::EndsWith(name, ".csv") && !absl::EndsWith(name, ".csv.gz")) {
    return nullptr;
  }
  if (absl::StartsWith(name, "accounts")) return &set->accounts;
  if (absl::StartsWith(name, "transfers")) return &set->transfers;
  if (absl::StartsWith(name, "expected")) return &set->expected;
  if (absl::StartsWith(name, "checkpoints")) return &set->checkpoints;
  return nullptr;
}

absl::Status Put(const std::filesystem::path& path, std::string* place) {
  if (!place->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(*place, " and ", path.string(),
                     " are of the same kind; import one after the other"));
  }
  *place = path.string();
  return absl::OkStatus();
}

absl::Status AddFolder(const std::string& path, DataSet* set) {
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    std::string* place = PlaceOf(entry.path().filename().string(), set);
    if (place != nullptr) LEDGERD_RETURN_IF_ERROR(Put(entry.path(), place));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataSet> FindDataSet(const std::vector<std::string>& paths) {
  DataSet set;
  for (const std::string& path : paths) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      LEDGERD_RETURN_IF_ERROR(AddFolder(path, &set));
      continue;
    }
    if (!std::filesystem::exists(path, error)) {
      return absl::NotFoundError(
          absl::StrCat("no file or folder ", path, " is there"));
    }
    const std::filesystem::path file(path);
    std::string* place = PlaceOf(file.filename().string(), &set);
    if (place == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot tell what ", path,
          " holds: name it accounts*.csv, "
          "transfers*.csv, expected*.csv or checkpoints*.csv (or .csv.gz), or "
          "give a folder with such files"));
    }
    LEDGERD_RETURN_IF_ERROR(Put(file, place));
  }
  if (set.accounts.empty() && set.transfers.empty()) {
    return absl::InvalidArgumentError(
        "no accounts*.csv and no transfers*.csv (or .csv.gz) there");
  }
  return set;
}

absl::StatusOr<std::vector<Account>> ReadAccounts(const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file,
                           OpenWith(path, {"id", "ledger", "code", "flags"}));
  std::vector<Account> accounts;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(const bool more, file->Next());
    if (!more) break;
    LEDGERD_ASSIGN_OR_RETURN(accounts.emplace_back(), ParseAccount(*file));
  }
  if (!accounts.empty() && IsLinked(accounts.back())) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", file->line(), ": the last account is linked: to nothing"));
  }
  return accounts;
}

absl::StatusOr<std::vector<StatedBalance>> ReadExpected(
    const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(const auto file,
                           OpenWith(path, {"account_id", "net"}));
  std::vector<StatedBalance> expected;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(const bool more, file->Next());
    if (!more) return expected;
    Fields fields(*file);
    const AccountId account(fields.Id("account_id"));
    const Net net = fields.Value("net", ParseNet(fields.Raw("net")), Net{});
    LEDGERD_RETURN_IF_ERROR(fields.status());
    expected.push_back({.account = account, .net = net});
  }
}

absl::StatusOr<Checkpoints> ReadCheckpoints(const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(
      const auto file,
      OpenWith(path, {"after_transfer_id", "account_id", "net"}));
  Checkpoints checkpoints;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(const bool more, file->Next());
    if (!more) return checkpoints;
    Fields fields(*file);
    const TransferId after(fields.Id("after_transfer_id"));
    const AccountId account(fields.Id("account_id"));
    const Net net = fields.Value("net", ParseNet(fields.Raw("net")), Net{});
    LEDGERD_RETURN_IF_ERROR(fields.status());
    checkpoints[after].push_back({.account = account, .net = net});
  }
}

absl::StatusOr<std::unique_ptr<TransferFile>> TransferFile::Open(
    const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(
      auto file, OpenWith(path, {"id", "debit_account_id", "credit_account_id",
                                 "amount", "ledger", "code", "flags"}));
  return std::unique_ptr<TransferFile>(new TransferFile(std::move(file)));
}

absl::StatusOr<std::vector<TransferLine>> TransferFile::NextUnit() {
  std::vector<TransferLine> unit;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(const bool more, file_->Next());
    if (!more && unit.empty()) return unit;
    if (!more) {
      return absl::InvalidArgumentError(
          absl::StrCat(path(), ":", unit.back().line,
                       ": the last transfer is linked: to nothing"));
    }
    LEDGERD_ASSIGN_OR_RETURN(unit.emplace_back(), ParseTransfer(*file_));
    if (!IsLinked(unit.back().transfer)) return unit;
  }
}

}  // namespace ledgerd::client
