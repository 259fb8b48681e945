// Every request of a client, through validation and into the ledger; the same
// as bytes, as they are counted and parsed; and rows that no validation has
// seen, as a journal may hold them.
//
// An input is a list of steps: a byte for the kind, two for the length, the
// bytes. After each the books must balance (ledger_testing.h).
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/base/check.h"
#include "proto/entry.h"
#include "proto/errors.h"
#include "proto/system_limits.h"
#include "server/filter_parsing.h"
#include "server/grpc/batch_request.h"
#include "server/ledger/ledger_testing.h"
#include "server/request_parsing.h"
#include "tests/fuzz/target.h"

namespace ledgerd::fuzz {
namespace {

enum Kind : uint8_t {
  kAccounts,
  kTransfers,
  kLookUpAccounts,
  kLookUpTransfers,
  kAccountRows,
  kTransferRows,
  kExpire,
  kAccountFilter,
  kQueryFilter,
  kAccountBytes,
  kTransferBytes,
  kStreamedBytes,
  kKinds,
};

constexpr size_t kStepsMax = 8;
constexpr size_t kRowsMax = 16;
// Few enough that rows meet each other.
constexpr uint64_t kIds = 8;

template <typename Id>
void Narrow(Id& id) {
  // 0 and the highest stay what they are: they have rules of their own.
  if (id.value() != 0 && id.value() != ~Uint128{0}) {
    id = Id(id.value() % kIds);
  }
}

void NarrowIds(Account& account) { Narrow(account.id); }

void NarrowIds(Transfer& transfer) {
  Narrow(transfer.id);
  Narrow(transfer.debit_account_id);
  Narrow(transfer.credit_account_id);
  Narrow(transfer.pending_id);
}

template <typename Row>
std::vector<Row> RowsOf(absl::string_view bytes) {
  std::vector<Row> rows(std::min(bytes.size() / kRowBytes, kRowsMax));
  if (rows.empty()) return rows;
  std::memcpy(rows.data(), bytes.data(), rows.size() * kRowBytes);
  for (Row& row : rows) NarrowIds(row);
  return rows;
}

// What is refused has a field.
void CheckRefusal(const absl::Status& refusal) {
  LEDGERD_CHECK(ReasonOf(refusal) == Reason::kInvalidField);
  LEDGERD_CHECK(!FieldOf(refusal).empty());
}

// What validation lets through as rows.
template <typename Row>
std::vector<Row> RowsOf(const absl::StatusOr<Command>& command) {
  if (!command.ok()) {
    CheckRefusal(command.status());
    return {};
  }
  LEDGERD_CHECK(command->timestamp_count <= kMaxBatchSize);
  return RowsOf<Row>(
      absl::string_view(command->buffer).substr(kEntryHeaderBytes));
}

// A filter that is let through can be asked for.
void CheckFilter(const storage::QueryFilter& filter) {
  LEDGERD_CHECK(filter.limit >= 1 && filter.limit <= kMaxBatchSize);
  LEDGERD_CHECK(filter.timestamp_min >= Timestamp(1));
  LEDGERD_CHECK(filter.timestamp_min <= filter.timestamp_max);
  LEDGERD_CHECK(filter.timestamp_max <= kTimestampMax);
}

void CheckFilter(const storage::AccountFilter& filter) {
  LEDGERD_CHECK(filter.debits || filter.credits);
  LEDGERD_CHECK(filter.account_id != AccountId(0));
  CheckFilter(filter.rest);
}

template <typename Filter>
void RunFilter(const std::string& text) {
  Filter message;
  if (!message.ParseFromString(text)) return;
  const auto filter = server::ParseFilter(message);
  if (!filter.ok()) return CheckRefusal(filter.status());
  CheckFilter(*filter);
}

// In two pieces, as they may come from the wire.
grpc::ByteBuffer Pieces(const std::string& text) {
  const size_t cut = text.size() / 2;
  const std::vector<grpc::Slice> pieces = {
      grpc::Slice(text.data(), cut),
      grpc::Slice(text.data() + cut, text.size() - cut)};
  return grpc::ByteBuffer(pieces.data(), pieces.size());
}

// Counted as protobuf counts; nothing: to it this is no message.
void CheckCount(const std::string& text, const server::EventField& field,
                std::optional<size_t> expected) {
  const auto count = server::CountEvents(Pieces(text), field);
  if (!count.ok()) CheckRefusal(count.status());
  LEDGERD_CHECK(!count.ok() || (*count >= 1 && *count <= kMaxBatchSize));
  if (!expected.has_value()) return;
  const bool fits = *expected >= 1 && *expected <= kMaxBatchSize;
  LEDGERD_CHECK(count.ok() == fits);
  LEDGERD_CHECK(!fits || *count == *expected);
}

void CheckCommand(const absl::StatusOr<Command>& command,
                  std::optional<size_t> expected) {
  if (!command.ok()) return CheckRefusal(command.status());
  LEDGERD_CHECK(command->timestamp_count == expected);
}

void RunAccountBytes(const std::string& text) {
  ledger::v1::CreateAccountsRequest message;
  std::optional<size_t> events;
  if (message.ParseFromString(text)) events = message.accounts_size();
  CheckCount(text, server::kCreateAccounts.events, events);
  CheckCommand(server::ParseBatch(Pieces(text), server::kCreateAccounts),
               events);
}

void RunTransferBytes(const std::string& text) {
  ledger::v1::CreateTransfersRequest message;
  std::optional<size_t> events;
  if (message.ParseFromString(text)) events = message.transfers_size();
  CheckCount(text, server::kCreateTransfers.events, events);
  CheckCommand(server::ParseBatch(Pieces(text), server::kCreateTransfers),
               events);
}

void RunStreamedBytes(const std::string& text) {
  ledger::v1::StreamTransfersRequest message;
  std::optional<size_t> events;
  if (message.ParseFromString(text)) events = message.transfers_size();
  CheckCount(text, server::kStreamedEvents, events);
  auto request = server::ParseStreamed(Pieces(text));
  if (!request.ok()) return CheckRefusal(request.status());
  LEDGERD_CHECK(request->request_id == message.request_id());
  CheckCommand(std::move(request->command), events);
}

class World {
 public:
  void Step(uint8_t kind, absl::string_view bytes) {
    const std::string text(bytes);
    ledger::v1::CreateAccountsRequest accounts;
    ledger::v1::CreateTransfersRequest transfers;
    ledger::v1::LookupAccountsRequest ids;
    switch (kind % kKinds) {
      case kAccounts:
        if (!accounts.ParseFromString(text)) return;
        return Create(
            RowsOf<Account>(server::ParseAccounts(accounts.accounts())));
      case kTransfers:
        if (!transfers.ParseFromString(text)) return;
        return Create(
            RowsOf<Transfer>(server::ParseTransfers(transfers.transfers())));
      case kLookUpAccounts:
      case kLookUpTransfers:
        if (!ids.ParseFromString(text)) return;
        server::ParseAccountIds(ids.ids()).status().IgnoreError();
        server::ParseConsistency(ids.consistency()).status().IgnoreError();
        return;
      case kAccountRows:
        return Create(RowsOf<Account>(bytes));
      case kTransferRows:
        return Create(RowsOf<Transfer>(bytes));
      case kAccountFilter:
        return RunFilter<ledger::v1::AccountFilter>(text);
      case kQueryFilter:
        return RunFilter<ledger::v1::QueryFilter>(text);
      case kAccountBytes:
        return RunAccountBytes(text);
      case kTransferBytes:
        return RunTransferBytes(text);
      case kStreamedBytes:
        return RunStreamedBytes(text);
      default:
        return ledger_.Expire(NextTimestamp(1, bytes.size()));
    }
  }

 private:
  void Create(const std::vector<Account>& rows) {
    if (rows.empty()) return;
    ledger_.CreateAccounts(rows, NextTimestamp(rows.size(), 0));
  }

  void Create(const std::vector<Transfer>& rows) {
    if (rows.empty()) return;
    ledger_.CreateTransfers(rows, NextTimestamp(rows.size(), 0));
  }

  Timestamp NextTimestamp(size_t events, uint64_t seconds) {
    now_ += std::max(events, kMaxBatchSize) + seconds * kNanosPerSecond;
    return Timestamp(now_);
  }

  server::LedgerTester ledger_{{.cold = true}};
  uint64_t now_ = 1'000 * kNanosPerSecond;
};

std::string StepOf(Kind kind, const std::string& bytes) {
  std::string step{static_cast<char>(kind)};
  step.push_back(static_cast<char>(bytes.size() & 0xff));
  step.push_back(static_cast<char>(bytes.size() >> 8));
  return step + bytes;
}

template <typename Row>
std::string BytesOf(const std::vector<Row>& rows) {
  return {reinterpret_cast<const char*>(rows.data()), rows.size() * kRowBytes};
}

std::string Accounts(Kind kind = kAccounts) {
  ledger::v1::CreateAccountsRequest request;
  for (uint64_t id = 1; id <= 3; ++id) {
    auto& account = *request.add_accounts();
    account.mutable_id()->set_low(id);
    account.set_ledger(1);
    account.set_code(1);
  }
  return StepOf(kind, request.SerializeAsString());
}

std::string Payments(uint16_t flags, Kind kind = kTransfers) {
  ledger::v1::CreateTransfersRequest request;
  for (uint64_t id = 1; id <= 2; ++id) {
    auto& transfer = *request.add_transfers();
    transfer.mutable_id()->set_low(id);
    transfer.mutable_debit_account_id()->set_low(id);
    transfer.mutable_credit_account_id()->set_low(id + 1);
    transfer.mutable_amount()->set_low(10);
    transfer.set_ledger(1);
    transfer.set_code(1);
    transfer.set_flags(flags);
    if (flags == transfer_flags::kPending) transfer.set_timeout(2);
  }
  return StepOf(kind, request.SerializeAsString());
}

std::string StreamedPayment() {
  ledger::v1::StreamTransfersRequest request;
  request.set_request_id(7);
  request.add_transfers()->mutable_id()->set_low(1);
  return StepOf(kStreamedBytes, request.SerializeAsString());
}

// What both filters have.
template <typename Filter>
Filter FilterOfAll() {
  Filter filter;
  filter.set_timestamp_min(1);
  filter.set_timestamp_max(1'000);
  filter.mutable_user_data_128()->set_high(1);
  filter.set_user_data_64(2);
  filter.set_user_data_32(3);
  filter.set_code(4);
  filter.set_reversed(true);
  filter.set_limit(5);
  return filter;
}

std::string Filters() {
  auto account = FilterOfAll<ledger::v1::AccountFilter>();
  account.mutable_account_id()->set_low(1);
  account.set_debits(true);
  auto query = FilterOfAll<ledger::v1::QueryFilter>();
  query.set_ledger(1);
  return StepOf(kAccountFilter, account.SerializeAsString()) +
         StepOf(kQueryFilter, query.SerializeAsString());
}

std::string Resolutions(uint16_t flags) {
  std::vector<Transfer> rows(2);
  for (uint64_t i = 0; i < 2; ++i) {
    rows[i].id = TransferId(i + 3);
    rows[i].pending_id = TransferId(i + 1);
    rows[i].amount = Amount(i == 0 ? ~Uint128{0} : 5);
    rows[i].flags = flags;
  }
  return StepOf(kTransferRows, BytesOf(rows));
}

}  // namespace

std::vector<std::string> Seeds() {
  namespace flags = transfer_flags;
  ledger::v1::LookupAccountsRequest ids;
  ids.add_ids()->set_low(1);
  ids.mutable_consistency()->set_at_least_sequence(1);
  std::vector<Account> limited(2);
  for (uint64_t i = 0; i < 2; ++i) {
    limited[i] = {.id = AccountId(i + 1), .ledger = 1, .code = 1};
    limited[i].flags = static_cast<uint16_t>(2 << i);
  }
  std::vector<std::string> seeds = {
      Accounts() + Payments(0) + Payments(0),
      Accounts() + Payments(flags::kLinked),
      Accounts() + Payments(flags::kPending) + Resolutions(flags::kPostPending),
      Accounts() + Payments(flags::kPending) + Resolutions(flags::kVoidPending),
      Accounts() + Payments(flags::kPending) + StepOf(kExpire, "123"),
      StepOf(kAccountRows, BytesOf(limited)) + Payments(0),
      StepOf(kLookUpAccounts, ids.SerializeAsString()),
      Filters(),
      Accounts(kAccountBytes),
      Payments(flags::kPending, kTransferBytes),
      StreamedPayment(),
  };
  return seeds;
}

}  // namespace ledgerd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Outside of gtest, what does not hold must abort.
  testing::GTEST_FLAG(throw_on_failure) = true;
  ledgerd::fuzz::World world;
  for (size_t step = 0; step < ledgerd::fuzz::kStepsMax && size >= 3; ++step) {
    const size_t length =
        std::min<size_t>(data[1] + (size_t{data[2]} << 8), size - 3);
    world.Step(data[0], {reinterpret_cast<const char*>(data) + 3, length});
    data += 3 + length;
    size -= 3 + length;
  }
  return 0;
}
