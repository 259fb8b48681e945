#include "server/incidents/completion_reporter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/base/status_macros.h"
#include "proto/base/wait_at_most.h"
#include "server/incidents/incident_reader.h"
#include "server/incidents/incident_reporter.h"

namespace ledgerd::server {
namespace {

constexpr std::chrono::seconds kPatience{10};
// After the journal could not be read.
constexpr std::chrono::seconds kRetryAfter{5};
constexpr uint64_t kReadBytes = uint64_t{1} << 20;

}  // namespace

CompletionReporter::CompletionReporter(Ports ports)
    : ports_(ports), series_(ports.clock.WallNow()) {
  const CompletionTail::Answered before = ports_.keeper.answered();
  if (before.through != Sequence(0)) ports_.tail.NoteAtLeast(before);
  thread_ = std::thread([this] { Loop(); });
}

CompletionReporter::~CompletionReporter() { Stop(); }

void CompletionReporter::Stop() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

bool CompletionReporter::WaitForNext() {
  const MutexLock lock(mutex_);
  return !WaitAtMost(changed_, mutex_, kLook,
                     [this]() LEDGERD_REQUIRES(mutex_) { return ending_; });
}

bool CompletionReporter::IsEnding() {
  const MutexLock lock(mutex_);
  return ending_;
}

void CompletionReporter::Loop() {
  while (WaitForNext()) {
    const replication::ReplicaStatus status = ports_.replica.status();
    Save(status);
    if (!ports_.tail.complete()) Complete();
    if (ports_.tail.complete() && status.role == replication::Role::kPrimary) {
      Note(status);
    }
  }
  Save(ports_.replica.status());
}

// What a primary has applied it has answered.
void CompletionReporter::Save(const replication::ReplicaStatus& status) {
  if (status.role == replication::Role::kPrimary) {
    ports_.tail.NoteAtLeast({.epoch = status.epoch, .through = status.applied});
  }
  ports_.keeper.SaveAnswered(ports_.tail.newest_answered());
}

absl::StatusOr<Sequence> CompletionReporter::ReadNoted() {
  LEDGERD_ASSIGN_OR_RETURN(
      const IncidentsRead read,
      ReadIncidents(ports_.replica, ports_.store, Sequence(0),
                    std::chrono::steady_clock::now() + kPatience));
  CompletionSum sum;
  for (const Incident& record : read.records) {
    sum.Add(record, /*in_scope=*/false);
  }
  return sum.through;
}

// Where the tail begins is read before the notes: one that is applied after
// that moves it.
void CompletionReporter::Complete() {
  if (std::chrono::steady_clock::now() < next_try_) return;
  const auto begin = ports_.tail.begin();
  if (!begin.has_value()) return;
  const auto noted = ReadNoted();
  if (!noted.ok()) return;
  std::vector<CompletionTail::Write> found;
  Sequence next = std::max(noted->Next(), ports_.journal.first());
  while (next <= *begin) {
    if (IsEnding()) return;
    const auto entries = ports_.journal.Read(next, kReadBytes);
    if (!entries.ok() || entries->empty()) {
      next_try_ = std::chrono::steady_clock::now() + kRetryAfter;
      return;
    }
    for (const Entry& entry : *entries) {
      if (entry.sequence() > *begin) break;
      const auto write = CompletionTail::WriteIn(entry);
      if (write.has_value()) found.push_back(*write);
    }
    next = entries->back().sequence().Next();
  }
  ports_.tail.Fill(*begin, *noted, std::move(found));
}

void CompletionReporter::Note(const replication::ReplicaStatus& status) {
  const Timestamp now = ports_.clock.WallNow();
  constexpr auto kAge =
      static_cast<uint64_t>(std::chrono::nanoseconds(kNoteAfter).count());
  if (!ports_.tail.IsDue(Timestamp(now.value() - kAge))) return;
  const auto noted = ReadNoted();
  if (!noted.ok()) return;
  const auto note = ports_.tail.NoteOf(*noted, status.epoch);
  if (!note.has_value() || note->through <= *noted) return;
  const Incident record =
      ToRecord(*note, {status.replica, series_, number_}, status.epoch, now);
  const absl::Status told = ProposeIncidents(
      ports_.replica, {record},
      std::chrono::steady_clock::now() + IncidentReporter::kPatience);
  if (told.ok()) ++number_;
}

}  // namespace ledgerd::server
