#include "replication/journal_read.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/base/status_macros.h"
#include "proto/entry.h"

namespace ledgerd::replication {
namespace {

absl::StatusOr<EntryId> IdAt(Sequence sequence,
                             const storage::Journal& journal) {
  const EntryId base = journal.base();
  if (sequence == base.sequence) return base;
  LEDGERD_ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                           journal.Read(sequence, 1));
  return entries.front().id();
}

absl::Status ReadInto(const storage::Journal& journal, EntriesRead& found) {
  const JournalRead& read = found.read;
  LEDGERD_ASSIGN_OR_RETURN(found.previous,
                           IdAt(Sequence(read.from.value() - 1), journal));
  LEDGERD_ASSIGN_OR_RETURN(std::vector<Entry> entries,
                           journal.Read(read.from, read.bytes_max));
  for (Entry& entry : entries) {
    if (entry.sequence() > read.through) break;
    found.entries.push_back(std::move(entry));
  }
  // It may have been cut and written anew between the two reads.
  if (!found.entries.empty() &&
      found.entries.front().previous_hash() != found.previous.hash) {
    found.entries.clear();
  }
  return absl::OkStatus();
}

}  // namespace

PeerRead ReadFor(const JournalRead& read, const storage::Journal& journal) {
  PeerRead result;
  result.found.read = read;
  result.error = ReadInto(journal, result.found);
  return result;
}

}  // namespace ledgerd::replication
