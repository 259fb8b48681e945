// A LearnerPromoter gives learners their vote once they have caught up.
//
//   LearnerPromoter promoter(replica);   // runs until it is destroyed
//
// Works while this replica is the primary, so the new one goes on with it after
// a promotion. The protocol decides who has caught up (rule 11); here it is
// asked again and again, one learner at a time, since one change is pending at
// a time.
//
// Threads  One of its own.
#ifndef LEDGERD_SERVER_GRPC_LEARNER_PROMOTER_H_
#define LEDGERD_SERVER_GRPC_LEARNER_PROMOTER_H_

#include <chrono>
#include <thread>

#include "proto/base/mutex.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

class LearnerPromoter {
 public:
  explicit LearnerPromoter(
      replication::ReplicaHandle& replica,
      std::chrono::milliseconds period = std::chrono::milliseconds(100));
  LearnerPromoter(const LearnerPromoter&) = delete;
  LearnerPromoter& operator=(const LearnerPromoter&) = delete;
  ~LearnerPromoter();

  // Asks for nothing from now on.
  void Stop() LEDGERD_EXCLUDES(mutex_);

 private:
  void Run();
  void AskForVotes();

  replication::ReplicaHandle& replica_;
  const std::chrono::milliseconds period_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_LEARNER_PROMOTER_H_
