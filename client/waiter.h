// Turns a call with a call-back into one that waits.
//
//   Waiter<ServerInfo> waiter;
//   client.GetServerInfo(waiter.callback());
//   return waiter.Wait();
#ifndef LEDGERD_CLIENT_WAITER_H_
#define LEDGERD_CLIENT_WAITER_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"

namespace ledgerd::client {

template <typename T>
class Waiter {
 public:
  std::function<void(absl::StatusOr<T>)> callback() {
    return [state = state_](absl::StatusOr<T> result) {
      const MutexLock lock(state->mutex);
      state->result = std::move(result);
      state->changed.SignalAll();
    };
  }

  absl::StatusOr<T> Wait() {
    const MutexLock lock(state_->mutex);
    while (!state_->result.has_value()) state_->changed.Wait(state_->mutex);
    return *std::move(state_->result);
  }

 private:
  struct State {
    Mutex mutex;
    CondVar changed;
    std::optional<absl::StatusOr<T>> result LEDGERD_GUARDED_BY(mutex);
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_WAITER_H_
