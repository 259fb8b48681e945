#include "server/repair/journal_entries.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "server/repair/promised.h"

namespace ledgerd::server {
namespace {

absl::StatusOr<std::vector<Entry>> Only(absl::StatusOr<Entry> entry) {
  LEDGERD_RETURN_IF_ERROR(entry.status());
  std::vector<Entry> entries;
  entries.push_back(*std::move(entry));
  return entries;
}

}  // namespace

absl::StatusOr<std::vector<Entry>> EntriesFor(
    const storage::SegmentJournal& journal, Sequence from, Sequence through) {
  if (from > journal.last().sequence) {
    return absl::UnavailableError(
        absl::StrCat("entry ", from.value(), " is not here yet"));
  }
  if (from < journal.first()) {
    return absl::OutOfRangeError(
        absl::StrCat("entry ", from.value(), " is no longer kept"));
  }
  auto entries = journal.Read(from, kRepairBytes);
  // What comes after it may be damaged, and it alone be whole.
  if (absl::IsDataLoss(entries.status())) entries = Only(journal.Salvage(from));
  LEDGERD_RETURN_IF_ERROR(entries.status());
  while (entries->back().sequence() > through) entries->pop_back();
  return entries;
}

absl::Status WriteMend(storage::SegmentJournal& journal,
                       const std::function<void(std::function<void()>)>& run,
                       const storage::SegmentDamage& damage,
                       absl::Span<const Entry> entries) {
  LEDGERD_ASSIGN_OR_RETURN(const storage::PreparedMend mend,
                           journal.PrepareMend(damage, entries));
  const auto written = std::make_shared<Promised<absl::Status>>();
  run([&journal, mend, written] { written->Set(journal.PerformMend(mend)); });
  return written->WaitFor(kMendPatience)
      .value_or(absl::UnavailableError("the journal has not got to it yet"));
}

}  // namespace ledgerd::server
