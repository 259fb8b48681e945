// What became of clients' writes: answered by the primary that journalled them,
// or not. The group's journal has sums of it, as notes (proto/incident.h), each
// of what came after the one before.
//
//   CompletionNote note = {.after = ..., .through = ..., .answered = 12};
//   Incident record = ToRecord(note, id, now);
//
//   CompletionSum sum;
//   for (const Incident& record : records) sum.Add(record, in_scope);
//
// Shape   Pure. A note counts when it continues where the one before has ended:
//         so one that is told twice, or comes late, counts once or never.
// Source  counters.md: completion.
#ifndef LEDGERD_SERVER_INCIDENTS_COMPLETION_H_
#define LEDGERD_SERVER_INCIDENTS_COMPLETION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "proto/incident.h"
#include "proto/types.h"

namespace ledgerd::server {

struct CompletionNote {
  // Of the writes after the first one, and up to the second.
  Sequence after;
  Sequence through;
  uint64_t answered = 0;
  uint64_t unanswered = 0;

  friend bool operator==(const CompletionNote&,
                         const CompletionNote&) = default;
};

// Its numbers are where an incident has phases.
inline Incident ToRecord(const CompletionNote& note, const IncidentId& id,
                         Epoch epoch, Timestamp now) {
  Incident record;
  record.id = id;
  record.kind = IncidentKind::kCompletion;
  record.outcome = IncidentOutcome::kSuccess;
  record.injected = true;
  record.detections = 0;
  record.epoch = epoch;
  record.started_at = record.ended_at = now;
  record.phases = {{"after", note.after.value()},
                   {"through", note.through.value()},
                   {"answered", note.answered},
                   {"unanswered", note.unanswered}};
  return record;
}

// Nothing for any other record.
inline std::optional<CompletionNote> CompletionIn(const Incident& record) {
  if (record.kind != IncidentKind::kCompletion || record.phases.size() < 4) {
    return std::nullopt;
  }
  const auto& numbers = record.phases;
  return CompletionNote{.after = Sequence(numbers[0].duration_ns),
                        .through = Sequence(numbers[1].duration_ns),
                        .answered = numbers[2].duration_ns,
                        .unanswered = numbers[3].duration_ns};
}

struct CompletionSum {
  uint64_t answered = 0;
  uint64_t total = 0;
  // What has been noted of; what follows it, the next note is of.
  Sequence through;

  // In the journal's order, all of them; those that are not in scope only move
  // `through`.
  void Add(const Incident& record, bool in_scope) {
    const auto note = CompletionIn(record);
    if (!note.has_value() || note->after != through ||
        note->through <= through) {
      return;
    }
    through = note->through;
    if (!in_scope) return;
    answered += note->answered;
    total += note->answered + note->unanswered;
  }
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_COMPLETION_H_
