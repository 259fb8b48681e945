// A post or void: the end of a pending transfer.
//
//   const TransferResult result = CreatePostOrVoid(transfer, event, changes);
//
// Requires  The id is free, and the flags do not exclude each other.
// Source    ledger.md, "A post or void"; testdata/pending_*.txt, closing.txt.
#ifndef LEDGERD_SERVER_LEDGER_POST_VOID_RULES_H_
#define LEDGERD_SERVER_LEDGER_POST_VOID_RULES_H_

#include <cstdint>

#include "proto/results.h"
#include "proto/types.h"
#include "server/ledger/changes.h"

namespace ledgerd::server {

constexpr bool IsPostOrVoid(uint16_t flags) {
  return (flags &
          (transfer_flags::kPostPending | transfer_flags::kVoidPending)) != 0;
}

TransferResult CreatePostOrVoid(const Transfer& transfer, Timestamp event,
                                Changes& changes);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_POST_VOID_RULES_H_
