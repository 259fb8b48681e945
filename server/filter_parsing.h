// From a client's filters to those of the state store: a filter that nothing
// can match is refused.
//
//   LEDGERD_ASSIGN_OR_RETURN(const storage::AccountFilter filter,
//                            ParseFilter(request.filter()));
//
// Errors   INVALID_FIELD, with a path like filter.limit.
// Source   ledger.md, "Queries"; ledger.proto, AccountFilter and QueryFilter.
#ifndef LEDGERD_SERVER_FILTER_PARSING_H_
#define LEDGERD_SERVER_FILTER_PARSING_H_

#include "absl/status/statusor.h"

#include "ledger/v1/ledger.pb.h"
#include "storage/state_query.h"

namespace ledgerd::server {

absl::StatusOr<storage::AccountFilter> ParseFilter(
    const ledger::v1::AccountFilter& filter);
absl::StatusOr<storage::QueryFilter> ParseFilter(
    const ledger::v1::QueryFilter& filter);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_FILTER_PARSING_H_
