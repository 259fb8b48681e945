// ObserverNotes find in what a replica does what its observer is to be told.
//
//   const PromotionBegun::Why why = notes.WhyPromoted(event);
//   const Epoch before = notes.CandidateEpoch(protocol);
//   Update update = protocol.Step(std::move(event), now);
//   if (notes.CandidateEpoch(protocol) > before) {
//     notes.NotePromotion(protocol, {.why = why});
//   }
//
// Threads  The replica's.
#ifndef LEDGERD_REPLICATION_OBSERVER_NOTES_H_
#define LEDGERD_REPLICATION_OBSERVER_NOTES_H_

#include <optional>

#include "proto/types.h"
#include "replication/core/event.h"
#include "replication/core/protocol.h"
#include "replication/core/update.h"
#include "replication/replica_observer.h"

namespace ledgerd::replication {

struct FromPrimary {
  ReplicaId from;
  Epoch epoch;
  Sequence commit;
};

class ObserverNotes {
 public:
  // `observer` outlives it; null: nobody is told.
  explicit ObserverNotes(ReplicaObserver* observer) : observer_(observer) {}

  // Why a promotion that `event` begins is begun.
  static PromotionBegun::Why WhyPromoted(const Event& event);

  // The epoch that a candidate would begin; 0: it is none.
  static Epoch CandidateEpoch(const Protocol& protocol);

  // After a step that has raised it, before the update is performed. The epoch
  // of `begun` is filled in.
  void NotePromotion(const Protocol& protocol, PromotionBegun begun);

  // Before entries from `from` to `last` are cut off by `write`.
  void NoteCut(Sequence from, Sequence last, WriteId write);
  void NotePersisted(WriteId write);

  // What only a primary sends; nothing for other events.
  static std::optional<FromPrimary> FromPrimaryOf(const Event& event);

  // The primary that it follows has said what is committed; the own journal
  // ended with `last` before that.
  void NoteFollowed(Sequence commit, Sequence last);

 private:
  ReplicaObserver* const observer_;
  // Entries are being cut off, by this write.
  std::optional<WriteId> cutting_;
  bool has_followed_ = false;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_OBSERVER_NOTES_H_
