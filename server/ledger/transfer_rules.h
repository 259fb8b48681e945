// What creating a transfer checks and does, once the checks that accounts and
// transfers have in common are passed (batch.h): ids, retries, ids that failed,
// then the rules of its mode.
//
//   TransferRules rules(changes);
//   const TransferResult result = rules.Create(transfer, event_time);
//
// Source  ledger.md, "Transfers"; testdata/transfer_*.txt, failed_ids.txt.
#ifndef LEDGERD_SERVER_LEDGER_TRANSFER_RULES_H_
#define LEDGERD_SERVER_LEDGER_TRANSFER_RULES_H_

#include <cstdint>

#include "proto/results.h"
#include "proto/statuses.h"
#include "proto/types.h"
#include "server/ledger/changes.h"

namespace ledgerd::server {

class TransferRules {
 public:
  using Row = Transfer;
  using Status = TransferStatus;
  using Result = TransferResult;
  static constexpr uint16_t kLinked = transfer_flags::kLinked;
  static constexpr uint16_t kImported = transfer_flags::kImported;

  explicit TransferRules(Changes& changes) : changes_(changes) {}

  TransferResult Create(const Transfer& transfer, Timestamp event);

  // Keeps the id as failed when the same request could end otherwise later.
  void Refused(const Transfer& transfer, TransferStatus status);

 private:
  TransferResult AnswerUsedId(const Transfer& transfer,
                              const storage::TransferIdState& id,
                              Timestamp event);

  Changes& changes_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_TRANSFER_RULES_H_
