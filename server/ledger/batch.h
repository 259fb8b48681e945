// ApplyBatch executes one entry's accounts or transfers in order: the checks
// that both have in common, and linked chains.
//
//   AccountRules rules(changes);
//   result.accounts = ApplyBatch(rules, rows, entry.timestamp(), changes);
//
// Shape   `Rules` says what differs: the types Row, Status and Result, the bits
//         kLinked and kImported, and
//           Result Create(const Row&, Timestamp event)  the row's own checks
//           void Refused(const Row&, Status)            after a chain's undo
// Time    Event i (from 0) of n is judged at T - n + i + 1, also when it is
//         imported; `timestamp` is T.
// Source  ledger.md, "Batches"; its numbers stand beside the code.
#ifndef LEDGERD_SERVER_LEDGER_BATCH_H_
#define LEDGERD_SERVER_LEDGER_BATCH_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/span.h"

#include "proto/base/check.h"
#include "proto/types.h"
#include "server/ledger/changes.h"

namespace ledgerd::server {

template <typename Rules>
class Batch {
 public:
  using Row = typename Rules::Row;
  using Status = typename Rules::Status;
  using Result = typename Rules::Result;

  Batch(Rules& rules, absl::Span<const Row> rows, Timestamp timestamp,
        Changes& changes)
      : rules_(rules),
        rows_(rows),
        timestamp_(timestamp),
        imported_(!rows.empty() && (rows[0].flags & Rules::kImported) != 0),
        changes_(changes) {
    LEDGERD_CHECK(timestamp.value() >= rows.size());
  }

  std::vector<Result> Apply() && {
    results_.reserve(rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) Execute(i);
    return std::move(results_);
  }

 private:
  enum class Chain { kNone, kOpen, kBroken };

  void Execute(size_t i) {
    const Row& row = rows_[i];
    const bool linked = (row.flags & Rules::kLinked) != 0;
    if (linked && chain_ == Chain::kNone) OpenChain(i);
    const Result result = Examine(row, i);
    if (result.status != Status::kCreated) {
      if (chain_ == Chain::kOpen) BreakChain(i);
      rules_.Refused(row, result.status);
    }
    results_.push_back(result);
    if (!linked) CloseChain();
  }

  Result Examine(const Row& row, size_t i) {
    const Status status = CommonChecks(row, i);
    if (status != Status::kCreated) return Refusal(status, i);
    return rules_.Create(row, EventTime(i));
  }

  // kCreated when the event passes them.
  Status CommonChecks(const Row& row, size_t i) const {
    // 1
    if ((row.flags & Rules::kLinked) != 0 && i + 1 == rows_.size()) {
      return Status::kLinkedEventChainOpen;
    }
    // 2
    if (chain_ == Chain::kBroken) return Status::kLinkedEventFailed;
    // 3
    const bool imported = (row.flags & Rules::kImported) != 0;
    if (imported != imported_) {
      return imported_ ? Status::kImportedEventExpected
                       : Status::kImportedEventNotExpected;
    }
    // 4
    return imported ? CheckImported(row.timestamp)
                    : CheckNotImported(row.timestamp);
  }

  Status CheckImported(Timestamp given) const {
    if (given == Timestamp(0) || given > kTimestampMax) {
      return Status::kImportedEventTimestampOutOfRange;
    }
    if (given >= timestamp_) {
      return Status::kImportedEventTimestampMustNotAdvance;
    }
    return Status::kCreated;
  }

  static Status CheckNotImported(Timestamp given) {
    return given == Timestamp(0) ? Status::kCreated
                                 : Status::kTimestampMustBeZero;
  }

  void OpenChain(size_t i) {
    chain_ = Chain::kOpen;
    chain_begin_ = i;
    changes_.BeginChain();
  }

  // Event i did not end kCreated: what the chain did before it is undone.
  void BreakChain(size_t i) {
    changes_.UndoChain();
    for (size_t member = chain_begin_; member < i; ++member) {
      results_[member] = Refusal(Status::kLinkedEventFailed, member);
    }
    chain_ = Chain::kBroken;
  }

  void CloseChain() {
    if (chain_ == Chain::kOpen) changes_.KeepChain();
    chain_ = Chain::kNone;
  }

  Result Refusal(Status status, size_t i) const {
    Result result;
    result.status = status;
    result.timestamp = EventTime(i);
    return result;
  }

  Timestamp EventTime(size_t i) const {
    return Timestamp(timestamp_.value() - rows_.size() + i + 1);
  }

  Rules& rules_;
  const absl::Span<const Row> rows_;
  const Timestamp timestamp_;
  // The first event decides.
  const bool imported_;
  Changes& changes_;
  std::vector<Result> results_;
  Chain chain_ = Chain::kNone;
  // The first event of the chain, unless kNone.
  size_t chain_begin_ = 0;
};

template <typename Rules>
std::vector<typename Rules::Result> ApplyBatch(
    Rules& rules, absl::Span<const typename Rules::Row> rows,
    Timestamp timestamp, Changes& changes) {
  return Batch<Rules>(rules, rows, timestamp, changes).Apply();
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_BATCH_H_
