// Values as people write them, and back.
//
//   ParseId("7");                                     // decimal,
//   ParseId("0190b6a0-5d8e-7cc3-98c4-dc0c0c07398f");  // or a UUID
//   ParseTransferFlags("linked|pending");
//
// Errors   INVALID_ARGUMENT, with the value, why it is none, and what would be.
#ifndef LEDGERD_CLIENT_LEDGERCTL_VALUES_H_
#define LEDGERD_CLIENT_LEDGERCTL_VALUES_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/statuses.h"
#include "proto/types.h"

namespace ledgerd::client {

// Decimal, or a UUID whose first 8 bytes are the high half.
absl::StatusOr<Uint128> ParseId(absl::string_view text);

// Decimal, in the smallest unit; "max" is kAmountMax.
absl::StatusOr<Amount> ParseAmount(absl::string_view text);

absl::StatusOr<uint64_t> ParseNumber(absl::string_view text, uint64_t max);

// "10", "10s": seconds; "250ms"; "2m".
absl::StatusOr<std::chrono::milliseconds> ParseDuration(absl::string_view text);

// Names as in ledger.proto, in lower case without the prefix, joined by '|' or
// ','; empty is none.
absl::StatusOr<uint16_t> ParseAccountFlags(absl::string_view text);
absl::StatusOr<uint16_t> ParseTransferFlags(absl::string_view text);
std::string AccountFlagNames(uint16_t flags);
std::string TransferFlagNames(uint16_t flags);

absl::StatusOr<TransferStatus> ParseTransferStatus(absl::string_view text);

absl::string_view Name(PendingState state);

// A new id: milliseconds in its high bits, so that ids grow with time (which
// the server finds cheapest), then random bits.
Uint128 NewId();

// credits_posted - debits_posted; may be below zero.
struct Net {
  bool negative = false;
  Uint128 magnitude = 0;

  friend bool operator==(const Net&, const Net&) = default;
};

Net NetOf(const Account& account);
absl::StatusOr<Net> ParseNet(absl::string_view text);
std::string NetText(const Net& net);

// UTC, as 2026-11-25T04:35:00.123456789Z; "-" for none.
std::string TimeText(Timestamp timestamp);

// As TimeText writes it, with fewer digits or another zone too; or nanoseconds
// since 1970.
absl::StatusOr<Timestamp> ParseTime(absl::string_view text);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_VALUES_H_
