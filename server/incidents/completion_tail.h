// A CompletionTail knows the clients' writes that no note of the group is of
// yet, as they are applied here, and which of them were answered.
//
//   tail.NoteApplied(entry);             // each, in their order
//   tail.NoteAnswered(epoch, through);   // as the primary of that epoch says
//   const auto note = tail.NoteOf(through, epoch);   // a primary's
//
// Shape    The primary answers what it applies: so what is applied in the
//          newest epoch counts as answered. What an older epoch has left waits
//          for the note of the new primary, which knows how far the old one
//          had answered: beyond that it was not. Where nothing was heard of
//          that since a start it is known as of the last second before
//          (NoteAtLeast): what is beyond is not counted at all.
// Gaps     A start applies from its checkpoint on, and a resync passes entries
//          over: what is missing before is read from the journal (Fill), as far
//          as it reaches back.
// Limits   A primary notes at latest kWritesMax writes: so there are not many
//          more.
// Threads  Any.
// Source   counters.md: completion.
#ifndef LEDGERD_SERVER_INCIDENTS_COMPLETION_TAIL_H_
#define LEDGERD_SERVER_INCIDENTS_COMPLETION_TAIL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "server/incidents/completion.h"

namespace ledgerd::server {

class CompletionTail {
 public:
  static constexpr size_t kWritesMax = 100'000;

  // All that is kept of one: a journal's entries have no room in memory.
  struct Write {
    Sequence sequence;
    Epoch epoch;
    Timestamp at;
  };

  struct Counts {
    uint64_t answered = 0;
    // Of an older epoch.
    uint64_t waiting = 0;
  };

  // How far the primary of an epoch had answered.
  struct Answered {
    Epoch epoch;
    Sequence through;

    friend bool operator==(const Answered&, const Answered&) = default;
  };

  // Nothing when it is no client's.
  static std::optional<Write> WriteIn(const Entry& entry);

  void NoteApplied(const Entry& entry) LEDGERD_EXCLUDES(mutex_);

  // As the primary of that epoch says. What it never said of was not answered.
  void NoteAnswered(const Answered& answered) LEDGERD_EXCLUDES(mutex_);
  // At least so far, as this replica knows of itself, or from before its start.
  void NoteAtLeast(const Answered& answered) LEDGERD_EXCLUDES(mutex_);

  // What is to be restored by the next process.
  Answered newest_answered() const LEDGERD_EXCLUDES(mutex_);

  // Those that began at `since` or later. Called when just these are applied.
  Counts Count(Timestamp since) const LEDGERD_EXCLUDES(mutex_);

  // Nothing is missing, as far as the journal reaches back.
  bool complete() const LEDGERD_EXCLUDES(mutex_);

  // It knows all after this one; nothing before something was applied.
  std::optional<Sequence> begin() const LEDGERD_EXCLUDES(mutex_);

  // These are all after `noted` and up to `begin` that there are, where `begin`
  // was read before `noted`. Does nothing when it begins elsewhere by now, as a
  // note was applied meanwhile: its writes would be counted twice.
  void Fill(Sequence begin, Sequence noted, std::vector<Write> writes)
      LEDGERD_EXCLUDES(mutex_);

  // Something of an older epoch waits, or there is much, or it is old.
  bool IsDue(Timestamp before) const LEDGERD_EXCLUDES(mutex_);

  // Of all that was applied after `noted`. Nothing when its newest entry is not
  // of `epoch`, or there are no writes.
  std::optional<CompletionNote> NoteOf(Sequence noted, Epoch epoch) const
      LEDGERD_EXCLUDES(mutex_);

 private:
  struct Mark {
    Sequence through;
    // What is beyond was not answered; else it is not known.
    bool said = false;
  };

  mutable Mutex mutex_;
  std::deque<Write> writes_ LEDGERD_GUARDED_BY(mutex_);
  // All after this one are known, up to `last_`.
  std::optional<Sequence> begin_ LEDGERD_GUARDED_BY(mutex_);
  bool complete_ LEDGERD_GUARDED_BY(mutex_) = false;
  Sequence last_ LEDGERD_GUARDED_BY(mutex_);
  Epoch last_epoch_ LEDGERD_GUARDED_BY(mutex_);
  // Of the newest epochs.
  std::map<Epoch, Mark> marks_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_COMPLETION_TAIL_H_
