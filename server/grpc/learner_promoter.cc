#include "server/grpc/learner_promoter.h"

#include "absl/status/statusor.h"

#include "proto/membership.h"
#include "replication/core/event.h"

namespace ledgerd::server {

LearnerPromoter::LearnerPromoter(replication::ReplicaHandle& replica,
                                 std::chrono::milliseconds period)
    : replica_(replica), period_(period), thread_([this] { Run(); }) {}

LearnerPromoter::~LearnerPromoter() {
  Stop();
  thread_.join();
}

void LearnerPromoter::Stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
  changed_.SignalAll();
}

void LearnerPromoter::Run() {
  for (;;) {
    {
      const MutexLock lock(mutex_);
      if (!stopped_) changed_.WaitFor(mutex_, period_);
      if (stopped_) return;
    }
    AskForVotes();
  }
}

void LearnerPromoter::AskForVotes() {
  const replication::ReplicaStatus status = replica_.status();
  if (status.role != replication::Role::kPrimary) return;
  for (const Member& member : status.membership.members) {
    if (member.role != MemberRole::kLearner) continue;
    // A refusal is no news: it is asked again.
    replica_.Request(
        replication::MembershipRequested{
            .change = replication::MembershipChange::kMakeVoter,
            .id = member.id,
            .incarnation = member.incarnation},
        [](const absl::StatusOr<replication::RequestResult>&) {});
  }
}

}  // namespace ledgerd::server
