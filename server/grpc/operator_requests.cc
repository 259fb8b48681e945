#include "server/grpc/operator_requests.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/mutex.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/membership.h"
#include "replication/core/durable_state.h"
#include "server/grpc/refusals.h"
#include "server/grpc/successor.h"

namespace ledgerd::server {
namespace {

using replication::MembershipChange;
using replication::MembershipRequested;
using replication::ReplicaStatus;
using replication::RequestResult;
using replication::Role;
using SteadyClock = std::chrono::steady_clock;

// How often the replica's status is looked at. Also how exact a pause is told.
constexpr std::chrono::milliseconds kLook{2};

// Rounded up, and never the protocol's own choice.
uint32_t TicksOf(std::chrono::milliseconds hold) {
  constexpr auto kTick =
      kSwitchoverHold / replication::Timing().switchover_ticks;
  const auto ticks = (hold + kTick - std::chrono::milliseconds(1)) / kTick;
  return std::max<uint32_t>(1, static_cast<uint32_t>(ticks));
}

std::string Named(ReplicaId id) { return absl::StrCat("replica ", id.value()); }

// The answer of the replica's thread, for a caller that waits.
class Answer {
 public:
  void Set(absl::StatusOr<RequestResult> result) {
    const MutexLock lock(mutex_);
    result_ = std::move(result);
    changed_.SignalAll();
  }

  absl::StatusOr<RequestResult> Wait() {
    const MutexLock lock(mutex_);
    while (!result_.has_value()) changed_.Wait(mutex_);
    return *result_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::optional<absl::StatusOr<RequestResult>> result_
      LEDGERD_GUARDED_BY(mutex_);
};

const replication::PeerStatus* FindPeer(const ReplicaStatus& status,
                                        ReplicaId id) {
  const auto found =
      std::find_if(status.peers.begin(), status.peers.end(),
                   [id](const auto& peer) { return peer.id == id; });
  return found == status.peers.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<RequestResult> OperatorRequests::Begin(
    const replication::OperatorRequest& request, const std::string& asked,
    ReplicaId target) {
  const auto answer = std::make_shared<Answer>();
  replica_.Request(request, [answer](absl::StatusOr<RequestResult> result) {
    answer->Set(std::move(result));
  });
  LEDGERD_ASSIGN_OR_RETURN(const RequestResult result, answer->Wait());
  LEDGERD_RETURN_IF_ERROR(
      RefusalError(result.refusal, {asked, target}, replica_.status()));
  return result;
}

absl::Status OperatorRequests::WaitUntil(const Condition& condition,
                                         const std::string& asked,
                                         const Wait& wait) const {
  while (!condition(replica_.status())) {
    if (wait.abandoned()) {
      return MakeError(Reason::kOutcomeUnknown,
                       absl::StrCat(asked, ": begun, and left before its end"));
    }
    if (SteadyClock::now() >= wait.deadline) {
      return MakeError(
          Reason::kOutcomeUnknown,
          absl::StrCat(asked,
                       ": begun, and its end was not seen in time. It "
                       "may still come: see 'ledgerctl status'"));
    }
    std::this_thread::sleep_for(kLook);
  }
  return absl::OkStatus();
}

// ---- switchover

absl::StatusOr<OperatorRequests::Moved> OperatorRequests::Switchover(
    ReplicaId target, std::chrono::milliseconds hold, const Wait& wait,
    Why why) {
  const ReplicaStatus status = replica_.status();
  if (status.role == Role::kPrimary) return HandOver(target, hold, wait, why);
  if (status.primary != ReplicaId(0) && status.primary != status.replica) {
    return NotPrimary("switchover", status);
  }
  return PromoteHere(target, wait);
}

absl::StatusOr<OperatorRequests::Moved> OperatorRequests::PromoteHere(
    ReplicaId target, const Wait& wait) {
  const ReplicaId self = replica_.status().replica;
  const auto began = SteadyClock::now();
  if (target != ReplicaId(0) && target != self) {
    return MakeFieldError(
        "target_replica_id",
        absl::StrCat("no primary is known, so only the replica that is asked "
                     "can be promoted, which is ",
                     self.value(), ": ask ", Named(target), " itself"));
  }
  const std::string asked = absl::StrCat("promotion of ", Named(self));
  LEDGERD_RETURN_IF_ERROR(
      Begin(replication::PromotionRequested{}, asked, self).status());
  Moved moved{.primary = self};
  LEDGERD_RETURN_IF_ERROR(WaitUntil(
      [&moved](const ReplicaStatus& now) {
        moved.epoch = now.epoch;
        return now.role == Role::kPrimary;
      },
      asked, wait));
  moved.write_pause = SteadyClock::now() - began;
  return moved;
}

absl::StatusOr<OperatorRequests::Moved> OperatorRequests::HandOver(
    ReplicaId target, std::chrono::milliseconds hold, const Wait& wait,
    Why why) {
  const ReplicaStatus before = replica_.status();
  if (target == ReplicaId(0)) target = SuccessorOf(before);
  const std::string asked = absl::StrCat("switchover to ", Named(target));
  LEDGERD_RETURN_IF_ERROR(CheckTarget(target, before));
  const auto began = SteadyClock::now();
  LEDGERD_RETURN_IF_ERROR(
      Begin(replication::SwitchoverRequested{.target = target,
                                             .ticks = TicksOf(hold),
                                             .failed = why == Why::kDiskFails},
            asked, target)
          .status());
  Moved moved;
  bool held = false;
  bool given_up = false;
  LEDGERD_RETURN_IF_ERROR(WaitUntil(
      [&](const ReplicaStatus& now) {
        moved.primary = now.primary;
        moved.epoch = now.epoch;
        if (now.epoch > before.epoch) {
          return now.primary != ReplicaId(0) && now.primary != before.replica;
        }
        held = held || now.handing_over;
        given_up = held && !now.handing_over && now.role == Role::kPrimary;
        return given_up;
      },
      asked, wait));
  if (given_up) return TargetTooSlow(target, hold, before);
  moved.write_pause = SteadyClock::now() - began;
  return moved;
}

// ---- forced promotion

absl::StatusOr<OperatorRequests::Forced> OperatorRequests::ForcePromote(
    const Wait& wait) {
  const ReplicaStatus before = replica_.status();
  const replication::PeerStatus* primary = FindPeer(before, before.primary);
  if (primary != nullptr && IsAlive(*primary)) {
    return PrimaryIsAlive(before, *primary->since_heard);
  }
  const std::string asked =
      absl::StrCat("forced promotion of ", Named(before.replica));
  LEDGERD_RETURN_IF_ERROR(
      Begin(replication::ForcePromotionRequested{}, asked, before.replica)
          .status());
  Forced forced;
  LEDGERD_RETURN_IF_ERROR(WaitUntil(
      [&forced](const ReplicaStatus& now) {
        forced = {.epoch = now.epoch, .last = now.journal_last};
        return now.role == Role::kPrimary;
      },
      asked, wait));
  return forced;
}

// ---- entries: pause, members

absl::Status OperatorRequests::Change(
    const replication::OperatorRequest& request, const std::string& asked,
    ReplicaId target, const Wait& wait) {
  const Epoch epoch = replica_.status().epoch;
  LEDGERD_ASSIGN_OR_RETURN(const RequestResult result,
                           Begin(request, asked, target));
  bool lost = false;
  LEDGERD_RETURN_IF_ERROR(WaitUntil(
      [&](const ReplicaStatus& now) {
        const bool is_there = now.epoch == epoch ||
                              now.membership.since.sequence == result.sequence;
        lost = !is_there;
        return lost || now.commit.sequence >= result.sequence;
      },
      asked, wait));
  if (!lost) return absl::OkStatus();
  return MakeError(
      Reason::kOutcomeUnknown,
      absl::StrCat(asked,
                   ": the primary changed before it was committed. See "
                   "'ledgerctl status' for whether it holds"));
}

absl::Status OperatorRequests::Pause(bool paused, Timestamp until,
                                     const Wait& wait) {
  return Change(replication::PauseRequested{.paused = paused, .until = until},
                paused ? "pause of automatic promotion"
                       : "resumption of automatic promotion",
                ReplicaId(0), wait);
}

absl::Status OperatorRequests::Add(ReplicaId id, const ReplicaAddresses& given,
                                   bool witness, const Wait& wait) {
  const std::string asked = absl::StrCat("addition of ", Named(id));
  ReplicaAddresses known = addresses_.Of(id);
  const ReplicaStatus status = replica_.status();
  if (status.role != Role::kPrimary) return NotPrimary(asked, status);
  LEDGERD_RETURN_IF_ERROR(CheckJoiner(id, known.incarnation, status));
  if (!given.client.empty()) known.client = given.client;
  if (!given.admin.empty()) known.admin = given.admin;
  if (!given.replication.empty()) known.replication = given.replication;
  addresses_.Learn(id, known);
  return Change(
      MembershipRequested{.change = witness ? MembershipChange::kAddWitness
                                            : MembershipChange::kAddLearner,
                          .id = id,
                          .incarnation = known.incarnation},
      asked, id, wait);
}

absl::Status OperatorRequests::Remove(ReplicaId id, const Wait& wait) {
  return Change(
      MembershipRequested{.change = MembershipChange::kRemove, .id = id},
      absl::StrCat("removal of ", Named(id)), id, wait);
}

}  // namespace ledgerd::server
