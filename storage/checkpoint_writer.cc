#include "storage/checkpoint_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "proto/base/status_macros.h"
#include "storage/id_record.h"
#include "storage/index_writer.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

template <typename Record>
rocksdb::Slice AsSlice(const Record* records, size_t count) {
  return {reinterpret_cast<const char*>(records), count * sizeof(Record)};
}

absl::Status WriteAccounts(const StateDelta& delta, IngestFiles& files) {
  const auto& slots = delta.accounts.slots();
  std::vector<const Account*> dirty;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].dirty && !slots[i].removed) dirty.push_back(&slots[i].account);
  }
  std::sort(dirty.begin(), dirty.end(),
            [](const Account* a, const Account* b) { return a->id < b->id; });
  for (const Account* account : dirty) {
    LEDGERD_RETURN_IF_ERROR(
        files.Put(AccountKey(account->id), AsSlice(account, 1)));
  }
  return absl::OkStatus();
}

absl::Status WriteAccountTimes(const StateDelta& delta, size_t per_row,
                               IngestFiles& files) {
  const auto& created = delta.created_accounts;
  for (size_t i = 0; i < created.size(); i += per_row) {
    std::vector<AccountTime> times;
    for (size_t j = i; j < std::min(i + per_row, created.size()); ++j) {
      times.push_back(AccountTimeOf(created[j]));
    }
    LEDGERD_RETURN_IF_ERROR(files.Put(AccountTimesKey(times.front().timestamp),
                                      AsSlice(times.data(), times.size())));
  }
  return absl::OkStatus();
}

absl::Status WriteExpiries(const StateDelta& delta, IngestFiles& files) {
  auto removed = delta.removed_expiries.begin();
  const auto write_removed_before = [&](const Expiry* limit) -> absl::Status {
    for (; removed != delta.removed_expiries.end(); ++removed) {
      if (limit != nullptr && *limit < *removed) break;
      LEDGERD_RETURN_IF_ERROR(
          files.Delete(ExpiryKey(removed->expires_at, removed->transfer)));
    }
    return absl::OkStatus();
  };
  for (const auto& [expiry, id] : delta.added_expiries) {
    LEDGERD_RETURN_IF_ERROR(write_removed_before(&expiry));
    LEDGERD_RETURN_IF_ERROR(
        files.Put(ExpiryKey(expiry.expires_at, expiry.transfer), {}));
  }
  return write_removed_before(nullptr);
}

absl::Status WritePendingStates(const StateDelta& delta, IngestFiles& files) {
  std::vector<std::pair<Timestamp, PendingState>> dirty;
  for (const auto& [transfer, pending] : delta.pending_states) {
    if (pending.dirty) dirty.emplace_back(transfer, pending.state);
  }
  std::sort(dirty.begin(), dirty.end());
  for (const auto& [transfer, state] : dirty) {
    LEDGERD_RETURN_IF_ERROR(
        files.Put(PendingStateKey(transfer), AsSlice(&state, 1)));
  }
  return absl::OkStatus();
}

absl::Status WriteIncidents(const StateDelta& delta, IngestFiles& files) {
  for (const IncidentsRow& row : delta.incidents.rows()) {
    LEDGERD_RETURN_IF_ERROR(files.Put(IncidentsKey(row.sequence), row.payload));
  }
  return absl::OkStatus();
}

absl::Status WriteTransfers(const StateDelta& delta, size_t per_row,
                            IngestFiles& files) {
  const auto& rows = delta.transfers.rows();
  for (size_t i = 0; i < rows.size();) {
    // Never over the end of a chunk, so that a row is one piece of memory.
    const size_t chunk_left = rows.kChunk - i % rows.kChunk;
    const size_t count = std::min({per_row, chunk_left, rows.size() - i});
    LEDGERD_RETURN_IF_ERROR(
        files.Put(TransfersKey(rows[i].timestamp), AsSlice(&rows[i], count)));
    i += count;
  }
  return absl::OkStatus();
}

std::vector<IdRecord> SortedIds(const StateDelta& delta) {
  const auto& rows = delta.transfers.rows();
  std::vector<IdRecord> records;
  records.reserve(rows.size() + delta.failed_ids.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    records.push_back(IdRecord::OfTransfer(rows[i].id, rows[i].timestamp));
  }
  for (const auto& [id, failed] : delta.failed_ids) {
    if (failed.dirty) records.push_back(IdRecord::OfFailed(id, failed.status));
  }
  if (!std::is_sorted(records.begin(), records.end())) {
    std::sort(records.begin(), records.end());
  }
  return records;
}

absl::StatusOr<std::shared_ptr<const IdRun>> WriteIds(const StateDelta& delta,
                                                      size_t per_row,
                                                      uint64_t number,
                                                      IngestFiles& files) {
  const std::vector<IdRecord> records = SortedIds(delta);
  if (records.empty()) return nullptr;
  IdRunWriter writer(files, number, records.size(), per_row);
  for (const IdRecord& record : records) {
    LEDGERD_RETURN_IF_ERROR(writer.Add(record));
  }
  LEDGERD_ASSIGN_OR_RETURN(auto run, writer.Finish());
  LEDGERD_RETURN_IF_ERROR(files.Put(RunKey(number), EncodeIdRun(*run)));
  return run;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const IdRun>> WriteDelta(const StateDelta& delta,
                                                        const RowLimits& limits,
                                                        uint64_t run_number,
                                                        IngestFiles& files) {
  LEDGERD_RETURN_IF_ERROR(WriteAccounts(delta, files));
  LEDGERD_RETURN_IF_ERROR(WriteAccountTimes(delta, limits.ids_per_row, files));
  LEDGERD_RETURN_IF_ERROR(WriteExpiries(delta, files));
  LEDGERD_RETURN_IF_ERROR(WriteIncidents(delta, files));
  LEDGERD_RETURN_IF_ERROR(WritePendingStates(delta, files));
  LEDGERD_RETURN_IF_ERROR(
      WriteTransfers(delta, limits.transfers_per_row, files));
  LEDGERD_RETURN_IF_ERROR(
      WriteIndex(delta.transfers.rows(), limits.index_row_bytes, files));
  LEDGERD_RETURN_IF_ERROR(
      WriteIndex(delta.created_accounts, limits.index_row_bytes, files));
  return WriteIds(delta, limits.ids_per_row, run_number, files);
}

}  // namespace ledgerd::storage
