#include "server/responses.h"

#include <cstddef>

namespace ledgerd::server {
namespace {

void Set(Uint128 value, ledger::v1::Uint128& message) {
  message.set_high(High(value));
  message.set_low(Low(value));
}

}  // namespace

// Leaves a field of `message` unset when it is zero.
#define LEDGERD_SET_IF(field, value) \
  if ((value) != 0) Set(value, *message.mutable_##field())

void ToMessage(const Account& row, ledger::v1::Account& message) {
  LEDGERD_SET_IF(id, row.id.value());
  LEDGERD_SET_IF(debits_pending, row.debits_pending.value());
  LEDGERD_SET_IF(debits_posted, row.debits_posted.value());
  LEDGERD_SET_IF(credits_pending, row.credits_pending.value());
  LEDGERD_SET_IF(credits_posted, row.credits_posted.value());
  LEDGERD_SET_IF(user_data_128, row.user_data_128);
  message.set_user_data_64(row.user_data_64);
  message.set_user_data_32(row.user_data_32);
  message.set_ledger(row.ledger);
  message.set_code(row.code);
  message.set_flags(row.flags);
  message.set_timestamp(row.timestamp.value());
}

void ToMessage(const Transfer& row, ledger::v1::Transfer& message) {
  LEDGERD_SET_IF(id, row.id.value());
  LEDGERD_SET_IF(debit_account_id, row.debit_account_id.value());
  LEDGERD_SET_IF(credit_account_id, row.credit_account_id.value());
  LEDGERD_SET_IF(amount, row.amount.value());
  LEDGERD_SET_IF(pending_id, row.pending_id.value());
  LEDGERD_SET_IF(user_data_128, row.user_data_128);
  message.set_user_data_64(row.user_data_64);
  message.set_user_data_32(row.user_data_32);
  message.set_timeout(row.timeout_seconds);
  message.set_ledger(row.ledger);
  message.set_code(row.code);
  message.set_flags(row.flags);
  message.set_timestamp(row.timestamp.value());
}

void ToMessage(const storage::AccountBalances& row,
               ledger::v1::AccountBalance& message) {
  LEDGERD_SET_IF(debits_pending, row.debits_pending.value());
  LEDGERD_SET_IF(debits_posted, row.debits_posted.value());
  LEDGERD_SET_IF(credits_pending, row.credits_pending.value());
  LEDGERD_SET_IF(credits_posted, row.credits_posted.value());
  message.set_timestamp(row.timestamp.value());
}

#undef LEDGERD_SET_IF

void ToMessage(const storage::EntryEvents& entry,
               ledger::v1::WatchEventsResponse& message) {
  message.set_sequence(entry.sequence.value());
  message.set_more(entry.more);
  message.mutable_events()->Reserve(static_cast<int>(entry.events.size()));
  for (const storage::WatchedEvent& row : entry.events) {
    ledger::v1::Event& event = *message.add_events();
    event.set_type(static_cast<ledger::v1::EventType>(row.type));
    event.set_timestamp(row.timestamp.value());
    ToMessage(row.debit, *event.mutable_debit_account());
    if (row.type == storage::EventType::kAccountCreated) continue;
    ToMessage(row.transfer, *event.mutable_transfer());
    ToMessage(row.credit, *event.mutable_credit_account());
  }
}

void AddResults(
    const std::vector<AccountResult>& results,
    google::protobuf::RepeatedPtrField<ledger::v1::CreateAccountResult>&
        messages) {
  messages.Reserve(static_cast<int>(results.size()));
  for (const AccountResult& result : results) {
    ledger::v1::CreateAccountResult& message = *messages.Add();
    message.set_status(
        static_cast<ledger::v1::CreateAccountStatus>(result.status));
    message.set_timestamp(result.timestamp.value());
  }
}

void AddResults(
    const std::vector<TransferResult>& results,
    google::protobuf::RepeatedPtrField<ledger::v1::CreateTransferResult>&
        messages) {
  messages.Reserve(static_cast<int>(results.size()));
  for (const TransferResult& result : results) {
    ledger::v1::CreateTransferResult& message = *messages.Add();
    message.set_status(
        static_cast<ledger::v1::CreateTransferStatus>(result.status));
    message.set_timestamp(result.timestamp.value());
    message.set_original_status(
        static_cast<ledger::v1::CreateTransferStatus>(result.original_status));
    // Set even when nothing was moved: unset means "as asked".
    if (result.amount_differs) {
      Set(result.amount.value(), *message.mutable_amount());
    }
  }
}

namespace {

// Rows and missing ids; `add_row` takes the next of the rows.
template <typename Id, typename Row, typename Response, typename AddRow>
void FillRows(const std::vector<Id>& ids, const std::vector<Row>& rows,
              Response& response, AddRow add_row) {
  size_t next = 0;
  for (const Id id : ids) {
    if (next < rows.size() && rows[next].id == id) {
      ToMessage(rows[next++], *add_row());
    } else {
      Set(id.value(), *response.add_missing_ids());
    }
  }
}

template <typename Row, typename Add>
void AddRows(const Entry& entry, Add add) {
  for (const Row& row : entry.rows<Row>()) ToMessage(row, *add());
}

}  // namespace

void FillAnswer(const std::vector<AccountId>& ids,
                const storage::Found<Account>& found, Sequence sequence,
                ledger::v1::LookupAccountsResponse& response) {
  FillRows(ids, found.rows, response, [&] { return response.add_accounts(); });
  response.set_sequence(sequence.value());
}

namespace {

template <typename Response>
void FillTransfers(const storage::Found<Transfer>& found, Sequence sequence,
                   Response& response) {
  for (const Transfer& transfer : found.rows) {
    ToMessage(transfer, *response.add_transfers());
  }
  for (const PendingState state : found.pending_states) {
    response.add_pending_states(static_cast<ledger::v1::PendingState>(state));
  }
  response.set_sequence(sequence.value());
}

}  // namespace

void FillAnswer(const storage::QueryFilter& /*filter*/,
                const storage::Found<Account>& found, Sequence sequence,
                ledger::v1::QueryAccountsResponse& response) {
  for (const Account& account : found.rows) {
    ToMessage(account, *response.add_accounts());
  }
  response.set_sequence(sequence.value());
}

void FillAnswer(const storage::QueryFilter& /*filter*/,
                const storage::Found<Transfer>& found, Sequence sequence,
                ledger::v1::QueryTransfersResponse& response) {
  FillTransfers(found, sequence, response);
}

void FillAnswer(const storage::AccountFilter& /*filter*/,
                const storage::Found<Transfer>& found, Sequence sequence,
                ledger::v1::GetAccountTransfersResponse& response) {
  FillTransfers(found, sequence, response);
}

void FillAnswer(const storage::AccountFilter& /*filter*/,
                const storage::Found<storage::AccountBalances>& found,
                Sequence sequence,
                ledger::v1::GetAccountBalancesResponse& response) {
  for (const storage::AccountBalances& balances : found.rows) {
    ToMessage(balances, *response.add_balances());
  }
  response.set_sequence(sequence.value());
}

void FillAnswer(const std::vector<TransferId>& ids,
                const storage::Found<Transfer>& found, Sequence sequence,
                ledger::v1::LookupTransfersResponse& response) {
  FillRows(ids, found.rows, response, [&] { return response.add_transfers(); });
  for (const PendingState state : found.pending_states) {
    response.add_pending_states(static_cast<ledger::v1::PendingState>(state));
  }
  response.set_sequence(sequence.value());
}

std::string SerializeRequest(const Entry& entry) {
  switch (entry.kind()) {
    case EntryKind::kCreateAccounts: {
      ledger::v1::CreateAccountsRequest request;
      AddRows<Account>(entry, [&] { return request.add_accounts(); });
      return request.SerializeAsString();
    }
    case EntryKind::kCreateTransfers: {
      ledger::v1::CreateTransfersRequest request;
      AddRows<Transfer>(entry, [&] { return request.add_transfers(); });
      return request.SerializeAsString();
    }
    case EntryKind::kExpireTransfers:
    case EntryKind::kEpochStart:
    case EntryKind::kMembership:
    case EntryKind::kPause:
    case EntryKind::kIncidents:
      break;
  }
  return "";
}

}  // namespace ledgerd::server
