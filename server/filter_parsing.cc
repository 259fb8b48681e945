#include "server/filter_parsing.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::server {
namespace {

Uint128 FromMessage(const ledger::v1::Uint128& value) {
  return MakeUint128(value.high(), value.low());
}

absl::Status CheckLimit(uint32_t limit) {
  if (limit >= 1 && limit <= kMaxBatchSize) return absl::OkStatus();
  return MakeFieldError("filter.limit",
                        absl::StrCat(limit, " given; 1 to ", kMaxBatchSize,
                                     " objects fit into an answer"));
}

// What is set may be 0 only where that can be an object's.
absl::Status CheckCode(uint32_t code) {
  if (code >= 1 && code <= std::numeric_limits<uint16_t>::max()) {
    return absl::OkStatus();
  }
  return MakeFieldError("filter.code",
                        absl::StrCat(code,
                                     " is nobody's; codes are 1 to 65535; "
                                     "leave it unset for all"));
}

template <typename Filter>
absl::Status SetTimes(const Filter& filter, storage::QueryFilter& parsed) {
  const uint64_t min = filter.timestamp_min();
  const uint64_t max = filter.has_timestamp_max() ? filter.timestamp_max()
                                                  : kTimestampMax.value();
  if (min > kTimestampMax.value()) {
    return MakeFieldError("filter.timestamp_min",
                          absl::StrCat(min, " is above ", kTimestampMax.value(),
                                       ", the highest"));
  }
  if (max == 0) {
    return MakeFieldError("filter.timestamp_max",
                          "0 is below 1, the lowest; leave it unset for all");
  }
  if (min > max) {
    return MakeFieldError(
        "filter.timestamp_min",
        absl::StrCat(min, " is above filter.timestamp_max, ", max));
  }
  parsed.timestamp_min = Timestamp(std::max<uint64_t>(min, 1));
  parsed.timestamp_max = Timestamp(std::min(max, kTimestampMax.value()));
  return absl::OkStatus();
}

// What both filters have.
template <typename Filter>
absl::StatusOr<storage::QueryFilter> ParseCommon(const Filter& filter) {
  storage::QueryFilter parsed;
  LEDGERD_RETURN_IF_ERROR(SetTimes(filter, parsed));
  parsed.user_data_128 = FromMessage(filter.user_data_128());
  parsed.user_data_64 = filter.user_data_64();
  parsed.user_data_32 = filter.user_data_32();
  if (filter.has_code()) {
    LEDGERD_RETURN_IF_ERROR(CheckCode(filter.code()));
    parsed.code = static_cast<uint16_t>(filter.code());
  }
  parsed.reversed = filter.reversed();
  LEDGERD_RETURN_IF_ERROR(CheckLimit(filter.limit()));
  parsed.limit = filter.limit();
  return parsed;
}

}  // namespace

absl::StatusOr<storage::AccountFilter> ParseFilter(
    const ledger::v1::AccountFilter& filter) {
  storage::AccountFilter parsed;
  parsed.account_id = AccountId(FromMessage(filter.account_id()));
  if (parsed.account_id == AccountId(0) ||
      parsed.account_id == AccountId(kUint128Max)) {
    return MakeFieldError("filter.account_id", "no account has this id");
  }
  parsed.debits = filter.debits();
  parsed.credits = filter.credits();
  if (!parsed.debits && !parsed.credits) {
    return MakeFieldError("filter.debits",
                          "at least one of debits and credits must be true");
  }
  LEDGERD_ASSIGN_OR_RETURN(parsed.rest, ParseCommon(filter));
  return parsed;
}

absl::StatusOr<storage::QueryFilter> ParseFilter(
    const ledger::v1::QueryFilter& filter) {
  LEDGERD_ASSIGN_OR_RETURN(storage::QueryFilter parsed, ParseCommon(filter));
  if (filter.has_ledger()) {
    if (filter.ledger() == 0) {
      return MakeFieldError("filter.ledger",
                            "0 is nobody's; leave it unset for all");
    }
    parsed.ledger = filter.ledger();
  }
  return parsed;
}

}  // namespace ledgerd::server
