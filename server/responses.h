// From rows and results to a client's messages. What is zero is left unset, so
// that it costs nothing on the wire.
//
//   AddResults(result.transfers, *response->mutable_results());
//   FillAnswer(ids, found, sequence, *response);
#ifndef LEDGERD_SERVER_RESPONSES_H_
#define LEDGERD_SERVER_RESPONSES_H_

#include <string>
#include <vector>

#include "ledger/v1/ledger.pb.h"
#include "proto/entry.h"
#include "proto/results.h"
#include "proto/types.h"
#include "storage/state_query.h"
#include "storage/state_store.h"
#include "storage/watched_event.h"

namespace ledgerd::server {

// What one takes in memory until it has left, about: of a write, of a read.
inline constexpr size_t kResultBytes = 48;
inline constexpr size_t kObjectBytes = 192;
// Of an event in a piece, and as gRPC writes it; and the most in a piece.
inline constexpr size_t kEventBytes = 1536;
inline constexpr size_t kPieceEventsMax = 256;
// Of an open watch, beside its piece.
inline constexpr size_t kWatchBytes = 8192;

void ToMessage(const Account& row, ledger::v1::Account& message);
void ToMessage(const Transfer& row, ledger::v1::Transfer& message);
void ToMessage(const storage::AccountBalances& row,
               ledger::v1::AccountBalance& message);

void AddResults(
    const std::vector<AccountResult>& results,
    google::protobuf::RepeatedPtrField<ledger::v1::CreateAccountResult>&
        messages);
void AddResults(
    const std::vector<TransferResult>& results,
    google::protobuf::RepeatedPtrField<ledger::v1::CreateTransferResult>&
        messages);

// `found` are the objects of `ids` that exist, in their order; the ids between
// them are missing.
void FillAnswer(const std::vector<AccountId>& ids,
                const storage::Found<Account>& found, Sequence sequence,
                ledger::v1::LookupAccountsResponse& response);
void FillAnswer(const std::vector<TransferId>& ids,
                const storage::Found<Transfer>& found, Sequence sequence,
                ledger::v1::LookupTransfersResponse& response);

// What a query has found.
void FillAnswer(const storage::QueryFilter& filter,
                const storage::Found<Account>& found, Sequence sequence,
                ledger::v1::QueryAccountsResponse& response);
void FillAnswer(const storage::QueryFilter& filter,
                const storage::Found<Transfer>& found, Sequence sequence,
                ledger::v1::QueryTransfersResponse& response);
void FillAnswer(const storage::AccountFilter& filter,
                const storage::Found<Transfer>& found, Sequence sequence,
                ledger::v1::GetAccountTransfersResponse& response);
void FillAnswer(const storage::AccountFilter& filter,
                const storage::Found<storage::AccountBalances>& found,
                Sequence sequence,
                ledger::v1::GetAccountBalancesResponse& response);

void ToMessage(const storage::EntryEvents& entry,
               ledger::v1::WatchEventsResponse& message);

// The ledger.v1 request that `entry` was made of, serialized; empty for kinds
// that no request makes. Flags are those of the rows: an unknown bit at or
// above 16 is bit 15 here.
std::string SerializeRequest(const Entry& entry);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_RESPONSES_H_
