// One call over all of its attempts: sends, and on failure sends the same
// request again, there or elsewhere, until there is an answer, a final error or
// the deadline.
//
//   StartCall<CreateTransfersRequest, CreateTransfersResponse>(
//       calls, endpoints,
//       {.request = request, .changes_state = true, .deadline = deadline},
//       [](auto& stub, auto... rest) { stub.CreateTransfers(rest...); },
//       [](absl::StatusOr<CreateTransfersResponse> response) {});
//
// Shape    A Call owns itself by the callbacks that it has outstanding (an
//          attempt or an alarm, never both) and is listed in a CallSet until
//          its answer has been given. What any replica may answer goes to all
//          in turn, and none of them is given all of the time.
// Threads  The answer is given once, on a gRPC thread, or on the caller's when
//          the set is closed already.
#ifndef LEDGERD_CLIENT_CALL_H_
#define LEDGERD_CLIENT_CALL_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/alarm.h"
#include "grpcpp/client_context.h"

#include "client/endpoints.h"
#include "client/hand_over.h"
#include "client/retry.h"
#include "proto/base/mutex.h"

namespace ledgerd::client {

class PendingCall {
 public:
  virtual ~PendingCall() = default;
  virtual void Cancel() = 0;
  // Ends its attempt if that is at `endpoint`; another one follows.
  virtual void Leave(const Endpoint& endpoint) = 0;
  // Where an attempt has had no answer since `before` or longer, if it is for
  // the primary; else null.
  virtual std::shared_ptr<const Endpoint> SilentSince(
      std::chrono::steady_clock::time_point before) = 0;
};

// The calls that are on their way.
class CallSet {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // Requires: no call is left.
  ~CallSet();

  // False when closed: the call must not start.
  bool Add(PendingCall* call);
  void Remove(PendingCall* call);

  // Waits for a server that has given some call no answer for `patience`, or
  // twice as long; null when closed. Looks each time anew after `patience`.
  std::shared_ptr<const Endpoint> WaitForSilence(Duration patience);

  // All attempts that are there go elsewhere.
  void Leave(const Endpoint& endpoint);

  // Cancels all calls, lets no new ones start, and waits until all have given
  // their answers.
  void CloseAndWait();

 private:
  Mutex mutex_;
  CondVar changed_;
  // For WaitForSilence alone, which has nothing to do while there are no calls.
  CondVar began_;
  CondVar closing_;
  bool idle_ LEDGERD_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<PendingCall*> calls_ LEDGERD_GUARDED_BY(mutex_);
  bool closed_ LEDGERD_GUARDED_BY(mutex_) = false;
};

// gRPC's clock is the system's; deadlines here are steady.
inline std::chrono::system_clock::time_point ToSystemTime(
    std::chrono::steady_clock::time_point time) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(
             time - std::chrono::steady_clock::now());
}

template <typename Request, typename Response>
class Call final
    : public PendingCall,
      public std::enable_shared_from_this<Call<Request, Response>> {
 public:
  using Stub = ::ledger::v1::LedgerService::StubInterface::async_interface;
  using Method =
      std::function<void(Stub&, grpc::ClientContext*, const Request*, Response*,
                         std::function<void(grpc::Status)>)>;
  using Answer = std::function<void(absl::StatusOr<Response>)>;

  struct Options {
    Request request;
    bool changes_state = false;
    // Any replica may answer.
    bool anywhere = false;
    std::chrono::steady_clock::time_point deadline;
  };

  Call(CallSet& calls, Endpoints& endpoints, Options options, Method method,
       Answer answer)
      : calls_(calls),
        endpoints_(endpoints),
        request_(std::move(options.request)),
        deadline_(options.deadline),
        anywhere_(options.anywhere),
        method_(std::move(method)),
        answer_(std::move(answer)),
        retry_({.changes_state = options.changes_state,
                .deadline = options.deadline,
                .seed = std::random_device()()}) {}

  void Start() {
    if (calls_.Add(this)) return Attempt();
    answer_(MakeError(Reason::kDraining, "the client is closed: never sent"));
  }

  void Cancel() override {
    const MutexLock lock(mutex_);
    cancelled_ = true;
    if (context_ != nullptr) context_->TryCancel();
    if (alarm_ != nullptr) alarm_->Cancel();
  }

  void Leave(const Endpoint& endpoint) override {
    const MutexLock lock(mutex_);
    if (waiting_ && endpoint_.get() == &endpoint) context_->TryCancel();
  }

  std::shared_ptr<const Endpoint> SilentSince(
      std::chrono::steady_clock::time_point before) override {
    const MutexLock lock(mutex_);
    return waiting_ && !anywhere_ && began_ <= before ? endpoint_ : nullptr;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Attempt() {
    grpc::ClientContext* context = nullptr;
    ::ledger::v1::LedgerService::Stub* stub = nullptr;
    {
      const MutexLock lock(mutex_);
      if (!cancelled_) {
        endpoint_ = anywhere_ ? endpoints_.Any(round_) : endpoints_.Current();
        stub = &endpoint_->stub();
        context_ = std::make_unique<grpc::ClientContext>();
        context = context_.get();
        began_ = Clock::now();
        waiting_ = true;
        context->set_deadline(ToSystemTime(AttemptDeadline()));
      }
    }
    if (context == nullptr) {
      return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));
    }
    response_.Clear();
    method_(*stub->async(), context, &request_, &response_,
            [self = HandedOver(this->shared_from_this())](
                const grpc::Status& status) { self.Take()->Finish(status); });
  }

  // A replica that may wait until it knows enough leaves time for another one.
  Clock::time_point AttemptDeadline() const LEDGERD_REQUIRES(mutex_) {
    constexpr std::chrono::milliseconds kPartMin{100};
    const auto part = (deadline_ - began_) / 2;
    if (!anywhere_ || endpoints_.size() == 1 || part < kPartMin) {
      return deadline_;
    }
    return began_ + part;
  }

  void Finish(const grpc::Status& status) {
    if (status.ok()) {
      EndAttempt();
      return Give(std::move(response_));
    }
    const auto pause = PauseAfter(FromGrpc(status));
    if (!pause.has_value() || !AttemptAfter(*pause)) Give(retry_.Outcome());
  }

  // Null when it was not made.
  std::shared_ptr<const Endpoint> EndAttempt() {
    const MutexLock lock(mutex_);
    return std::exchange(waiting_, false) ? endpoint_ : nullptr;
  }

  std::optional<Retry::Duration> PauseAfter(RpcError error) {
    const std::shared_ptr<const Endpoint> endpoint = EndAttempt();
    const auto now = Clock::now();
    if (endpoint == nullptr) return retry_.PauseAfter(error, now);
    if (absl::IsDeadlineExceeded(error.status) && anywhere_ &&
        now < deadline_) {
      error.status = absl::UnavailableError(absl::StrCat(
          "no answer from ", endpoint->address, " in its part of the time"));
    }
    const bool elsewhere = anywhere_
                               ? endpoints_.OnFailureOfAny(endpoint, round_)
                               : endpoints_.OnFailure(endpoint, error, round_);
    return retry_.PauseAfter(error, now, elsewhere);
  }

  bool AttemptAfter(Retry::Duration pause) {
    {
      const MutexLock lock(mutex_);
      if (cancelled_) return false;
      if (pause > Retry::Duration::zero()) {
        SetAlarm(pause);
        return true;
      }
    }
    Attempt();
    return true;
  }

  void SetAlarm(Retry::Duration pause) LEDGERD_REQUIRES(mutex_) {
    // A new alarm each time: the callback of the last one may still be running.
    // An alarm keeps its callback, which so must not keep this call.
    alarm_ = std::make_unique<grpc::Alarm>();
    kept_by_alarm_ = this->shared_from_this();
    alarm_->Set(ToSystemTime(std::chrono::steady_clock::now() + pause),
                [self = HandedOver(this)](bool) { self.Take()->OnAlarm(); });
  }

  void OnAlarm() {
    std::shared_ptr<Call> self;
    {
      const MutexLock lock(mutex_);
      self = std::exchange(kept_by_alarm_, nullptr);
    }
    self->Attempt();
  }

  void Give(absl::StatusOr<Response> result) {
    answer_(std::move(result));
    answer_ = nullptr;
    // The last channel must not go on a thread of gRPC's, which would wait for
    // itself: let go of it while the set still keeps the client from ending.
    round_.Clear();
    {
      const MutexLock lock(mutex_);
      endpoint_.reset();
      context_.reset();
    }
    calls_.Remove(this);
  }

  CallSet& calls_;
  Endpoints& endpoints_;
  const Request request_;
  const std::chrono::steady_clock::time_point deadline_;
  const bool anywhere_;
  const Method method_;
  Answer answer_;
  // One attempt or alarm at a time: these pass from callback to callback.
  Retry retry_;
  Endpoints::Round round_;
  Response response_;

  Mutex mutex_;
  // Of the attempt, as long as it waits for its answer.
  bool waiting_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const Endpoint> endpoint_ LEDGERD_GUARDED_BY(mutex_);
  Clock::time_point began_ LEDGERD_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::ClientContext> context_ LEDGERD_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> alarm_ LEDGERD_GUARDED_BY(mutex_);
  // This call, while the alarm is set.
  std::shared_ptr<Call> kept_by_alarm_ LEDGERD_GUARDED_BY(mutex_);
  bool cancelled_ LEDGERD_GUARDED_BY(mutex_) = false;
};

template <typename Request, typename Response>
void StartCall(CallSet& calls, Endpoints& endpoints,
               typename Call<Request, Response>::Options options,
               typename Call<Request, Response>::Method method,
               typename Call<Request, Response>::Answer answer) {
  std::make_shared<Call<Request, Response>>(
      calls, endpoints, std::move(options), std::move(method),
      std::move(answer))
      ->Start();
}

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_CALL_H_
