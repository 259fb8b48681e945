#include "server/repair/journal_repair.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

namespace ledgerd::server {
namespace {

using storage::ChainLink;
using storage::DamagedRun;
using storage::SegmentDamage;

// The first of them that chain from `at`.
std::vector<Entry> Chained(std::vector<Entry> entries, ChainLink at) {
  std::vector<Entry> chained;
  for (Entry& entry : entries) {
    if (entry.sequence() != at.sequence.Next() ||
        entry.previous_hash() != at.hash) {
      break;
    }
    at = {entry.sequence(), entry.hash()};
    chained.push_back(std::move(entry));
  }
  return chained;
}

// It says of itself that it does not have the first one, and never will.
bool IsFinal(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsOutOfRange(status);
}

}  // namespace

absl::Status JournalRepair::Mend(const SegmentDamage& damage,
                                 Peers::Deadline deadline) {
  LEDGERD_ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                           Fetch(damage.run, deadline));
  const absl::Status written = ports_.write(damage, entries);
  // Another history's, which ends before the hash that is known here.
  if (absl::IsInvalidArgument(written)) {
    return absl::UnavailableError(written.message());
  }
  return written;
}

void JournalRepair::NoteDamaged(ReplicaId replica, Sequence from,
                                Sequence through) {
  const MutexLock lock(mutex_);
  damaged_[replica] = {from, through};
}

bool JournalRepair::IsDamagedAt(ReplicaId replica, Sequence sequence) {
  const MutexLock lock(mutex_);
  const auto damaged = damaged_.find(replica);
  return damaged != damaged_.end() && damaged->second.first <= sequence &&
         sequence <= damaged->second.second;
}

absl::StatusOr<std::vector<Entry>> JournalRepair::Fetch(
    const DamagedRun& run, Peers::Deadline deadline) {
  std::vector<Entry> entries;
  ChainLink at = run.before;
  while (at.sequence < run.last.sequence) {
    LEDGERD_ASSIGN_OR_RETURN(std::vector<Entry> more,
                             FetchSome(at, run.last.sequence, deadline));
    at = {more.back().sequence(), more.back().hash()};
    for (Entry& entry : more) entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::vector<Entry>> JournalRepair::FetchSome(
    const ChainLink& at, Sequence through, Peers::Deadline deadline) {
  const Sequence first = at.sequence.Next();
  bool is_lost = true;
  std::string why;
  for (const ReplicaId replica : ports_.others()) {
    absl::StatusOr<std::vector<Entry>> got =
        ports_.peers == nullptr
            ? absl::UnavailableError("there is no way to ask it")
            : ports_.peers->EntriesOf(replica, first, through, deadline);
    if (got.ok()) {
      std::vector<Entry> chained = Chained(*std::move(got), at);
      if (!chained.empty()) return chained;
      got = absl::UnavailableError("it has another entry there");
    }
    is_lost = is_lost && (IsFinal(got.status()) || IsDamagedAt(replica, first));
    absl::StrAppend(&why, why.empty() ? "" : "; ", "replica ", replica.value(),
                    ": ", got.status().message());
  }
  const std::string what =
      absl::StrCat("journal entry ", first.value(),
                   " is damaged here, and no other replica has it whole",
                   why.empty() ? "" : ": ", why);
  if (!is_lost) return absl::UnavailableError(what);
  return absl::DataLossError(absl::StrCat(what, ". Restore a backup"));
}

}  // namespace ledgerd::server
