#include "client/event_watch.h"

#include <algorithm>
#include <random>

#include "client/rpc_status.h"
#include "client/wire.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

using Clock = std::chrono::steady_clock;

LedgerEvent FromWire(const ::ledger::v1::Event& wire) {
  return {.type = static_cast<LedgerEventType>(wire.type()),
          .timestamp = Timestamp(wire.timestamp()),
          .transfer = client::FromWire(wire.transfer()),
          .debit = client::FromWire(wire.debit_account()),
          .credit = client::FromWire(wire.credit_account())};
}

// A server that ends a watch without an error has stopped.
RpcError Ended() {
  return {.status = absl::UnavailableError("the server ended the watch")};
}

}  // namespace

EventWatch::~EventWatch() {
  Cancel();
  if (reader_ != nullptr) reader_->Finish();
}

void EventWatch::Cancel() {
  const MutexLock lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
  changed_.SignalAll();
}

absl::StatusOr<LedgerEvents> EventWatch::Next() {
  for (;;) {
    if (reader_ == nullptr && !Open()) {
      return absl::CancelledError("the watch was cancelled");
    }
    Message message;
    if (!reader_->Read(&message)) {
      LEDGERD_RETURN_IF_ERROR(Recover());
      continue;
    }
    retry_.reset();
    round_.Clear();
    LedgerEvents events = Take(message);
    if (!events.events.empty() || message.events().empty()) return events;
  }
}

bool EventWatch::Open() {
  endpoint_ =
      endpoint_ == nullptr ? endpoints_.Current() : endpoints_.Any(round_);
  ::ledger::v1::WatchEventsRequest request;
  request.set_from_sequence(sequence_.value());
  repeated_ = told_;
  const MutexLock lock(mutex_);
  if (cancelled_) return false;
  context_ = std::make_unique<grpc::ClientContext>();
  reader_ = endpoint_->stub().WatchEvents(context_.get(), request);
  return true;
}

absl::Status EventWatch::Recover() {
  RpcError error = FromGrpc(reader_->Finish());
  if (error.status.ok()) error = Ended();
  reader_ = nullptr;
  const bool elsewhere = endpoints_.OnFailureOfAny(endpoint_, round_);
  const MutexLock lock(mutex_);
  context_ = nullptr;
  if (cancelled_) return absl::CancelledError("the watch was cancelled");
  // Another replica may have kept more.
  if (elsewhere && ReasonOf(error.status) == Reason::kCompacted) {
    return absl::OkStatus();
  }
  const auto now = Clock::now();
  if (!retry_.has_value()) {
    retry_.emplace(Retry::Options{.deadline = now + timeout_,
                                  .seed = std::random_device()()});
  }
  const auto pause = retry_->PauseAfter(error, now, elsewhere);
  if (!pause.has_value()) {
    const absl::Status outcome = retry_->Outcome();
    retry_.reset();
    return outcome;
  }
  const auto until = now + *pause;
  while (!cancelled_ && Clock::now() < until) {
    changed_.WaitFor(mutex_, until - Clock::now());
  }
  return absl::OkStatus();
}

LedgerEvents EventWatch::Take(const Message& message) {
  LedgerEvents taken = {.sequence = Sequence(message.sequence()),
                        .more = message.more()};
  if (taken.sequence != sequence_) told_ = repeated_ = 0;
  const auto count = static_cast<size_t>(message.events_size());
  const size_t known = std::min(repeated_, count);
  repeated_ -= known;
  for (size_t i = known; i < count; ++i) {
    taken.events.push_back(FromWire(message.events(static_cast<int>(i))));
  }
  if (taken.more) {
    sequence_ = taken.sequence;
    told_ += taken.events.size();
  } else {
    sequence_ = taken.sequence.Next();
    told_ = 0;
  }
  return taken;
}

}  // namespace ledgerd::client
