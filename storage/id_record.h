// An IdRecord is what a sorted run keeps of one transfer id: what it stands
// for.
//
//   records.push_back(IdRecord::OfTransfer(transfer.id, transfer.timestamp));
//
// Shape   24 bytes, little-endian: the id, then the transfer's timestamp, or
//         the status with which the id failed, with bit 63 set.
// Source  FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_ID_RECORD_H_
#define LEDGERD_STORAGE_ID_RECORD_H_

#include <cstdint>
#include <type_traits>

#include "proto/types.h"
#include "storage/state_view.h"

namespace ledgerd::storage {

struct IdRecord {
  static constexpr uint64_t kFailedBit = uint64_t{1} << 63;

  static IdRecord OfTransfer(TransferId id, Timestamp timestamp) {
    return {Low(id.value()), High(id.value()), timestamp.value()};
  }

  static IdRecord OfFailed(TransferId id, TransferStatus status) {
    return {Low(id.value()), High(id.value()),
            kFailedBit | static_cast<uint64_t>(status)};
  }

  TransferId id() const { return TransferId(MakeUint128(high, low)); }

  bool failed() const { return (value & kFailedBit) != 0; }

  TransferIdState state() const {
    if (failed()) {
      return {Timestamp(0), static_cast<TransferStatus>(value & 0xff)};
    }
    return {Timestamp(value), TransferStatus::kUnspecified};
  }

  // By id.
  friend bool operator<(const IdRecord& a, const IdRecord& b) {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }

  uint64_t low = 0;
  uint64_t high = 0;
  uint64_t value = 0;
};

static_assert(sizeof(IdRecord) == 24);
static_assert(std::is_trivially_copyable_v<IdRecord>);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ID_RECORD_H_
