#include "replication/observer_notes.h"

#include <utility>
#include <variant>

#include "replication/core/message.h"
#include "replication/core/roles.h"

namespace ledgerd::replication {

PromotionBegun::Why ObserverNotes::WhyPromoted(const Event& event) {
  if (std::holds_alternative<ForcePromotionRequested>(event)) {
    return PromotionBegun::Why::kForced;
  }
  if (std::holds_alternative<PromotionRequested>(event)) {
    return PromotionBegun::Why::kWanted;
  }
  const auto* received = std::get_if<Received>(&event);
  const auto* told = received == nullptr
                         ? nullptr
                         : std::get_if<PromoteNow>(&received->message.body);
  if (told == nullptr) return PromotionBegun::Why::kPrimaryLost;
  return told->failed ? PromotionBegun::Why::kPrimaryFailed
                      : PromotionBegun::Why::kWanted;
}

Epoch ObserverNotes::CandidateEpoch(const Protocol& protocol) {
  return std::holds_alternative<Candidate>(protocol.role()) ? protocol.epoch()
                                                            : Epoch(0);
}

void ObserverNotes::NotePromotion(const Protocol& protocol,
                                  PromotionBegun begun) {
  if (observer_ == nullptr) return;
  begun.epoch = CandidateEpoch(protocol);
  // One that is alone begins an epoch at each start, and the first epoch of a
  // group replaces nobody.
  const bool forced = begun.why == PromotionBegun::Why::kForced;
  if (!forced && (protocol.membership().voter_count() == 1 ||
                  protocol.last().sequence == Sequence(0))) {
    return;
  }
  observer_->BeforePromotion(begun);
}

void ObserverNotes::NoteCut(Sequence from, Sequence last, WriteId write) {
  if (observer_ == nullptr || last < from) return;
  cutting_ = write;
  observer_->BeforeRollback(last.value() - from.value() + 1);
}

void ObserverNotes::NotePersisted(WriteId write) {
  if (!cutting_.has_value() || write < *cutting_) return;
  cutting_.reset();
  observer_->AfterRollback();
}

std::optional<FromPrimary> ObserverNotes::FromPrimaryOf(const Event& event) {
  const auto* received = std::get_if<Received>(&event);
  if (received == nullptr) return std::nullopt;
  const Message& message = received->message;
  if (const auto* append = std::get_if<Append>(&message.body)) {
    return FromPrimary{message.from, message.epoch, append->commit};
  }
  if (const auto* heartbeat = std::get_if<Heartbeat>(&message.body)) {
    return FromPrimary{message.from, message.epoch, heartbeat->commit};
  }
  return std::nullopt;
}

void ObserverNotes::NoteFollowed(Sequence commit, Sequence last) {
  if (std::exchange(has_followed_, true) || observer_ == nullptr) return;
  // A new member has nothing to come back to.
  if (last == Sequence(0)) return;
  if (commit > last) observer_->BeforeCatchUp(commit);
}

}  // namespace ledgerd::replication
