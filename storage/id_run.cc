#include "storage/id_run.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/little_endian.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

constexpr size_t kRunRowBytes = 48;

}  // namespace

IdRuns RunsWithinBudget(const IdRuns& runs, uint64_t filter_bytes_max) {
  IdRuns chosen = runs;
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) {
    return a->filter_bytes < b->filter_bytes;
  });
  uint64_t total = 0;
  const auto over = [&](const auto& run) {
    total += run->filter_bytes;
    return total > filter_bytes_max;
  };
  chosen.erase(std::find_if(chosen.begin(), chosen.end(), over), chosen.end());
  return chosen;
}

IdRuns WithinFilterBudget(IdRuns runs, uint64_t filter_bytes_max) {
  const IdRuns chosen = RunsWithinBudget(runs, filter_bytes_max);
  for (auto& run : runs) {
    if (run->filter == nullptr) continue;
    if (std::find(chosen.begin(), chosen.end(), run) != chosen.end()) continue;
    auto bare = std::make_shared<IdRun>(*run);
    bare->filter = nullptr;
    run = std::move(bare);
  }
  return runs;
}

std::string EncodeIdRun(const IdRun& run) {
  std::string row(kRunRowBytes, '\0');
  PutLittle(row.data(), run.count);
  PutLittle(row.data() + 8, run.filter_bytes);
  PutLittle(row.data() + 16, run.min.value());
  PutLittle(row.data() + 32, run.max.value());
  return row;
}

std::optional<IdRun> DecodeIdRun(uint64_t number, const rocksdb::Slice& row) {
  if (row.size() != kRunRowBytes) return std::nullopt;
  IdRun run;
  run.number = number;
  run.count = GetLittle<uint64_t>(row.data());
  run.filter_bytes = GetLittle<uint64_t>(row.data() + 8);
  run.min = TransferId(GetLittle<Uint128>(row.data() + 16));
  run.max = TransferId(GetLittle<Uint128>(row.data() + 32));
  const bool plausible = run.count > 0 && run.min <= run.max &&
                         run.filter_bytes >= IdFilter::kBlockBytes &&
                         run.filter_bytes % IdFilter::kBlockBytes == 0;
  return plausible ? std::optional<IdRun>(run) : std::nullopt;
}

IdRunWriter::IdRunWriter(IngestFiles& files, uint64_t number, uint64_t count,
                         size_t ids_per_row)
    : files_(files),
      ids_per_row_(ids_per_row),
      filter_(std::make_shared<IdFilter>(count)) {
  run_.number = number;
  row_.reserve(ids_per_row);
}

absl::Status IdRunWriter::Add(const IdRecord& record) {
  if (run_.count == 0) {
    run_.min = record.id();
  } else if (record.id() <= run_.max) {
    ascending_ = false;
    return absl::OkStatus();
  }
  run_.max = record.id();
  ++run_.count;
  filter_->Add(record.id());
  row_.push_back(record);
  return row_.size() == ids_per_row_ ? WriteRow() : absl::OkStatus();
}

absl::Status IdRunWriter::WriteRow() {
  const absl::Status status =
      files_.Put(IdsKey(run_.number, row_.front().id()),
                 rocksdb::Slice(reinterpret_cast<const char*>(row_.data()),
                                row_.size() * sizeof(IdRecord)));
  row_.clear();
  return status;
}

absl::Status IdRunWriter::WriteFilter() {
  const absl::string_view bytes = filter_->bytes();
  uint32_t part = 0;
  for (size_t at = 0; at < bytes.size(); at += kFilterPartBytes) {
    const absl::string_view chunk = bytes.substr(at, kFilterPartBytes);
    LEDGERD_RETURN_IF_ERROR(files_.Put(FilterKey(run_.number, part++),
                                       {chunk.data(), chunk.size()}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const IdRun>> IdRunWriter::Finish() {
  if (!ascending_) {
    return absl::DataLossError("a transfer id is stored more than once");
  }
  LEDGERD_CHECK(run_.count > 0) << "a run has at least one id";
  if (!row_.empty()) LEDGERD_RETURN_IF_ERROR(WriteRow());
  LEDGERD_RETURN_IF_ERROR(WriteFilter());
  run_.filter_bytes = filter_->bytes().size();
  run_.filter = std::move(filter_);
  return std::make_shared<const IdRun>(std::move(run_));
}

}  // namespace ledgerd::storage
