#include "client/coalescer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "client/chains.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"

namespace ledgerd::client {
namespace {

bool IsImported(const Transfer& transfer) {
  return (transfer.flags & transfer_flags::kImported) != 0;
}

absl::Status TimeOver(bool may_have_been_executed) {
  if (may_have_been_executed) {
    return MakeError(Reason::kOutcomeUnknown,
                     "the deadline passed without an answer: it may have been "
                     "executed; ask again with the same id");
  }
  return MakeError(Reason::kOverloaded,
                   "the deadline passed in the client's queue: nothing was "
                   "done");
}

absl::Status Closed(bool may_have_been_executed) {
  if (may_have_been_executed) {
    return MakeError(Reason::kOutcomeUnknown,
                     "the client was closed before the answer came");
  }
  return MakeError(Reason::kDraining, "the client is closed: nothing was done");
}

// Of a unit that an earlier batch may have executed.
absl::Status Unknown(const absl::Status& error) {
  if (MayHaveBeenExecuted(error)) return error;
  return MakeError(Reason::kOutcomeUnknown,
                   absl::StrCat("it may have been executed; ask again with the "
                                "same id: ",
                                error.message()));
}

// Younger units go into another batch when they have more time left than this:
// the longest pause between two attempts (retry.h).
constexpr std::chrono::milliseconds kResendMin{200};

// Each unit gets its part of the results.
template <typename Units>
void AnswerParts(Units units, const TransferResults& results) {
  size_t begin = 0;
  for (auto& unit : units) {
    const size_t end = begin + unit.transfers.size();
    unit.answer(
        TransferResults(results.begin() + begin, results.begin() + end));
    begin = end;
  }
}

}  // namespace

Coalescer::Coalescer(Options options, Send send)
    : options_(std::move(options)), send_(std::move(send)) {
  LEDGERD_CHECK(options_.batch_max > 0);
  LEDGERD_CHECK(options_.batches_in_flight_max > 0);
}

Coalescer::~Coalescer() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(closed_ && in_flight_ == 0 && queue_.empty());
}

void Coalescer::Add(std::vector<Transfer> unit, Answer answer) {
  Enqueue({.transfers = std::move(unit),
           .answer = std::move(answer),
           .deadline = options_.now() + options_.timeout},
          /*bounded=*/true);
}

void Coalescer::AddWaiting(std::vector<Transfer> unit, Answer answer) {
  Enqueue({.transfers = std::move(unit),
           .answer = std::move(answer),
           .deadline = options_.now() + options_.timeout},
          /*bounded=*/false);
}

absl::Status Coalescer::Refusal(const Unit& unit, bool bounded) const {
  const size_t size = unit.transfers.size();
  if (closed_) return Closed(/*may_have_been_executed=*/false);
  if (size > options_.batch_max) {
    return MakeFieldError("transfers",
                          absl::StrCat("a chain of ", size, " is above the ",
                                       options_.batch_max, " of one batch"));
  }
  if (bounded && queued_transfers_ + size > options_.queued_max) {
    return MakeError(Reason::kOverloaded,
                     absl::StrCat(queued_transfers_,
                                  " transfers wait in the client already, of ",
                                  options_.queued_max));
  }
  return CheckOneUnit<Transfer>(unit.transfers);
}

void Coalescer::Enqueue(Unit unit, bool bounded) {
  const absl::Status refusal = Take(unit, bounded);
  if (refusal.ok()) return Pump();
  unit.answer(refusal);
}

absl::Status Coalescer::Take(Unit& unit, bool bounded) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(Refusal(unit, bounded));
  queued_transfers_ += unit.transfers.size();
  queue_.push_back(std::move(unit));
  return absl::OkStatus();
}

void Coalescer::Pump() {
  while (true) {
    Units batch;
    Units expired;
    {
      const MutexLock lock(mutex_);
      if (in_flight_ >= options_.batches_in_flight_max) return;
      batch = TakeBatch(&expired);
      if (!batch.empty()) ++in_flight_;
    }
    for (Unit& unit : expired) {
      unit.answer(TimeOver(unit.may_have_been_executed));
    }
    if (batch.empty()) return;
    SendBatch(std::move(batch));
  }
}

Coalescer::Units Coalescer::TakeBatch(Units* expired) {
  const Time now = options_.now();
  Units batch;
  size_t size = 0;
  while (!queue_.empty()) {
    if (queue_.front().deadline <= now) {
      expired->push_back(PopFront());
    } else if (Fits(batch, size, queue_.front())) {
      size += queue_.front().transfers.size();
      batch.push_back(PopFront());
    } else {
      break;
    }
  }
  return batch;
}

bool Coalescer::Fits(const Units& batch, size_t size, const Unit& unit) const {
  if (batch.empty()) return true;
  return size + unit.transfers.size() <= options_.batch_max &&
         IsImported(batch.front().transfers.front()) ==
             IsImported(unit.transfers.front());
}

Coalescer::Unit Coalescer::PopFront() {
  Unit unit = std::move(queue_.front());
  queue_.pop_front();
  queued_transfers_ -= unit.transfers.size();
  return unit;
}

void Coalescer::SendBatch(Units batch) {
  std::vector<Transfer> transfers;
  Time deadline = Time::max();
  for (Unit& unit : batch) {
    deadline = std::min(deadline, unit.deadline);
    transfers.insert(transfers.end(), unit.transfers.begin(),
                     unit.transfers.end());
  }
  auto shared = std::make_shared<Units>(std::move(batch));
  send_(std::move(transfers), deadline,
        [this, shared](absl::StatusOr<TransferResults> results) {
          OnDone(std::move(*shared), std::move(results));
        });
}

void Coalescer::OnDone(Units batch, absl::StatusOr<TransferResults> results) {
  if (results.ok()) {
    AnswerParts(std::move(batch), *results);
  } else {
    const absl::Status& error = results.status();
    if (MayHaveBeenExecuted(error)) {
      for (Unit& unit : batch) unit.may_have_been_executed = true;
    }
    if (EndedByItsDeadline(batch, error)) {
      batch = PutBackYounger(std::move(batch));
    }
    for (Unit& unit : batch) {
      unit.answer(unit.may_have_been_executed ? Unknown(error) : error);
    }
  }
  {
    const MutexLock lock(mutex_);
    --in_flight_;
  }
  Pump();
}

bool Coalescer::EndedByItsDeadline(const Units& batch,
                                   const absl::Status& error) const {
  if (ReasonOf(error) == Reason::kOutcomeUnknown) return true;
  if (!absl::IsUnavailable(error) && !absl::IsResourceExhausted(error)) {
    return false;
  }
  Time deadline = Time::max();
  for (const Unit& unit : batch) deadline = std::min(deadline, unit.deadline);
  return deadline <= options_.now() + kResendMin;
}

Coalescer::Units Coalescer::PutBackYounger(Units batch) {
  const Time now = options_.now();
  Units over;
  const MutexLock lock(mutex_);
  for (; !batch.empty(); batch.pop_back()) {
    Unit& unit = batch.back();
    if (closed_ || unit.deadline <= now + kResendMin) {
      over.push_back(std::move(unit));
    } else {
      queued_transfers_ += unit.transfers.size();
      queue_.push_front(std::move(unit));
    }
  }
  return over;
}

void Coalescer::Close() {
  Units waiting;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    while (!queue_.empty()) waiting.push_back(PopFront());
  }
  for (Unit& unit : waiting) unit.answer(Closed(unit.may_have_been_executed));
}

}  // namespace ledgerd::client
