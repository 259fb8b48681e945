// The vocabulary: ids, positions, and the rows in which accounts and transfers
// travel, rest in the journal and are stored.
//
//   Transfer transfer;
//   transfer.id = TransferId(7);
//   transfer.amount = Amount(1'000);
//   transfer.flags = transfer_flags::kPending;
//
// Shape   A row is 128 bytes, little-endian, without padding: what is in memory
//         is what is on disk and on the wire between replicas.
// Units   Amounts are in the smallest unit of the ledger's currency; timestamps
//         are nanoseconds since the Unix epoch; timeouts are seconds.
// Source  The fields and their meaning: proto/ledger/v1/ledger.proto.
#ifndef LEDGERD_PROTO_TYPES_H_
#define LEDGERD_PROTO_TYPES_H_

#include <cstdint>
#include <type_traits>

#include "proto/base/strong_int.h"
#include "proto/base/uint128.h"

namespace ledgerd {

// Names a group of replicas; drawn at random by `ledgerd format`.
using ClusterId = StrongInt<struct ClusterIdTag, Uint128>;
using ReplicaId = StrongInt<struct ReplicaIdTag>;
// Counts promotions: at most one primary in each.
using Epoch = StrongInt<struct EpochTag>;
// An entry's position in the journal: 1, 2, 3, ... without gaps. 0 is "none".
using Sequence = StrongInt<struct SequenceTag>;
// Nanoseconds since the Unix epoch; 0 is "none".
using Timestamp = StrongInt<struct TimestampTag>;
using AccountId = StrongInt<struct AccountIdTag, Uint128>;
using TransferId = StrongInt<struct TransferIdTag, Uint128>;
using Amount = StrongInt<struct AmountTag, Uint128>;

// "As much as possible", for balancing transfers and for post.
inline constexpr Amount kAmountMax{kUint128Max};
// Valid timestamps are 1 .. kTimestampMax.
inline constexpr Timestamp kTimestampMax{(uint64_t{1} << 63) - 1};
inline constexpr uint64_t kNanosPerSecond = 1'000'000'000;

// Bits of Account::flags.
namespace account_flags {
inline constexpr uint16_t kLinked = 1;
inline constexpr uint16_t kDebitsMustNotExceedCredits = 2;
inline constexpr uint16_t kCreditsMustNotExceedDebits = 4;
inline constexpr uint16_t kHistory = 8;
inline constexpr uint16_t kImported = 16;
inline constexpr uint16_t kClosed = 32;
inline constexpr uint16_t kReserved = static_cast<uint16_t>(~0x3f);
}  // namespace account_flags

// Bits of Transfer::flags.
namespace transfer_flags {
inline constexpr uint16_t kLinked = 1;
inline constexpr uint16_t kPending = 2;
inline constexpr uint16_t kPostPending = 4;
inline constexpr uint16_t kVoidPending = 8;
inline constexpr uint16_t kBalancingDebit = 16;
inline constexpr uint16_t kBalancingCredit = 32;
inline constexpr uint16_t kClosingDebit = 64;
inline constexpr uint16_t kClosingCredit = 128;
inline constexpr uint16_t kImported = 256;
inline constexpr uint16_t kReserved = static_cast<uint16_t>(~0x1ff);
}  // namespace transfer_flags

// Flags as a client gave them, packed: any bit at or above 16 becomes the
// reserved bit 15, so that an unknown bit stays unknown and is refused.
constexpr uint16_t PackFlags(uint32_t flags) {
  return static_cast<uint16_t>((flags & 0xffff) |
                               (flags > 0xffff ? 0x8000 : 0));
}

// An account's row.
struct Account {
  AccountId id;
  Amount debits_pending;
  Amount debits_posted;
  Amount credits_pending;
  Amount credits_posted;
  Uint128 user_data_128 = 0;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t reserved = 0;
  uint32_t ledger = 0;
  uint16_t code = 0;
  uint16_t flags = 0;
  Timestamp timestamp;

  friend bool operator==(const Account&, const Account&) = default;
};

// A transfer's row.
struct Transfer {
  TransferId id;
  AccountId debit_account_id;
  AccountId credit_account_id;
  Amount amount;
  TransferId pending_id;
  Uint128 user_data_128 = 0;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t timeout_seconds = 0;
  uint32_t ledger = 0;
  uint16_t code = 0;
  uint16_t flags = 0;
  Timestamp timestamp;

  friend bool operator==(const Transfer&, const Transfer&) = default;
};

static_assert(sizeof(Account) == 128 && alignof(Account) == 16);
static_assert(sizeof(Transfer) == 128 && alignof(Transfer) == 16);
static_assert(std::is_trivially_copyable_v<Account>);
static_assert(std::is_trivially_copyable_v<Transfer>);

// What became of a pending transfer. Values as in ledger.proto.
enum class PendingState : uint8_t {
  kNone = 0,  // Not a pending transfer.
  kPending = 1,
  kPosted = 2,
  kVoided = 3,
  kExpired = 4,
};

// When a pending transfer expires by itself; 0 is never.
constexpr Timestamp ExpiresAt(const Transfer& pending) {
  if (pending.timeout_seconds == 0) return Timestamp(0);
  return Timestamp(pending.timestamp.value() +
                   pending.timeout_seconds * kNanosPerSecond);
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_TYPES_H_
