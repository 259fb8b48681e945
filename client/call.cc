#include "client/call.h"

#include "proto/base/check.h"

namespace ledgerd::client {

CallSet::~CallSet() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(calls_.empty());
}

bool CallSet::Add(PendingCall* call) {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  calls_.insert(call);
  if (idle_) began_.Signal();
  return true;
}

void CallSet::Remove(PendingCall* call) {
  const MutexLock lock(mutex_);
  calls_.erase(call);
  changed_.SignalAll();
}

std::shared_ptr<const Endpoint> CallSet::WaitForSilence(Duration patience) {
  const MutexLock lock(mutex_);
  while (!closed_) {
    if (calls_.empty()) {
      idle_ = true;
      began_.Wait(mutex_);
      idle_ = false;
      continue;
    }
    closing_.WaitFor(mutex_, patience);
    const auto before = std::chrono::steady_clock::now() - patience;
    for (PendingCall* call : calls_) {
      auto silent = call->SilentSince(before);
      if (silent != nullptr && !closed_) return silent;
    }
  }
  return nullptr;
}

void CallSet::Leave(const Endpoint& endpoint) {
  const MutexLock lock(mutex_);
  for (PendingCall* call : calls_) call->Leave(endpoint);
}

void CallSet::CloseAndWait() {
  const MutexLock lock(mutex_);
  closed_ = true;
  began_.SignalAll();
  closing_.SignalAll();
  for (PendingCall* call : calls_) call->Cancel();
  while (!calls_.empty()) changed_.Wait(mutex_);
}

}  // namespace ledgerd::client
