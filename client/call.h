// One call over all of its attempts: sends, and on failure pauses and sends the
// same request again, until there is an answer, a final error or the deadline.
//
//   StartCall<CreateTransfersRequest, CreateTransfersResponse>(
//       calls, endpoints,
//       {.request = request, .changes_state = true, .deadline = deadline},
//       [](auto& stub, auto... rest) { stub.CreateTransfers(rest...); },
//       [](absl::StatusOr<CreateTransfersResponse> response) {});
//
// Shape    A Call owns itself by the callbacks that it has outstanding (an
//          attempt or an alarm, never both) and is listed in a CallSet until
//          its answer has been given.
// Threads  The answer is given once, on a gRPC thread, or on the caller's when
//          the set is closed already.
#ifndef LEDGERD_CLIENT_CALL_H_
#define LEDGERD_CLIENT_CALL_H_

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "grpcpp/alarm.h"
#include "grpcpp/client_context.h"

#include "client/endpoints.h"
#include "client/hand_over.h"
#include "client/retry.h"
#include "proto/base/mutex.h"

namespace ledgerd::client {

class Cancellable {
 public:
  virtual ~Cancellable() = default;
  virtual void Cancel() = 0;
};

// The calls that are on their way.
class CallSet {
 public:
  // Requires: no call is left.
  ~CallSet();

  // False when closed: the call must not start.
  bool Add(Cancellable* call);
  void Remove(Cancellable* call);

  // Cancels all calls, lets no new ones start, and waits until all have given
  // their answers.
  void CloseAndWait();

 private:
  Mutex mutex_;
  CondVar changed_;
  absl::flat_hash_set<Cancellable*> calls_ LEDGERD_GUARDED_BY(mutex_);
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
    : public Cancellable,
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
    std::chrono::steady_clock::time_point deadline;
  };

  Call(CallSet& calls, Endpoints& endpoints, Options options, Method method,
       Answer answer)
      : calls_(calls),
        endpoints_(endpoints),
        request_(std::move(options.request)),
        deadline_(options.deadline),
        method_(std::move(method)),
        answer_(std::move(answer)),
        retry_({.changes_state = options.changes_state,
                .deadline = options.deadline,
                .seed = std::random_device()()}),
        endpoint_(endpoints.Current()) {}

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

 private:
  void Attempt() {
    grpc::ClientContext* context = nullptr;
    {
      const MutexLock lock(mutex_);
      if (!cancelled_) {
        endpoint_ = endpoints_.Current();
        context_ = std::make_unique<grpc::ClientContext>();
        context_->set_deadline(ToSystemTime(deadline_));
        context = context_.get();
      }
    }
    if (context == nullptr) {
      return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));
    }
    response_.Clear();
    method_(*endpoint_->stub->async(), context, &request_, &response_,
            [self = HandedOver(this->shared_from_this())](
                const grpc::Status& status) { self.Take()->Finish(status); });
  }

  void Finish(const grpc::Status& status) {
    if (status.ok()) return Give(std::move(response_));
    const RpcError error = FromGrpc(status);
    endpoints_.OnFailure(*endpoint_, error);
    const auto pause =
        retry_.PauseAfter(error, std::chrono::steady_clock::now());
    if (!pause.has_value() || !AttemptAfter(*pause)) Give(retry_.Outcome());
  }

  bool AttemptAfter(Retry::Duration pause) {
    const MutexLock lock(mutex_);
    if (cancelled_) return false;
    // A new alarm each time: the callback of the last one may still be running.
    // An alarm keeps its callback, which so must not keep this call.
    alarm_ = std::make_unique<grpc::Alarm>();
    kept_by_alarm_ = this->shared_from_this();
    alarm_->Set(ToSystemTime(std::chrono::steady_clock::now() + pause),
                [self = HandedOver(this)](bool) { self.Take()->OnAlarm(); });
    return true;
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
    endpoint_.reset();
    {
      const MutexLock lock(mutex_);
      context_.reset();
    }
    calls_.Remove(this);
  }

  CallSet& calls_;
  Endpoints& endpoints_;
  const Request request_;
  const std::chrono::steady_clock::time_point deadline_;
  const Method method_;
  Answer answer_;
  // One attempt or alarm at a time: these pass from callback to callback.
  Retry retry_;
  Response response_;
  std::shared_ptr<const Endpoint> endpoint_;

  Mutex mutex_;
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
