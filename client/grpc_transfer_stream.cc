// A stream is a queue of batches without an answer, and a session: one gRPC
// call. The session writes the queue from its front and takes answered batches
// off it. When it ends early, Receive makes another one, which starts at the
// front again.
#include "client/grpc_transfer_stream.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

#include "client/created.h"
#include "client/hand_over.h"
#include "client/retry.h"
#include "client/wire.h"
#include "proto/base/check.h"
#include "proto/base/mutex.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::ledger::v1;
using Time = std::chrono::steady_clock::time_point;

struct Batch {
  uint64_t id = 0;
  std::vector<Transfer> transfers;
  Time deadline;
  // Written in this session; may have been executed by an earlier one.
  bool written = false;
  bool may_have_been_executed = false;
};

// What the session and the stream share; all of it belongs to the mutex.
struct State {
  Mutex mutex;
  CondVar changed;
  std::deque<Batch> unanswered;
  std::deque<absl::StatusOr<CreatedTransfers>> answers;
};

class Session final
    : public grpc::ClientBidiReactor<v1::StreamTransfersRequest,
                                     v1::StreamTransfersResponse> {
 public:
  Session(std::shared_ptr<State> state, std::shared_ptr<const Endpoint> at)
      : state_(std::move(state)), endpoint_(std::move(at)) {
    endpoint_->stub().async()->StreamTransfers(&context_, this);
    // For the writes that do not start in a reaction.
    AddHold();
    StartRead(&response_);
    HandOverToGrpc();
    StartCall();
  }

  const std::shared_ptr<const Endpoint>& endpoint() const { return endpoint_; }

  void Cancel() { context_.TryCancel(); }

  // Set at the end. Requires: the state's mutex is held.
  const std::optional<grpc::Status>& ended() const { return ended_; }

  // Writes the next batch if there is one. Requires: the mutex is held.
  void WriteNext() {
    if (broken_ || writing_) return;
    for (Batch& batch : state_->unanswered) {
      if (batch.written) continue;
      Write(batch);
      return;
    }
  }

  void OnWriteDone(bool ok) override {
    TakeOverFromGrpc();
    const MutexLock lock(state_->mutex);
    writing_ = false;
    if (ok) WriteNext();
  }

  void OnReadDone(bool ok) override {
    TakeOverFromGrpc();
    bool more = false;
    {
      const MutexLock lock(state_->mutex);
      more = ok && TakeAnswer();
      broken_ = !more;
    }
    if (more) return StartRead(&response_);
    if (ok) context_.TryCancel();
    RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    TakeOverFromGrpc();
    // The stream may delete this session as soon as it sees the end.
    const std::shared_ptr<State> state = state_;
    const MutexLock lock(state->mutex);
    ended_ = status;
    state->changed.SignalAll();
  }

 private:
  void Write(Batch& batch) {
    request_.Clear();
    request_.set_request_id(batch.id);
    for (const Transfer& transfer : batch.transfers) {
      ToWire(transfer, request_.add_transfers());
    }
    batch.written = true;
    writing_ = true;
    StartWrite(&request_);
  }

  // False for an answer to something that was not asked.
  bool TakeAnswer() {
    if (state_->unanswered.empty()) return false;
    const Batch& batch = state_->unanswered.front();
    if (!batch.written || response_.request_id() != batch.id) return false;
    state_->answers.push_back(CreatedFromWire(response_, batch.transfers));
    state_->unanswered.pop_front();
    state_->changed.SignalAll();
    return true;
  }

  const std::shared_ptr<State> state_;
  const std::shared_ptr<const Endpoint> endpoint_;
  grpc::ClientContext context_;
  v1::StreamTransfersRequest request_;
  v1::StreamTransfersResponse response_;
  bool writing_ = false;
  bool broken_ = false;
  std::optional<grpc::Status> ended_;
};

class GrpcTransferStream final : public TransferStream {
 public:
  GrpcTransferStream(Endpoints& endpoints, StreamOptions options)
      : endpoints_(endpoints), options_(options) {}

  ~GrpcTransferStream() override {
    if (session_ != nullptr) EndSession();
  }

  void Send(std::vector<Transfer> batch) override {
    LEDGERD_CHECK(!full());
    ++outstanding_;
    if (over_.has_value()) return;
    if (session_ == nullptr) StartSession();
    const MutexLock lock(state_->mutex);
    state_->unanswered.push_back({.id = next_id_++,
                                  .transfers = std::move(batch),
                                  .deadline = Now() + options_.timeout});
    session_->WriteNext();
  }

  absl::StatusOr<CreatedTransfers> Receive() override {
    LEDGERD_CHECK(!empty());
    --outstanding_;
    while (true) {
      if (auto answer = NextAnswer(); answer.has_value()) {
        retry_.reset();
        round_.Clear();
        return *std::move(answer);
      }
      if (over_.has_value()) return *over_;
      Recover();
    }
  }

  bool empty() const override { return outstanding_ == 0; }

  bool full() const override {
    return outstanding_ >= std::max<size_t>(1, options_.window);
  }

 private:
  static Time Now() { return std::chrono::steady_clock::now(); }

  void StartSession() {
    session_ = std::make_unique<Session>(state_, endpoints_.Current());
  }

  // Waits for an answer; nothing: the session has ended, or time is up.
  std::optional<absl::StatusOr<CreatedTransfers>> NextAnswer() {
    const MutexLock lock(state_->mutex);
    while (state_->answers.empty()) {
      if (over_.has_value() || session_->ended().has_value()) return {};
      const auto left = state_->unanswered.front().deadline - Now();
      if (left <= Retry::Duration::zero()) return {};
      state_->changed.WaitFor(state_->mutex, left);
    }
    auto answer = std::move(state_->answers.front());
    state_->answers.pop_front();
    return answer;
  }

  // Ends what is left of the session; then another one, or the stream is over.
  void Recover() {
    const std::optional<Time> front = FrontDeadline();
    if (!front.has_value()) return;
    const Time deadline = *front;
    RpcError error = FromGrpc(EndSession());
    if (Now() >= deadline) {
      error = {.status = absl::DeadlineExceededError("no answer in time")};
    } else if (error.status.ok()) {
      error = {.status = absl::UnavailableError("the server ended the stream")};
    }
    const bool elsewhere =
        endpoints_.OnFailure(session_->endpoint(), error, round_);
    const bool unknown = ForgetSession(error.status);
    if (!retry_.has_value()) {
      retry_.emplace(Retry::Options{.changes_state = true,
                                    .deadline = deadline,
                                    .seed = std::random_device()()});
    }
    const auto pause = retry_->PauseAfter(error, Now(), elsewhere);
    if (!pause.has_value()) {
      over_ = Outcome(unknown);
      return;
    }
    std::this_thread::sleep_for(*pause);
    StartSession();
    const MutexLock lock(state_->mutex);
    session_->WriteNext();
  }

  // Requires: a session.
  grpc::Status EndSession() {
    session_->Cancel();
    const MutexLock lock(state_->mutex);
    while (!session_->ended().has_value()) {
      state_->changed.Wait(state_->mutex);
    }
    return *session_->ended();
  }

  // Of the oldest without an answer; nothing: one has come since it was looked
  // for, and it may have been the last.
  std::optional<Time> FrontDeadline() {
    const MutexLock lock(state_->mutex);
    if (!state_->answers.empty()) return {};
    return state_->unanswered.front().deadline;
  }

  // What the session wrote is to be written again. Returns whether any of it
  // may have been executed, by this session or an earlier one.
  bool ForgetSession(const absl::Status& error) {
    bool unknown = false;
    const MutexLock lock(state_->mutex);
    for (Batch& batch : state_->unanswered) {
      if (batch.written && MayHaveBeenExecuted(error)) {
        batch.may_have_been_executed = true;
      }
      batch.written = false;
      unknown = unknown || batch.may_have_been_executed;
    }
    return unknown;
  }

  absl::Status Outcome(bool unknown) const {
    absl::Status status = retry_->Outcome();
    if (!unknown || MayHaveBeenExecuted(status)) return status;
    return MakeError(Reason::kOutcomeUnknown, status.message());
  }

  Endpoints& endpoints_;
  const StreamOptions options_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  std::unique_ptr<Session> session_;
  uint64_t next_id_ = 1;
  // Sent, and not yet received.
  size_t outstanding_ = 0;
  // Since the last answer.
  std::optional<Retry> retry_;
  Endpoints::Round round_;
  std::optional<absl::Status> over_;
};

}  // namespace

std::unique_ptr<TransferStream> MakeGrpcTransferStream(Endpoints& endpoints,
                                                       StreamOptions options) {
  return std::make_unique<GrpcTransferStream>(endpoints, options);
}

}  // namespace ledgerd::client
