#include "storage/run_reader.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "storage/state_keys.h"

namespace ledgerd::storage {

RunReader::RunReader(const DiskState& state, std::shared_ptr<const IdRun> run)
    : run_(std::move(run)), rows_(state.NewScan()) {
  rows_->Seek(Key(Table::kIds).Add(run_->number).slice());
  ReadRow();
}

void RunReader::Next() {
  if (++at_ < row_.size()) return;
  rows_->Next();
  ReadRow();
}

void RunReader::End(absl::Status status) {
  row_.clear();
  at_ = 0;
  status_ = std::move(status);
}

void RunReader::ReadRow() {
  const Key prefix = Key(Table::kIds).Add(run_->number);
  if (!rows_->status().ok()) {
    return End(FromRocksDb(rows_->status(), "reading a run"));
  }
  if (!rows_->Valid() || !rows_->key().starts_with(prefix.slice())) {
    if (read_ == run_->count) return End(absl::OkStatus());
    return End(absl::DataLossError(absl::StrCat(
        "run ", run_->number, " has ", read_, " ids, not ", run_->count)));
  }
  const rocksdb::Slice row = rows_->value();
  if (row.empty() || row.size() % sizeof(IdRecord) != 0) {
    return End(absl::DataLossError(
        absl::StrCat("run ", run_->number, " has a malformed row")));
  }
  row_.resize(row.size() / sizeof(IdRecord));
  std::memcpy(row_.data(), row.data(), row.size());
  at_ = 0;
  read_ += row_.size();
}

MergedRuns::MergedRuns(const DiskState& state, const IdRuns& runs) {
  readers_.reserve(runs.size());
  for (const auto& run : runs) readers_.emplace_back(state, run);
  FindLeast();
}

void MergedRuns::Next() {
  least_->Next();
  FindLeast();
}

absl::Status MergedRuns::status() const {
  for (const RunReader& reader : readers_) {
    if (!reader.status().ok()) return reader.status();
  }
  return absl::OkStatus();
}

void MergedRuns::FindLeast() {
  least_ = nullptr;
  for (RunReader& reader : readers_) {
    if (!reader.Valid()) continue;
    if (least_ == nullptr || reader.record() < least_->record()) {
      least_ = &reader;
    }
  }
}

}  // namespace ledgerd::storage
