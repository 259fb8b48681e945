#include "server/grpc/transfer_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/happens_before.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "server/request_parsing.h"
#include "server/responses.h"

namespace ledgerd::server {

void TransferStreams::EndAll(const absl::Status& status) {
  const MutexLock lock(mutex_);
  end_ = status;
  for (TransferStream* stream : open_) stream->End(status);
}

void TransferStreams::Add(TransferStream* stream) {
  calls_.Begin();
  const MutexLock lock(mutex_);
  open_.insert(stream);
  if (!end_.ok()) stream->End(end_);
}

void TransferStreams::Remove(TransferStream* stream) {
  {
    const MutexLock lock(mutex_);
    open_.erase(stream);
  }
  calls_.End();
}

TransferStream::TransferStream(TransferStreams& streams,
                               const CallContext& calls, std::string connection,
                               std::optional<replication::Deadline> deadline)
    : streams_(streams),
      calls_(calls),
      connection_(std::move(connection)),
      deadline_(deadline.value_or(replication::Deadline::max())) {
  streams_.Add(this);
  const MutexLock lock(mutex_);
  Advance();
}

// gRPC never calls a reactor of ours from within StartRead, StartWrite or
// Finish, so these are called with the mutex held.

void TransferStream::OnReadDone(bool ok) {
  LEDGERD_ACQUIRE(this);
  const RequestTimer timer(streams_.counts_, Method::kStreamTransfers);
  absl::StatusOr<Admitted> admitted = absl::CancelledError();
  if (ok) admitted = Admit();
  const MutexLock lock(mutex_);
  reading_ = false;
  if (!ok) reads_over_ = true;
  if (!reads_over_) Take(timer, std::move(admitted));
  Advance();
}

absl::StatusOr<TransferStream::Admitted> TransferStream::Admit() {
  LEDGERD_ASSIGN_OR_RETURN(const size_t events,
                           CountEvents(request_, kStreamedEvents));
  LEDGERD_RETURN_IF_ERROR(calls_.group.replica.Admits(CommandBytes(events)));
  LEDGERD_ASSIGN_OR_RETURN(
      AnswerBudget::Share share,
      streams_.budget_.Take(connection_, events * kResultBytes));
  LEDGERD_ASSIGN_OR_RETURN(StreamedRequest request, ParseStreamed(request_));
  return Admitted{std::move(request), std::move(share)};
}

void TransferStream::OnWriteDone(bool ok) {
  LEDGERD_ACQUIRE(this);
  const MutexLock lock(mutex_);
  writing_ = false;
  response_.Clear();
  response_share_ = AnswerBudget::Share();
  if (!ok) reads_over_ = answers_over_ = true;
  Advance();
}

void TransferStream::OnCancel() {
  const MutexLock lock(mutex_);
  reads_over_ = answers_over_ = true;
  if (end_.ok()) end_ = absl::CancelledError("the call was cancelled");
  Advance();
}

void TransferStream::OnDone() {
  streams_.Remove(this);
  // Whoever called Finish may still hold the mutex.
  mutex_.Lock();
  mutex_.Unlock();
  delete this;
}

void TransferStream::End(const absl::Status& status) {
  const MutexLock lock(mutex_);
  reads_over_ = true;
  if (end_.ok()) end_ = status;
  Advance();
}

void TransferStream::Take(const RequestTimer& timer,
                          absl::StatusOr<Admitted> admitted) {
  const absl::Status taken =
      admitted.ok() ? Propose(timer, *std::move(admitted)) : admitted.status();
  if (taken.ok()) return;
  timer.End(taken);
  reads_over_ = true;
  end_ = taken;
}

absl::Status TransferStream::Propose(const RequestTimer& timer,
                                     Admitted admitted) {
  const uint64_t slot = first_slot_ + slots_.size();
  LEDGERD_RETURN_IF_ERROR(calls_.group.replica.Propose(
      {.command = std::move(admitted.request.command),
       .deadline = deadline_,
       .done =
           [this, slot](absl::StatusOr<EntryResult> result) {
             // Here, before the replica looks at the next one.
             if (!result.ok()) *row_broken_ = true;
             calls_.answers.Run(
                 [this, slot, result = std::move(result)]() mutable {
                   OnResult(slot, std::move(result));
                 });
           },
       .row_broken = row_broken_}));
  slots_.push_back({.request_id = admitted.request.request_id,
                    .timer = timer,
                    .share = std::move(admitted.share),
                    .result = std::nullopt});
  ++outstanding_;
  return absl::OkStatus();
}

void TransferStream::OnResult(uint64_t slot,
                              absl::StatusOr<EntryResult> result) {
  const MutexLock lock(mutex_);
  Slot& answered = slots_[slot - first_slot_];
  LEDGERD_CHECK(!answered.result.has_value());
  answered.result = std::move(result);
  --outstanding_;
  Advance();
}

void TransferStream::Advance() {
  if (finished_) return;
  AdvanceAnswers();
  AdvanceReads();
  AdvanceEnd();
}

void TransferStream::AdvanceAnswers() {
  if (writing_ || answers_over_ || slots_.empty()) return;
  const Slot& oldest = slots_.front();
  if (!oldest.result.has_value()) return;
  oldest.timer.End(oldest.result->status());
  if (!oldest.result->ok()) {
    // What ended the stream before comes after this one.
    end_ = oldest.result->status();
    reads_over_ = answers_over_ = true;
    return;
  }
  response_ = RespondStreamed(oldest.request_id, **oldest.result);
  streams_.counts_.Add((*oldest.result)->transfers);
  response_share_ = std::move(slots_.front().share);
  slots_.pop_front();
  ++first_slot_;
  writing_ = true;
  LEDGERD_RELEASE(this);
  StartWrite(&response_);
}

void TransferStream::AdvanceReads() {
  if (reading_ || reads_over_) return;
  if (slots_.size() >= calls_.limits.stream_window) return;
  reading_ = true;
  LEDGERD_RELEASE(this);
  StartRead(&request_);
}

void TransferStream::AdvanceEnd() {
  if (!reads_over_ || writing_ || outstanding_ > 0) return;
  if (!slots_.empty() && !answers_over_) return;
  finished_ = true;
  if (!end_.ok() && !MayHaveBeenExecuted(end_) && MayHaveExecuted()) {
    end_ = MakeError(
        Reason::kOutcomeUnknown,
        absl::StrCat(
            "a request of the stream failed, and one after it may have "
            "been executed; ask again with the same ids: ",
            end_.message()));
  }
  Finish(Wire(calls_.group, end_));
}

bool TransferStream::MayHaveExecuted() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.result->ok() || MayHaveBeenExecuted(slot.result->status());
  });
}

}  // namespace ledgerd::server
