// From a client's messages to what the replica takes: shape and limits are
// checked, and every event becomes a 128-byte row in the entry's own buffer.
//
//   LEDGERD_ASSIGN_OR_RETURN(Command command,
//                            ParseTransfers(request.transfers()));
//
// Errors   INVALID_FIELD, with a path like transfers[3].code: what no row can
//          hold, and a level of consistency that is not known. All else that a
//          client can get wrong is the status of its event, and the ledger's
//          to find.
// Source   ledger.md, "Batches" and "On disk and on the wire".
#ifndef LEDGERD_SERVER_REQUEST_PARSING_H_
#define LEDGERD_SERVER_REQUEST_PARSING_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/entry.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

template <typename Message>
using Repeated = google::protobuf::RepeatedPtrField<Message>;

// Of a request with so many events in that field.
absl::Status CheckEventCount(absl::string_view field, size_t count);

// What the command of so many events takes.
constexpr size_t CommandBytes(size_t events) {
  return kEntryHeaderBytes + events * kRowBytes;
}

absl::StatusOr<Command> ParseAccounts(
    const Repeated<ledger::v1::Account>& accounts);

absl::StatusOr<Command> ParseTransfers(
    const Repeated<ledger::v1::Transfer>& transfers);

absl::StatusOr<std::vector<AccountId>> ParseAccountIds(
    const Repeated<ledger::v1::Uint128>& ids);

absl::StatusOr<std::vector<TransferId>> ParseTransferIds(
    const Repeated<ledger::v1::Uint128>& ids);

// Linearizable when nothing is set. INVALID_FIELD for a level of a later
// contract: what it asks for is not known, so neither is whether it was given.
absl::StatusOr<replication::Freshness> ParseConsistency(
    const ledger::v1::ReadConsistency& consistency);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REQUEST_PARSING_H_
