#include "tests/model/naive_ledger.h"

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/types/span.h"

#include "proto/system_limits.h"
#include "tests/model/naive_account.h"
#include "tests/model/naive_transfer.h"

namespace ledgerd::model {
namespace {

// What differs between the two kinds of event.
struct Accounts {
  using Row = Account;
  using Result = AccountResult;
  using Status = AccountStatus;
  static constexpr uint16_t kImported = account_flags::kImported;

  static Result Create(NaiveState& state, const Row& event, Timestamp now) {
    return CreateAccount(state, event, now);
  }

  static storage::WatchedEvent Tell(const NaiveState& state, const Row& event) {
    return {.type = storage::EventType::kAccountCreated,
            .debit = state.accounts.at(event.id)};
  }

  static void KeepIfFailed(NaiveState&, const Row&, Status) {}
};

struct Transfers {
  using Row = Transfer;
  using Result = TransferResult;
  using Status = TransferStatus;
  static constexpr uint16_t kImported = transfer_flags::kImported;

  static Result Create(NaiveState& state, const Row& event, Timestamp now) {
    return CreateTransfer(state, event, now);
  }

  static storage::EventType TypeOf(const Transfer& transfer) {
    using Type = storage::EventType;
    if ((transfer.flags & transfer_flags::kPending) != 0) {
      return Type::kTwoPhasePending;
    }
    if ((transfer.flags & transfer_flags::kPostPending) != 0) {
      return Type::kTwoPhasePosted;
    }
    if ((transfer.flags & transfer_flags::kVoidPending) != 0) {
      return Type::kTwoPhaseVoided;
    }
    return Type::kSinglePhase;
  }

  static storage::WatchedEvent Tell(const NaiveState& state, const Row& event) {
    const Transfer& transfer = state.transfers.at(event.id);
    return {.type = TypeOf(transfer),
            .transfer = transfer,
            .debit = state.accounts.at(transfer.debit_account_id),
            .credit = state.accounts.at(transfer.credit_account_id)};
  }

  // "Ids that failed".
  static void KeepIfFailed(NaiveState& state, const Row& event, Status status) {
    switch (status) {
      case Status::kDebitAccountNotFound:
      case Status::kCreditAccountNotFound:
      case Status::kPendingTransferNotFound:
      case Status::kExceedsCredits:
      case Status::kExceedsDebits:
      case Status::kDebitAccountAlreadyClosed:
      case Status::kCreditAccountAlreadyClosed:
        state.failed_ids[event.id] = status;
        break;
      default:
        break;
    }
  }
};

// "Checks common to accounts and transfers", 3 and 4.
template <typename Kind>
typename Kind::Status CheckImport(const typename Kind::Row& event,
                                  bool import_batch, Timestamp batch) {
  using Status = typename Kind::Status;
  const bool imported = (event.flags & Kind::kImported) != 0;
  if (imported && !import_batch) return Status::kImportedEventNotExpected;
  if (!imported && import_batch) return Status::kImportedEventExpected;
  if (!imported) {
    return event.timestamp == Timestamp(0) ? Status::kCreated
                                           : Status::kTimestampMustBeZero;
  }
  if (event.timestamp == Timestamp(0) || event.timestamp > kTimestampMax) {
    return Status::kImportedEventTimestampOutOfRange;
  }
  if (event.timestamp >= batch) {
    return Status::kImportedEventTimestampMustNotAdvance;
  }
  return Status::kCreated;
}

// A linked chain that is open.
struct Chain {
  size_t first;
  NaiveState before;
  bool broken = false;
};

// "Batches": the events of one entry, in order.
template <typename Kind>
std::vector<typename Kind::Result> Execute(NaiveState& state,
                                           const Entry& entry) {
  using Status = typename Kind::Status;
  using Result = typename Kind::Result;
  const absl::Span<const typename Kind::Row> events =
      entry.rows<typename Kind::Row>();
  const size_t n = events.size();
  const bool import_batch = (events[0].flags & Kind::kImported) != 0;
  std::vector<Result> results(n);
  std::optional<Chain> chain;
  for (size_t i = 0; i < n; ++i) {
    const auto& event = events[i];
    const Timestamp now(entry.timestamp().value() - n + i + 1);
    const bool linked = (event.flags & 1) != 0;
    if (linked && !chain) chain = Chain{i, state};
    Result& result = results[i];
    result.timestamp = now;
    if (linked && i == n - 1) {
      result.status = Status::kLinkedEventChainOpen;
    } else if (chain && chain->broken) {
      result.status = Status::kLinkedEventFailed;
    } else {
      result.status = CheckImport<Kind>(event, import_batch, entry.timestamp());
      if (result.status == Status::kCreated) {
        result = Kind::Create(state, event, now);
      }
      if (result.status == Status::kCreated) {
        storage::WatchedEvent told = Kind::Tell(state, event);
        told.timestamp = now;
        state.events[entry.sequence()].push_back(told);
      }
    }
    if (chain && !chain->broken && result.status != Status::kCreated) {
      chain->broken = true;
      state = chain->before;
      for (size_t j = chain->first; j < i; ++j) {
        results[j] = Result{};
        results[j].status = Status::kLinkedEventFailed;
        results[j].timestamp = Timestamp(entry.timestamp().value() - n + j + 1);
      }
    }
    Kind::KeepIfFailed(state, event, result.status);
    if (!linked) chain.reset();
  }
  return results;
}

// "Expiry".
void Expire(NaiveState& state, Sequence sequence, Timestamp now) {
  std::vector<TransferId> due = state.Due(now);
  if (due.size() > kMaxBatchSize) due.resize(kMaxBatchSize);
  // The entry has as many timestamps as it could expire transfers.
  uint64_t event = now.value() - kMaxBatchSize + 1;
  for (const TransferId id : due) {
    const Transfer& transfer = state.transfers.at(id);
    Release(state, transfer, PendingState::kExpired);
    state.events[sequence].push_back(
        {.type = storage::EventType::kTwoPhaseExpired,
         .timestamp = Timestamp(event++),
         .transfer = transfer,
         .debit = state.accounts.at(transfer.debit_account_id),
         .credit = state.accounts.at(transfer.credit_account_id)});
  }
}

}  // namespace

EntryResult NaiveLedger::Apply(const Entry& entry) {
  EntryResult result;
  result.sequence = entry.sequence();
  switch (entry.kind()) {
    case EntryKind::kCreateAccounts:
      result.accounts = Execute<Accounts>(state_, entry);
      break;
    case EntryKind::kCreateTransfers:
      result.transfers = Execute<Transfers>(state_, entry);
      break;
    case EntryKind::kExpireTransfers:
      Expire(state_, entry.sequence(), entry.timestamp());
      break;
    case EntryKind::kEpochStart:
    case EntryKind::kMembership:
    case EntryKind::kPause:
      break;
    case EntryKind::kIncidents:
      state_.incidents.emplace(entry.sequence(), entry.payload());
      break;
  }
  state_.applied = {entry.id(), entry.timestamp()};
  return result;
}

}  // namespace ledgerd::model
