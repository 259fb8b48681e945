#include "client/call.h"

#include "proto/base/check.h"

namespace ledgerd::client {

CallSet::~CallSet() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(calls_.empty());
}

bool CallSet::Add(Cancellable* call) {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  calls_.insert(call);
  return true;
}

void CallSet::Remove(Cancellable* call) {
  const MutexLock lock(mutex_);
  calls_.erase(call);
  changed_.SignalAll();
}

void CallSet::CloseAndWait() {
  const MutexLock lock(mutex_);
  closed_ = true;
  for (Cancellable* call : calls_) call->Cancel();
  while (!calls_.empty()) changed_.Wait(mutex_);
}

}  // namespace ledgerd::client
