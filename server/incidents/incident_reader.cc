#include "server/incidents/incident_reader.h"

#include <chrono>
#include <memory>
#include <utility>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "proto/base/status_macros.h"
#include "storage/incident_rows.h"

namespace ledgerd::server {
namespace {

using Found = storage::Found<storage::IncidentsRow>;

// The answer of a read that is on its way; outlives whoever gave up waiting.
struct Answer {
  Mutex mutex;
  CondVar changed;
  bool known LEDGERD_GUARDED_BY(mutex) = false;
  absl::StatusOr<Found> found LEDGERD_GUARDED_BY(mutex) = Found();
  Sequence at LEDGERD_GUARDED_BY(mutex);
};

void Tell(Answer& answer, absl::StatusOr<Found> found) {
  const MutexLock lock(answer.mutex);
  answer.known = true;
  answer.found = std::move(found);
  answer.changed.SignalAll();
}

// Reads on the replica's threads, and tells `answer`.
replication::BeginRead ReadInto(const std::shared_ptr<Answer>& answer,
                                storage::StateStore& store, Sequence after,
                                replication::Deadline deadline,
                                const std::function<void()>& at_that_point) {
  return [answer, &store, after, deadline,
          at_that_point](absl::StatusOr<Sequence> at) -> std::function<void()> {
    if (!at.ok()) {
      Tell(*answer, at.status());
      return nullptr;
    }
    {
      const MutexLock lock(answer->mutex);
      answer->at = *at;
    }
    if (at_that_point != nullptr) at_that_point();
    std::shared_ptr<storage::Lookup<storage::IncidentsRow>> lookup =
        store.ReadIncidents(after);
    return [answer, lookup, deadline] {
      Tell(*answer, lookup->FinishUnless([deadline] {
        return std::chrono::steady_clock::now() > deadline;
      }));
    };
  };
}

}  // namespace

absl::StatusOr<IncidentsRead> ReadIncidents(
    replication::ReplicaHandle& replica, storage::StateStore& store,
    Sequence after, replication::Deadline deadline,
    const std::function<void()>& at_that_point) {
  const auto answer = std::make_shared<Answer>();
  replication::ReadRequest request;
  request.kind = replication::ReadKind::kQuery;
  request.freshness.level = replication::Freshness::Level::kAtLeastSequence;
  request.deadline = deadline;
  request.begin = ReadInto(answer, store, after, deadline, at_that_point);
  LEDGERD_RETURN_IF_ERROR(replica.Read(std::move(request)));
  IncidentsRead read;
  // It is told in any case: the replica ends all reads that have been taken.
  const MutexLock lock(answer->mutex);
  while (!answer->known) answer->changed.Wait(answer->mutex);
  LEDGERD_RETURN_IF_ERROR(answer->found.status());
  read.through = answer->at;
  for (const storage::IncidentsRow& row : answer->found->rows) {
    LEDGERD_ASSIGN_OR_RETURN(std::vector<Incident> records,
                             DecodeIncidents(row.payload));
    read.records.insert(read.records.end(), records.begin(), records.end());
  }
  return read;
}

}  // namespace ledgerd::server
