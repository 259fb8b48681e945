#include "replication/checkpointing.h"

namespace ledgerd::replication {

bool Checkpointing::Due() const {
  return events_ >= limits_.events ||
         store_.delta_bytes() >= limits_.delta_bytes;
}

void Checkpointing::Advance(size_t events) {
  events_ += events;
  if (!running() && Due()) Begin();
}

void Checkpointing::Begin() {
  if (running() || store_.applied() == store_.checkpoint()) return;
  state_ = State::kWriting;
  events_ = 0;
  store_.Freeze();
  work_.WriteCheckpoint();
}

void Checkpointing::Retry(std::chrono::steady_clock::time_point now) {
  if (state_ != State::kOutOfSpace || now < retry_at_) return;
  retry_at_ = now + kRetryAfter;
  state_ = State::kWriting;
  work_.WriteCheckpoint();
}

absl::Status Checkpointing::OnWritten(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) {
    state_ = State::kOutOfSpace;
    out_of_space_ = true;
    return absl::OkStatus();
  }
  if (!status.ok()) return status;
  state_ = State::kNone;
  out_of_space_ = false;
  store_.FinishCheckpoint();
  work_.RecordCheckpoint(store_.checkpoint().entry);
  Advance(0);
  return absl::OkStatus();
}

}  // namespace ledgerd::replication
