#include "client/ledgerctl/values.h"

#include <random>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace ledgerd::client {
namespace {

struct FlagName {
  absl::string_view name;
  uint16_t bit = 0;
};

constexpr FlagName kAccountFlags[] = {
    {"linked", account_flags::kLinked},
    {"debits_must_not_exceed_credits",
     account_flags::kDebitsMustNotExceedCredits},
    {"credits_must_not_exceed_debits",
     account_flags::kCreditsMustNotExceedDebits},
    {"history", account_flags::kHistory},
    {"imported", account_flags::kImported},
    {"closed", account_flags::kClosed},
};

constexpr FlagName kTransferFlags[] = {
    {"linked", transfer_flags::kLinked},
    {"pending", transfer_flags::kPending},
    {"post_pending_transfer", transfer_flags::kPostPending},
    {"void_pending_transfer", transfer_flags::kVoidPending},
    {"balancing_debit", transfer_flags::kBalancingDebit},
    {"balancing_credit", transfer_flags::kBalancingCredit},
    {"closing_debit", transfer_flags::kClosingDebit},
    {"closing_credit", transfer_flags::kClosingCredit},
    {"imported", transfer_flags::kImported},
};

template <size_t N>
absl::StatusOr<uint16_t> ParseFlags(absl::string_view text,
                                    const FlagName (&names)[N]) {
  uint16_t flags = 0;
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar("|,"), absl::SkipWhitespace())) {
    uint16_t bit = 0;
    for (const FlagName& flag : names) {
      if (flag.name == absl::StripAsciiWhitespace(word)) bit = flag.bit;
    }
    if (bit == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", word, "' is no flag; the flags are ",
          absl::StrJoin(names, ", ", [](std::string* out, const FlagName& f) {
            absl::StrAppend(out, f.name);
          })));
    }
    flags |= bit;
  }
  return flags;
}

template <size_t N>
std::string FlagNames(uint16_t flags, const FlagName (&names)[N]) {
  std::vector<std::string> words;
  for (const FlagName& flag : names) {
    if ((flags & flag.bit) != 0) words.emplace_back(flag.name);
    flags = static_cast<uint16_t>(flags & ~flag.bit);
  }
  if (flags != 0) words.push_back(absl::StrCat("0x", absl::Hex(flags)));
  return absl::StrJoin(words, "|");
}

bool IsUuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-'
             : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return false;
    }
  }
  return true;
}

Uint128 UuidValue(absl::string_view text) {
  Uint128 value = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int digit = absl::ascii_isdigit(static_cast<unsigned char>(c))
                          ? c - '0'
                          : absl::ascii_tolower(c) - 'a' + 10;
    value = value * 16 + static_cast<Uint128>(digit);
  }
  return value;
}

}  // namespace

absl::StatusOr<Uint128> ParseId(absl::string_view text) {
  if (IsUuid(text)) return UuidValue(text);
  if (const auto value = ParseUint128(text); value.has_value()) return *value;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is no id: an id is a decimal number below "
                   "2^128, or a UUID"));
}

absl::StatusOr<Amount> ParseAmount(absl::string_view text) {
  if (text == "max") return kAmountMax;
  if (const auto value = ParseUint128(text); value.has_value()) {
    return Amount(*value);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text,
      "' is no amount: an amount is a whole number in the ledger's "
      "smallest unit (cents, not euros) below 2^128, or 'max'"));
}

absl::StatusOr<uint64_t> ParseNumber(absl::string_view text, uint64_t max) {
  const auto value = ParseUint128(text);
  if (value.has_value() && *value <= max) return Low(*value);
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no number from 0 to ", max));
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(
    absl::string_view text) {
  absl::string_view number = text;
  double unit_ms = 1'000;
  if (absl::EndsWith(text, "ms")) {
    unit_ms = 1;
    number.remove_suffix(2);
  } else if (absl::EndsWith(text, "s") || absl::EndsWith(text, "m")) {
    unit_ms = absl::EndsWith(text, "m") ? 60'000 : 1'000;
    number.remove_suffix(1);
  }
  double value = 0;
  constexpr double kDayMs = 86'400'000;
  if (!absl::SimpleAtod(number, &value) || !(value > 0) ||
      value * unit_ms < 1 || value * unit_ms > kDayMs) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text,
                     "' is no duration: write 10s, 250ms or 2m; "
                     "from 1ms to a day"));
  }
  return std::chrono::milliseconds(static_cast<int64_t>(value * unit_ms));
}

absl::StatusOr<uint16_t> ParseAccountFlags(absl::string_view text) {
  return ParseFlags(text, kAccountFlags);
}

absl::StatusOr<uint16_t> ParseTransferFlags(absl::string_view text) {
  return ParseFlags(text, kTransferFlags);
}

std::string AccountFlagNames(uint16_t flags) {
  return FlagNames(flags, kAccountFlags);
}

std::string TransferFlagNames(uint16_t flags) {
  return FlagNames(flags, kTransferFlags);
}

absl::StatusOr<TransferStatus> ParseTransferStatus(absl::string_view text) {
#define LEDGERD_COMPARE(name, word, value) \
  if (text == absl::string_view(word)) return TransferStatus::name;
  LEDGERD_TRANSFER_STATUSES(LEDGERD_COMPARE)
#undef LEDGERD_COMPARE
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is no status of a transfer; statuses are as "
                   "in ledger.proto, in lower case: created, exceeds_credits"));
}

absl::string_view Name(PendingState state) {
  switch (state) {
    case PendingState::kNone:
      return "none";
    case PendingState::kPending:
      return "pending";
    case PendingState::kPosted:
      return "posted";
    case PendingState::kVoided:
      return "voided";
    case PendingState::kExpired:
      return "expired";
  }
  return "unknown";
}

Uint128 NewId() {
  static thread_local std::mt19937_64 random{[] {
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
  }()};
  const auto milliseconds = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
  return MakeUint128((milliseconds << 16) | (random() & 0xffff), random());
}

Net NetOf(const Account& account) {
  const Uint128 credits = account.credits_posted.value();
  const Uint128 debits = account.debits_posted.value();
  if (credits >= debits) return {.magnitude = credits - debits};
  return {.negative = true, .magnitude = debits - credits};
}

absl::StatusOr<Net> ParseNet(absl::string_view text) {
  absl::string_view digits = text;
  Net net;
  net.negative = absl::ConsumePrefix(&digits, "-");
  const auto magnitude = ParseUint128(digits);
  if (!magnitude.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is no balance: write -123 or 123"));
  }
  net.magnitude = *magnitude;
  net.negative = net.negative && net.magnitude != 0;
  return net;
}

std::string NetText(const Net& net) {
  return absl::StrCat(net.negative ? "-" : "", ToString(net.magnitude));
}

std::string TimeText(Timestamp timestamp) {
  if (timestamp == Timestamp(0)) return "-";
  return absl::FormatTime(
      "%E4Y-%m-%dT%H:%M:%E9SZ",
      absl::FromUnixNanos(static_cast<int64_t>(timestamp.value())),
      absl::UTCTimeZone());
}

absl::StatusOr<Timestamp> ParseTime(absl::string_view text) {
  uint64_t nanoseconds = 0;
  if (absl::SimpleAtoi(text, &nanoseconds)) return Timestamp(nanoseconds);
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
      time < absl::UnixEpoch()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text,
                     "' is no time: give one like 2026-11-25T04:35:00Z, or "
                     "nanoseconds since 1970"));
  }
  return Timestamp(static_cast<uint64_t>(absl::ToUnixNanos(time)));
}

}  // namespace ledgerd::client
