// Marks for hand-overs that ThreadSanitizer cannot see.
//
// Debian's gRPC, Abseil and RocksDB are not instrumented, so a hand-over
// through them (a completion-queue tag, absl::Notification) looks like a race.
// Put LEDGERD_RELEASE(p) before it and LEDGERD_ACQUIRE(p) after it, with the
// same p. Without ThreadSanitizer both are nothing.
#ifndef LEDGERD_PROTO_BASE_HAPPENS_BEFORE_H_
#define LEDGERD_PROTO_BASE_HAPPENS_BEFORE_H_

#if defined(__SANITIZE_THREAD__)
#define LEDGERD_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LEDGERD_TSAN 1
#endif
#endif

#ifdef LEDGERD_TSAN
#include <sanitizer/tsan_interface.h>
#define LEDGERD_RELEASE(p) \
  __tsan_release(const_cast<void*>(static_cast<const void*>(p)))
#define LEDGERD_ACQUIRE(p) \
  __tsan_acquire(const_cast<void*>(static_cast<const void*>(p)))
#else
#define LEDGERD_RELEASE(p) static_cast<void>(p)
#define LEDGERD_ACQUIRE(p) static_cast<void>(p)
#endif

#endif  // LEDGERD_PROTO_BASE_HAPPENS_BEFORE_H_
