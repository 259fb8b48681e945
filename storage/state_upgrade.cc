#include "storage/state_upgrade.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "storage/checkpoint_record.h"
#include "storage/disk_state.h"
#include "storage/index_writer.h"
#include "storage/ingest_files.h"
#include "storage/packed_row.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

// Rows that are indexed together, as those of one checkpoint are.
constexpr size_t kRowsAtOnce = size_t{256} << 10;
constexpr size_t kAccountsAtOnce = size_t{64} << 10;
constexpr uint32_t kVersionWithoutIndex = 1;

// Writes the index of what is there, which has none yet.
class IndexUpgrade {
 public:
  IndexUpgrade(const DiskState& disk, StateDatabase& database,
               const RowLimits& limits)
      : disk_(disk), database_(database), limits_(limits) {}

  absl::Status Run() {
    LEDGERD_RETURN_IF_ERROR(IndexTransfers());
    LEDGERD_RETURN_IF_ERROR(IndexAccounts());
    return Commit();
  }

  uint64_t transfers() const { return transfers_; }

  uint64_t accounts() const { return accounts_; }

 private:
  // Calls `use` with all records of a packed table, in order, many at a time.
  template <typename Record, typename Use>
  absl::Status ScanRecords(Table table, size_t at_once, const Use& use) {
    std::vector<Record> records;
    LEDGERD_RETURN_IF_ERROR(
        disk_.Scan(Key(table),
                   [&](const rocksdb::Slice& key,
                       const rocksdb::Slice& value) -> absl::Status {
                     const PackedRow<Record> row(value);
                     if (!row.valid()) return disk_.Damaged(key);
                     for (size_t i = 0; i < row.size(); ++i) {
                       records.push_back(row[i]);
                     }
                     if (records.size() < at_once) return absl::OkStatus();
                     return use(std::exchange(records, {}));
                   }));
    return records.empty() ? absl::OkStatus() : use(std::move(records));
  }

  absl::Status IndexTransfers() {
    constexpr size_t kInCache = 512;
    IndexBuilder<Transfer> index(kRowsAtOnce);
    size_t count = 0;
    const auto add = [&](const std::vector<Transfer>& rows) -> absl::Status {
      index.Add(rows);
      transfers_ += rows.size();
      count += rows.size();
      if (count < kRowsAtOnce) return absl::OkStatus();
      count = 0;
      return Write(std::exchange(index, IndexBuilder<Transfer>(kRowsAtOnce)));
    };
    LEDGERD_RETURN_IF_ERROR(
        ScanRecords<Transfer>(Table::kTransfers, kInCache, add));
    return Write(std::move(index));
  }

  absl::Status IndexAccounts() {
    return ScanRecords<AccountTime>(
        Table::kAccountTimes, kAccountsAtOnce,
        [&](const std::vector<AccountTime>& times) -> absl::Status {
          std::vector<AccountId> ids;
          ids.reserve(times.size());
          for (const AccountTime& time : times) ids.push_back(time.id());
          LEDGERD_ASSIGN_OR_RETURN(auto rows, disk_.ReadAccounts(ids));
          if (rows.size() != times.size()) {
            return absl::DataLossError("an account's timestamp has no account");
          }
          std::sort(rows.begin(), rows.end(),
                    [](const Account& a, const Account& b) {
                      return a.timestamp < b.timestamp;
                    });
          accounts_ += rows.size();
          IndexBuilder<Account> index(rows.size());
          index.Add(rows);
          return Write(std::move(index));
        });
  }

  template <typename Row>
  absl::Status Write(IndexBuilder<Row> index) {
    LEDGERD_RETURN_IF_ERROR(
        database_.CheckSpace(index.size() * kIndexBytesMax));
    parts_.push_back(
        std::make_unique<IngestFiles>(database_, kCheckpointPriority));
    LEDGERD_RETURN_IF_ERROR(
        index.Write(limits_.index_row_bytes, *parts_.back()));
    return parts_.back()->Finish();
  }

  // All of it, with the record that says so.
  absl::Status Commit() {
    CheckpointRecord record = disk_.record();
    record.format_version = kStateFormatVersion;
    IngestFiles last(database_, kCheckpointPriority);
    LEDGERD_RETURN_IF_ERROR(last.Put(MetaKey(), EncodeCheckpoint(record)));
    LEDGERD_RETURN_IF_ERROR(last.Finish());
    std::vector<std::string> paths = last.paths();
    for (const auto& part : parts_) {
      paths.insert(paths.end(), part->paths().begin(), part->paths().end());
    }
    return database_.Ingest(paths);
  }

  const DiskState& disk_;
  StateDatabase& database_;
  const RowLimits limits_;
  std::vector<std::unique_ptr<IngestFiles>> parts_;
  uint64_t transfers_ = 0;
  uint64_t accounts_ = 0;
};

}  // namespace

absl::Status UpgradeState(const std::shared_ptr<StateDatabase>& database,
                          const RowLimits& limits,
                          const std::function<void(const std::string&)>& say) {
  LEDGERD_ASSIGN_OR_RETURN(const auto disk,
                           DiskState::Load(database, /*filter_bytes_max=*/0));
  const uint32_t version = disk->record().format_version;
  if (version > kVersionWithoutIndex) return absl::OkStatus();
  const std::string what =
      absl::StrCat("state from format ", version, " to ", kStateFormatVersion);
  if (say) say(absl::StrCat("upgrading the ", what, ": building its index"));
  IndexUpgrade upgrade(*disk, *database, limits);
  LEDGERD_RETURN_IF_ERROR(upgrade.Run());
  if (say) {
    say(absl::StrCat("upgraded the ", what, ": ", upgrade.transfers(),
                     " transfers and ", upgrade.accounts(),
                     " accounts are indexed"));
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
