#include "replication/journal_read.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/entry.h"

namespace ledgerd::replication {
namespace {

std::optional<EntryId> IdAt(Sequence sequence,
                            const storage::Journal& journal) {
  const EntryId base = journal.base();
  if (sequence == base.sequence) return base;
  const absl::StatusOr<std::vector<Entry>> entries = journal.Read(sequence, 1);
  if (!entries.ok()) return std::nullopt;
  return entries->front().id();
}

}  // namespace

EntriesRead ReadFor(const JournalRead& read, const storage::Journal& journal) {
  EntriesRead result;
  result.read = read;
  const std::optional<EntryId> previous =
      IdAt(Sequence(read.from.value() - 1), journal);
  if (!previous.has_value()) return result;
  result.previous = *previous;
  absl::StatusOr<std::vector<Entry>> entries =
      journal.Read(read.from, read.bytes_max);
  if (!entries.ok()) return result;
  for (Entry& entry : *entries) {
    if (entry.sequence() > read.through) break;
    result.entries.push_back(std::move(entry));
  }
  // It may have been cut and written anew between the two reads.
  if (!result.entries.empty() &&
      result.entries.front().previous_hash() != result.previous.hash) {
    result.entries.clear();
  }
  return result;
}

}  // namespace ledgerd::replication
