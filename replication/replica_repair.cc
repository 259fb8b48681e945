// How a replica's damaged state is held and replaced (replica.h, "Repair").
#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "proto/errors.h"
#include "replication/replica.h"

namespace ledgerd::replication {

void Replica::MeetDamage(const absl::Status& damage) {
  if (!absl::IsDataLoss(damage) || options_.on_held == nullptr || IsPrimary()) {
    return Halt(damage);
  }
  if (held_.has_value() && !held_->ok()) return;  // It is told of.
  held_ = damage;
  reads_.Abandon(NotReadable(Freshness::Level::kMaxStaleness));
  options_.on_held(damage);
}

// It would halt as the primary; by force, nobody else would be left then.
bool Replica::DamageForbids(const Event& event) const {
  if (!held_.has_value() || held_->ok()) return false;
  const auto* received = std::get_if<Received>(&event);
  return std::holds_alternative<ForcePromotionRequested>(event) ||
         std::holds_alternative<PromotionRequested>(event) ||
         (received != nullptr &&
          std::holds_alternative<PromoteNow>(received->message.body));
}

absl::StatusOr<Sequence> Replica::HoldState() {
  if (halted() || IsPrimary()) {
    return absl::FailedPreconditionError(
        halted() ? "the replica has halted"
                 : "the replica is the primary, and has to hand over first");
  }
  if (installing_.has_value() || replacing_.has_value()) {
    return absl::UnavailableError("another checkpoint is being installed");
  }
  if (!held_.has_value()) {
    held_ = absl::OkStatus();
    reads_.Abandon(NotReadable(Freshness::Level::kMaxStaleness));
  }
  // No other one begins after it.
  if (checkpointing_.running()) {
    return absl::UnavailableError("a checkpoint of its own is under way");
  }
  return std::max(queue_.applied(), store_.checkpoint().entry.sequence.Next());
}

void Replica::ReleaseState(const absl::Status& why) {
  if (!held_.has_value() || replacing_.has_value()) return;
  const absl::Status damage = *held_;
  if (damage.ok()) {
    held_.reset();
  } else if (absl::IsDataLoss(why)) {
    Halt(damage);
  }
}

void Replica::ReplaceState(EntryId checkpoint,
                           std::function<void(absl::Status)> done) {
  if (!held_.has_value() || replacing_.has_value()) {
    return done(absl::FailedPreconditionError("no state is held for it"));
  }
  replacing_ = checkpoint;
  replaced_ = std::move(done);
  AdvanceReplacement();
}

void Replica::AdvanceReplacement() {
  if (!held_.has_value() || replacement_given_out_ || halted()) return;
  // Without a state it would lead, and answer nobody.
  if (IsPrimary()) {
    const absl::Status damage = *std::exchange(held_, std::nullopt);
    EndReplacement(absl::FailedPreconditionError("it became the primary"));
    if (!damage.ok()) Halt(damage);
    return;
  }
  if (!replacing_.has_value() || installing_.has_value() ||
      commit_.sequence < replacing_->sequence) {
    return;
  }
  const EntryId* const own = protocol_->outline().Find(replacing_->sequence);
  if (own == nullptr || *own != *replacing_) {
    return EndReplacement(absl::FailedPreconditionError(absl::StrCat(
        "the checkpoint of sequence ", replacing_->sequence.value(),
        " is of another history than this replica's journal")));
  }
  replacement_given_out_ = true;
  work_.ReplaceState(*replacing_);
}

void Replica::EndReplacement(const absl::Status& how) {
  replacing_.reset();
  replacement_given_out_ = false;
  if (replaced_ != nullptr) std::exchange(replaced_, nullptr)(how);
}

// What was read back, and what was planned on the old state, is of no use: all
// that is committed above the checkpoint comes from the journal.
void Replica::OnStateReplaced(Now now) {
  if (halted()) return;
  store_.FinishInstall();
  checkpointing_.Reset();
  queue_.Abandon(
      MakeError(Reason::kOutcomeUnknown,
                "the replica's state was replaced before the outcome was "
                "known; ask again with the same ids"));
  queue_.Reset();
  MarkState();
  held_.reset();
  EndReplacement(absl::OkStatus());
  Step(CheckpointTaken{store_.checkpoint().entry.sequence}, now);
}

absl::Status Replica::NotReadable(Freshness::Level level) const {
  if (level == Freshness::Level::kLinearizable) return NotServing();
  return MakeError(Reason::kTooStale,
                   "the replica's state is damaged, and is being replaced with "
                   "another replica's; ask another one");
}

}  // namespace ledgerd::replication
