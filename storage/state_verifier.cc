#include "storage/state_verifier.h"

#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"
#include "storage/ledger_sums.h"
#include "storage/packed_row.h"
#include "storage/run_reader.h"
#include "storage/state_hash.h"
#include "storage/state_keys.h"
#include "storage/timestamp_list.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace ledgerd::storage {
namespace {

// What a pair of numbers adds to a sum over all pairs: equal sums of two tables
// mean the same pairs, in whatever order.
Uint128 HashPair(Uint128 a, Uint128 b) {
  const Uint128 pair[] = {a, b};
  const XXH128_hash_t hash = XXH3_128bits(pair, sizeof(pair));
  return MakeUint128(hash.high64, hash.low64);
}

// The same of a timestamp in the list of an index.
Uint128 HashListed(const rocksdb::Slice& list, Timestamp timestamp) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(list.data(), list.size(), timestamp.value());
  return MakeUint128(hash.high64, hash.low64);
}

class Verifier {
 public:
  Verifier(const DiskState& disk, const Pace& pace)
      : disk_(disk), pace_(pace) {}

  absl::Status Verify() {
    LEDGERD_RETURN_IF_ERROR(ScanAccounts());
    LEDGERD_RETURN_IF_ERROR(ScanAccountTimes());
    LEDGERD_RETURN_IF_ERROR(ScanTransfers());
    LEDGERD_RETURN_IF_ERROR(ScanExpiries());
    LEDGERD_RETURN_IF_ERROR(ScanIds());
    LEDGERD_RETURN_IF_ERROR(ScanIndex());
    LEDGERD_RETURN_IF_ERROR(ScanIncidents());
    hash_.Add(HashAppliedPoint(disk_.record().applied));
    LEDGERD_RETURN_IF_ERROR(
        Expect(hash_.value() == disk_.record().state_hash,
               "the state hash is not that of the objects"));
    return sums_.Check();
  }

 private:
  static absl::Status Expect(bool holds, absl::string_view message) {
    return holds ? absl::OkStatus() : absl::DataLossError(message);
  }

  // So much is read between two looks at the pace.
  static constexpr uint64_t kPacedBytes = uint64_t{256} << 10;

  absl::Status Paced(uint64_t bytes) {
    read_ += bytes;
    if (pace_ == nullptr || read_ < kPacedBytes) return absl::OkStatus();
    return pace_(std::exchange(read_, 0));
  }

  using UseRow = std::function<absl::Status(const rocksdb::Slice& key,
                                            const rocksdb::Slice& value)>;

  absl::Status Scan(const Key& prefix, const UseRow& use) {
    return disk_.Scan(
        prefix,
        [&](const rocksdb::Slice& key,
            const rocksdb::Slice& value) -> absl::Status {
          LEDGERD_RETURN_IF_ERROR(Paced(key.size() + value.size()));
          return use(key, value);
        });
  }

  // Calls `use` with every record of a packed table.
  template <typename Record>
  absl::Status ScanRecords(
      Table table, const std::function<absl::Status(const Record&)>& use) {
    return Scan(
        Key(table), [&](const rocksdb::Slice&, const rocksdb::Slice& value) {
          const PackedRow<Record> row(value);
          LEDGERD_RETURN_IF_ERROR(Expect(row.valid(), "a row is malformed"));
          for (size_t i = 0; i < row.size(); ++i) {
            LEDGERD_RETURN_IF_ERROR(use(row[i]));
          }
          return absl::OkStatus();
        });
  }

  // What the index must have of a row.
  template <typename Row>
  void AddToIndex(const Row& row) {
    for (const IndexField field : IndexedFields<Row>::kAll) {
      const Uint128 value = IndexedFields<Row>::ValueOf(field, row);
      if (value == 0) continue;
      const Key prefix = IndexPrefix(field, value);
      index_ += HashListed(prefix.slice(), row.timestamp);
    }
  }

  absl::Status ScanIndex() {
    Uint128 sum = 0;
    std::vector<TimestampRun> runs;
    const auto add = [&](const rocksdb::Slice& key,
                         const rocksdb::Slice& row) -> absl::Status {
      LEDGERD_RETURN_IF_ERROR(
          Expect(key.size() > sizeof(uint64_t), "an index row is malformed"));
      const size_t prefix = key.size() - sizeof(uint64_t);
      const Timestamp first(KeyNumber(key, prefix));
      LEDGERD_RETURN_IF_ERROR(
          Expect(UnpackTimestamps(first, {row.data(), row.size()}, runs),
                 "an index row is malformed"));
      for (const TimestampRun& run : runs) {
        for (Timestamp at = run.first; at <= run.last; at = at.Next()) {
          sum += HashListed({key.data(), prefix}, at);
        }
      }
      return absl::OkStatus();
    };
    LEDGERD_RETURN_IF_ERROR(Scan(Key(Table::kIndex), add));
    return Expect(sum == index_,
                  "the index is not that of the accounts and transfers");
  }

  absl::Status ScanAccounts() {
    return ScanRecords<Account>(Table::kAccounts, [&](const Account& account) {
      hash_.Add(HashAccount(account));
      sums_.Add(account);
      account_times_ += HashPair(account.timestamp.value(), account.id.value());
      AddToIndex(account);
      return absl::OkStatus();
    });
  }

  absl::Status ScanAccountTimes() {
    Uint128 sum = 0;
    const auto add = [&](const AccountTime& time) {
      sum += HashPair(time.timestamp.value(),
                      MakeUint128(time.id_high, time.id_low));
      return absl::OkStatus();
    };
    LEDGERD_RETURN_IF_ERROR(
        ScanRecords<AccountTime>(Table::kAccountTimes, add));
    return Expect(sum == account_times_,
                  "the accounts' timestamps are not those of the accounts");
  }

  // The pending states go along: both are in the order of timestamps.
  absl::Status ScanTransfers() {
    const auto states = disk_.NewScan();
    const Key prefix = Key(Table::kPendingStates);
    states->Seek(prefix.slice());
    LEDGERD_RETURN_IF_ERROR(
        ScanRecords<Transfer>(Table::kTransfers, [&](const Transfer& transfer) {
          return VerifyTransfer(transfer, *states);
        }));
    LEDGERD_RETURN_IF_ERROR(FromRocksDb(states->status(), "verifying"));
    return Expect(
        !states->Valid() || !states->key().starts_with(prefix.slice()),
        "a pending state has no transfer");
  }

  absl::Status VerifyTransfer(const Transfer& transfer,
                              rocksdb::Iterator& states) {
    LEDGERD_RETURN_IF_ERROR(
        Expect(transfer.timestamp > last_transfer_,
               "transfers are not in the order of their timestamps"));
    last_transfer_ = transfer.timestamp;
    hash_.Add(HashTransfer(transfer));
    ids_ += HashPair(transfer.id.value(), transfer.timestamp.value());
    AddToIndex(transfer);
    if ((transfer.flags & transfer_flags::kPending) == 0) {
      return absl::OkStatus();
    }
    LEDGERD_RETURN_IF_ERROR(FromRocksDb(states.status(), "verifying"));
    const Key key = PendingStateKey(transfer.timestamp);
    LEDGERD_RETURN_IF_ERROR(Expect(states.Valid() &&
                                       states.key() == key.slice() &&
                                       states.value().size() == 1,
                                   "a pending transfer has no state"));
    const auto state = static_cast<PendingState>(states.value()[0]);
    states.Next();
    hash_.Add(HashPendingState(transfer.timestamp, state));
    if (state == PendingState::kPending && transfer.timeout_seconds > 0) {
      expiries_ +=
          HashPair(ExpiresAt(transfer).value(), transfer.timestamp.value());
    }
    return absl::OkStatus();
  }

  absl::Status ScanExpiries() {
    Uint128 sum = 0;
    const auto add = [&](const rocksdb::Slice& key,
                         const rocksdb::Slice&) -> absl::Status {
      LEDGERD_RETURN_IF_ERROR(
          Expect(key.size() == 17, "an expiry is malformed"));
      sum += HashPair(KeyNumber(key, 1), KeyNumber(key, 9));
      return absl::OkStatus();
    };
    LEDGERD_RETURN_IF_ERROR(Scan(Key(Table::kExpiries), add));
    return Expect(sum == expiries_,
                  "the expiries are not those of the pending transfers");
  }

  absl::Status ScanIds() {
    Uint128 sum = 0;
    for (const auto& run : disk_.runs()) {
      RunReader reader(disk_, run);
      for (; reader.Valid(); reader.Next()) {
        const IdRecord& record = reader.record();
        LEDGERD_RETURN_IF_ERROR(Paced(sizeof(IdRecord)));
        LEDGERD_RETURN_IF_ERROR(
            Expect(run->MayContain(record.id(), IdFilter::Hash(record.id())),
                   "a filter denies an id of its run"));
        if (record.failed()) {
          hash_.Add(HashFailedId(record.id(), record.state().failed));
        } else {
          sum += HashPair(record.id().value(), record.value);
        }
      }
      LEDGERD_RETURN_IF_ERROR(reader.status());
    }
    return Expect(sum == ids_, "the ids are not those of the transfers");
  }

  absl::Status ScanIncidents() {
    return disk_.Scan(
        Key(Table::kIncidents),
        [&](const rocksdb::Slice& key,
            const rocksdb::Slice& payload) -> absl::Status {
          LEDGERD_RETURN_IF_ERROR(Expect(key.size() == kIncidentsKeyBytes,
                                         "a row of incidents is malformed"));
          hash_.Add(HashIncidents(Sequence(KeyNumber(key, 1)),
                                  {payload.data(), payload.size()}));
          return absl::OkStatus();
        });
  }

  const DiskState& disk_;
  const Pace& pace_;
  // Since the last look at the pace.
  uint64_t read_ = 0;
  StateHash hash_;
  LedgerSums sums_;
  Timestamp last_transfer_;
  // Sums over {timestamp, id} of accounts, {id, timestamp} of transfers, and
  // {expires at, timestamp} of those that will expire.
  Uint128 account_times_ = 0;
  Uint128 ids_ = 0;
  Uint128 expiries_ = 0;
  // Over {key of a list, timestamp}.
  Uint128 index_ = 0;
};

}  // namespace

absl::Status VerifyState(const DiskState& disk, const Pace& pace) {
  LEDGERD_RETURN_IF_ERROR(disk.VerifyTables(pace));
  return Verifier(disk, pace).Verify();
}

}  // namespace ledgerd::storage
