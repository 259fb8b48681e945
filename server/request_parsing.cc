#include "server/request_parsing.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::server {
namespace {

Uint128 FromMessage(const ledger::v1::Uint128& value) {
  return MakeUint128(value.high(), value.low());
}

absl::Status CheckCode(absl::string_view field, int index, uint32_t code) {
  if (code <= std::numeric_limits<uint16_t>::max()) return absl::OkStatus();
  return MakeFieldError(absl::StrCat(field, "[", index, "].code"),
                        absl::StrCat(code, " is above 65535, the highest"));
}

Account ToRow(const ledger::v1::Account& account) {
  Account row;
  row.id = AccountId(FromMessage(account.id()));
  row.debits_pending = Amount(FromMessage(account.debits_pending()));
  row.debits_posted = Amount(FromMessage(account.debits_posted()));
  row.credits_pending = Amount(FromMessage(account.credits_pending()));
  row.credits_posted = Amount(FromMessage(account.credits_posted()));
  row.user_data_128 = FromMessage(account.user_data_128());
  row.user_data_64 = account.user_data_64();
  row.user_data_32 = account.user_data_32();
  row.ledger = account.ledger();
  row.code = static_cast<uint16_t>(account.code());
  row.flags = PackFlags(account.flags());
  row.timestamp = Timestamp(account.timestamp());
  return row;
}

Transfer ToRow(const ledger::v1::Transfer& transfer) {
  Transfer row;
  row.id = TransferId(FromMessage(transfer.id()));
  row.debit_account_id = AccountId(FromMessage(transfer.debit_account_id()));
  row.credit_account_id = AccountId(FromMessage(transfer.credit_account_id()));
  row.amount = Amount(FromMessage(transfer.amount()));
  row.pending_id = TransferId(FromMessage(transfer.pending_id()));
  row.user_data_128 = FromMessage(transfer.user_data_128());
  row.user_data_64 = transfer.user_data_64();
  row.user_data_32 = transfer.user_data_32();
  row.timeout_seconds = transfer.timeout();
  row.ledger = transfer.ledger();
  row.code = static_cast<uint16_t>(transfer.code());
  row.flags = PackFlags(transfer.flags());
  row.timestamp = Timestamp(transfer.timestamp());
  return row;
}

template <typename Message>
absl::StatusOr<Command> ParseEvents(EntryKind kind, absl::string_view field,
                                    const Repeated<Message>& events) {
  LEDGERD_RETURN_IF_ERROR(
      CheckEventCount(field, static_cast<size_t>(events.size())));
  const auto count = static_cast<size_t>(events.size());
  Command command;
  command.kind = kind;
  command.timestamp_count = static_cast<uint32_t>(count);
  command.buffer.resize(CommandBytes(count));
  char* at = command.buffer.data() + kEntryHeaderBytes;
  for (int i = 0; i < events.size(); ++i, at += kRowBytes) {
    LEDGERD_RETURN_IF_ERROR(CheckCode(field, i, events[i].code()));
    const auto row = ToRow(events[i]);
    std::memcpy(at, &row, sizeof(row));
  }
  return command;
}

template <typename Id>
absl::StatusOr<std::vector<Id>> ParseIds(
    const Repeated<ledger::v1::Uint128>& ids) {
  LEDGERD_RETURN_IF_ERROR(
      CheckEventCount("ids", static_cast<size_t>(ids.size())));
  std::vector<Id> parsed;
  parsed.reserve(static_cast<size_t>(ids.size()));
  for (const ledger::v1::Uint128& id : ids) {
    parsed.emplace_back(FromMessage(id));
  }
  return parsed;
}

}  // namespace

absl::Status CheckEventCount(absl::string_view field, size_t count) {
  if (count >= 1 && count <= kMaxBatchSize) return absl::OkStatus();
  return MakeFieldError(
      field, absl::StrCat(count, " given; a request holds 1 to ", kMaxBatchSize,
                          count == 0 ? "" : ": send the rest in another one"));
}

absl::StatusOr<Command> ParseAccounts(
    const Repeated<ledger::v1::Account>& accounts) {
  return ParseEvents(EntryKind::kCreateAccounts, "accounts", accounts);
}

absl::StatusOr<Command> ParseTransfers(
    const Repeated<ledger::v1::Transfer>& transfers) {
  return ParseEvents(EntryKind::kCreateTransfers, "transfers", transfers);
}

absl::StatusOr<std::vector<AccountId>> ParseAccountIds(
    const Repeated<ledger::v1::Uint128>& ids) {
  return ParseIds<AccountId>(ids);
}

absl::StatusOr<std::vector<TransferId>> ParseTransferIds(
    const Repeated<ledger::v1::Uint128>& ids) {
  return ParseIds<TransferId>(ids);
}

absl::StatusOr<replication::Freshness> ParseConsistency(
    const ledger::v1::ReadConsistency& consistency) {
  using Level = replication::Freshness::Level;
  replication::Freshness freshness;
  switch (consistency.level_case()) {
    case ledger::v1::ReadConsistency::kAtLeastSequence:
      freshness.level = Level::kAtLeastSequence;
      freshness.at_least = Sequence(consistency.at_least_sequence());
      break;
    case ledger::v1::ReadConsistency::kMaxStalenessMs:
      freshness.level = Level::kMaxStaleness;
      freshness.max_staleness =
          std::chrono::milliseconds(consistency.max_staleness_ms());
      break;
    case ledger::v1::ReadConsistency::kLinearizable:
      break;
    case ledger::v1::ReadConsistency::LEVEL_NOT_SET:
      if (consistency.GetReflection()->GetUnknownFields(consistency).empty()) {
        break;
      }
      return MakeFieldError("consistency",
                            "a level that this version does not know; "
                            "linearizable is the strictest");
  }
  return freshness;
}

}  // namespace ledgerd::server
