#include "replication/checkpointing.h"

#include <algorithm>

namespace ledgerd::replication {
namespace {

// What may come before the checkpoint has got anywhere.
constexpr double kHeadStart = 1.0 / 16;
// How far time may lead what is written: that does not grow evenly.
constexpr double kLead = 1.0 / 16;

double Share(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

bool Checkpointing::Due() const {
  return events_ >= limits_.events ||
         store_.delta_bytes() >= limits_.delta_bytes;
}

double Checkpointing::Filled() const {
  return std::max(Share(events_, limits_.events),
                  Share(store_.delta_bytes(), limits_.delta_bytes));
}

double Checkpointing::Allowed() const {
  const auto expected = std::min(took_, took_before_);
  if (state_ != State::kWriting || expected <= expected.zero()) return 1;
  const std::chrono::duration<double> elapsed = now_ - begun_at_;
  return kHeadStart +
         std::min(elapsed / std::chrono::duration<double>(expected),
                  store_.checkpoint_progress() + kLead);
}

void Checkpointing::Advance(size_t events) {
  events_ += events;
  if (!running() && Due()) Begin();
}

void Checkpointing::AfterReplay() {
  if (Filled() * kWorthwhile >= 1) Begin();
}

void Checkpointing::Begin() {
  if (running() || store_.applied() == store_.checkpoint()) return;
  state_ = State::kWriting;
  events_ = 0;
  begun_at_ = now_;
  allowed_ = Allowed();
  store_.Freeze();
  work_.WriteCheckpoint();
}

void Checkpointing::OnTick(std::chrono::steady_clock::time_point now) {
  now_ = now;
  allowed_ = Allowed();
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
  if (!out_of_space_) NoteDuration();
  state_ = State::kNone;
  out_of_space_ = false;
  store_.FinishCheckpoint();
  work_.RecordCheckpoint(store_.checkpoint().entry);
  Advance(0);
  return absl::OkStatus();
}

void Checkpointing::Reset() {
  state_ = State::kNone;
  out_of_space_ = false;
  events_ = 0;
  allowed_ = Allowed();
}

void Checkpointing::NoteDuration() {
  if (begun_at_ == Time()) return;  // Begun before the first tick.
  took_before_ = took_;
  took_ = now_ - begun_at_;
}

}  // namespace ledgerd::replication
