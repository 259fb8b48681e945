// A FakeReplica takes proposals and reads as told, for tests of the services.
//
//   FakeReplica replica;
//   replica.RefuseNext(MakeError(Reason::kOverloaded, "full"));
//   replica.HoldAnswers();
//   ...
//   replica.AnswerNext(MakeError(Reason::kOutcomeUnknown, "halted"));
//
//   replica.OnRequest([](const auto& request, auto& status) {
//     status.handing_over = true;
//     return replication::RequestResult{};
//   });
//
// Shape    Unless told otherwise a proposal is answered at once, from the
//          caller's own thread: every event CREATED, its timestamp its place in
//          the batch, the sequence counting proposals. Operators' requests are
//          refused with NO_PRIMARY.
// Threads  Safe from any thread.
#ifndef LEDGERD_SERVER_FAKE_REPLICA_H_
#define LEDGERD_SERVER_FAKE_REPLICA_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "proto/errors.h"
#include "replication/replica_handle.h"

namespace ledgerd::server {

class FakeReplica final : public replication::ReplicaHandle {
 public:
  FakeReplica() {
    status_.role = replication::Role::kPrimary;
    status_.replica = status_.primary = ReplicaId(1);
    status_.epoch = Epoch(3);
  }

  // Refuses the next Admits, Propose or Read, itself.
  void RefuseNext(absl::Status error) {
    const MutexLock lock(mutex_);
    refusals_.push_back(std::move(error));
  }

  // Fails reads that were taken.
  void FailReads(absl::Status error) {
    const MutexLock lock(mutex_);
    read_error_ = std::move(error);
  }

  // As while it stops: reads that have begun had better give up.
  void End() { ending_ = true; }

  void HoldAnswers() {
    const MutexLock lock(mutex_);
    holding_ = true;
  }

  // Waits for a proposal that is held, and answers the oldest one.
  void AnswerNext() {
    Held held = TakeHeld();
    held.proposal.done(Result(held));
  }

  void AnswerNext(const absl::Status& error) {
    TakeHeld().proposal.done(error);
  }

  // Waits until `count` proposals have been taken since the start.
  void WaitForProposals(uint64_t count) {
    const MutexLock lock(mutex_);
    while (taken_ < count) changed_.Wait(mutex_);
  }

  uint64_t taken() const {
    const MutexLock lock(mutex_);
    return taken_;
  }

  replication::Deadline last_deadline() const {
    const MutexLock lock(mutex_);
    return last_deadline_;
  }

  replication::Freshness last_freshness() const {
    const MutexLock lock(mutex_);
    return last_freshness_;
  }

  // What an operator's request does to the status, and what is said at once.
  using RequestHandler =
      std::function<absl::StatusOr<replication::RequestResult>(
          const replication::OperatorRequest&, replication::ReplicaStatus&)>;

  void OnRequest(RequestHandler handler) {
    const MutexLock lock(mutex_);
    on_request_ = std::move(handler);
  }

  // Changes the status each time when somebody has looked at it.
  void AfterEachLook(std::function<void(replication::ReplicaStatus&)> change) {
    const MutexLock lock(mutex_);
    after_look_ = std::move(change);
  }

  std::vector<replication::OperatorRequest> requests() const {
    const MutexLock lock(mutex_);
    return requests_;
  }

  void WaitForRequests(size_t count) {
    const MutexLock lock(mutex_);
    while (requests_.size() < count) changed_.Wait(mutex_);
  }

  void SetStatus(const replication::ReplicaStatus& status) {
    {
      const MutexLock lock(mutex_);
      status_ = status;
    }
    changed_.SignalAll();
  }

  // Reads at_least what is above `applied` wait from now on; `change` is made
  // to the store while no read begins, and those that waited for it begin.
  void Apply(Sequence applied, const std::function<void()>& change) {
    std::vector<replication::ReadRequest> ready;
    {
      const MutexLock running(running_);
      change();
    }
    {
      const MutexLock lock(mutex_);
      applies_ = true;
      applied_ = applied;
      std::vector<replication::ReadRequest> waiting;
      std::swap(waiting, waiting_);
      for (auto& request : waiting) {
        (request.freshness.at_least > applied ? waiting_ : ready)
            .push_back(std::move(request));
      }
    }
    for (auto& request : ready) Begin(request, applied);
  }

  // Reads that were taken.
  uint64_t reads() const {
    const MutexLock lock(mutex_);
    return reads_;
  }

  // Of those, the ones that wait.
  size_t waiting_reads() const {
    const MutexLock lock(mutex_);
    return waiting_.size();
  }

  // Ends those that wait.
  void AbandonReads(const absl::Status& error) {
    std::vector<replication::ReadRequest> waiting;
    {
      const MutexLock lock(mutex_);
      std::swap(waiting, waiting_);
    }
    for (auto& request : waiting) Begin(request, error);
  }

  // ---- ReplicaHandle

  absl::Status Propose(replication::Proposal proposal) override {
    Held held;
    {
      const MutexLock lock(mutex_);
      if (!refusals_.empty()) return PopRefusal();
      last_deadline_ = proposal.deadline;
      held = {std::move(proposal), ++taken_};
      changed_.SignalAll();
      if (holding_) {
        held_.push_back(std::move(held));
        return absl::OkStatus();
      }
    }
    held.proposal.done(Result(held));
    return absl::OkStatus();
  }

  absl::Status Admits(size_t /*bytes*/) const override {
    const MutexLock lock(mutex_);
    return refusals_.empty() ? absl::OkStatus() : PopRefusal();
  }

  absl::Status Read(replication::ReadRequest request) override {
    absl::StatusOr<Sequence> at = absl::UnknownError("not set");
    {
      const MutexLock lock(mutex_);
      if (!refusals_.empty()) return PopRefusal();
      last_deadline_ = request.deadline;
      last_freshness_ = request.freshness;
      ++reads_;
      if (request.freshness.at_least > applied_) {
        waiting_.push_back(std::move(request));
        return absl::OkStatus();
      }
      at = applies_ ? applied_ : Sequence(7);
      if (!read_error_.ok()) at = read_error_;
    }
    Begin(request, at);
    return absl::OkStatus();
  }

  void Request(replication::OperatorRequest request,
               std::function<void(absl::StatusOr<replication::RequestResult>)>
                   done) override {
    absl::StatusOr<replication::RequestResult> result =
        MakeError(Reason::kNoPrimary, "not scripted");
    {
      const MutexLock lock(mutex_);
      if (on_request_) result = on_request_(request, status_);
      requests_.push_back(std::move(request));
      changed_.SignalAll();
    }
    done(std::move(result));
  }

  bool ending() const override { return ending_; }

  replication::ReplicaStatus status() const override {
    const MutexLock lock(mutex_);
    replication::ReplicaStatus seen = status_;
    if (after_look_) after_look_(status_);
    return seen;
  }

  Sequence WaitForCommit(Sequence sequence,
                         replication::Deadline deadline) override {
    const MutexLock lock(mutex_);
    while (status_.commit.sequence <= sequence) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) break;
      changed_.WaitFor(mutex_, left);
    }
    return status_.commit.sequence;
  }

 private:
  struct Held {
    replication::Proposal proposal;
    uint64_t sequence = 0;
  };

  // As on the replica thread.
  void Begin(replication::ReadRequest& request,
             const absl::StatusOr<Sequence>& at) LEDGERD_EXCLUDES(running_) {
    std::function<void()> finish;
    {
      const MutexLock running(running_);
      finish = request.begin(at);
    }
    if (finish) finish();
  }

  absl::Status PopRefusal() const LEDGERD_REQUIRES(mutex_) {
    absl::Status refusal = std::move(refusals_.front());
    refusals_.pop_front();
    return refusal;
  }

  Held TakeHeld() {
    const MutexLock lock(mutex_);
    while (held_.empty()) changed_.Wait(mutex_);
    Held held = std::move(held_.front());
    held_.pop_front();
    return held;
  }

  static EntryResult Result(const Held& held) {
    EntryResult result;
    result.sequence = Sequence(held.sequence);
    const Command& command = held.proposal.command;
    for (uint64_t i = 0; i < command.timestamp_count; ++i) {
      if (command.kind == EntryKind::kCreateAccounts) {
        result.accounts.push_back({AccountStatus::kCreated, Timestamp(i + 1)});
      } else {
        result.transfers.emplace_back();
        result.transfers.back().status = TransferStatus::kCreated;
        result.transfers.back().timestamp = Timestamp(i + 1);
      }
    }
    return result;
  }

  std::atomic<bool> ending_ = false;
  Mutex running_;
  mutable Mutex mutex_;
  CondVar changed_;
  mutable replication::ReplicaStatus status_ LEDGERD_GUARDED_BY(mutex_);
  mutable std::deque<absl::Status> refusals_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status read_error_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<Held> held_ LEDGERD_GUARDED_BY(mutex_);
  bool holding_ LEDGERD_GUARDED_BY(mutex_) = false;
  uint64_t taken_ LEDGERD_GUARDED_BY(mutex_) = 0;
  replication::Deadline last_deadline_ LEDGERD_GUARDED_BY(mutex_);
  replication::Freshness last_freshness_ LEDGERD_GUARDED_BY(mutex_);
  bool applies_ LEDGERD_GUARDED_BY(mutex_) = false;
  Sequence applied_ LEDGERD_GUARDED_BY(mutex_){~uint64_t{0}};
  uint64_t reads_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::vector<replication::ReadRequest> waiting_ LEDGERD_GUARDED_BY(mutex_);
  RequestHandler on_request_ LEDGERD_GUARDED_BY(mutex_);
  std::function<void(replication::ReplicaStatus&)> after_look_
      LEDGERD_GUARDED_BY(mutex_);
  std::vector<replication::OperatorRequest> requests_
      LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_FAKE_REPLICA_H_
