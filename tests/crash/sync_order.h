// Whether a server's answers waited for its disk: what no kill can show, since
// the kernel keeps what was written and not synced.
//
//   const SyncOrder order = CheckSyncOrder(trace.Calls(), markers);
//   EXPECT_EQ(order.answers, markers.size());
//   EXPECT_TRUE(order.violations.empty());
//
// Shape    A marker is a run of bytes that one request alone has, and that the
//          journal keeps as it is. The request is the message that came in on a
//          connection with it, the answer the first message that went out on
//          the same stream, the write the first one into a segment with it.
//          Between the write's end and the answer's begin there must be a whole
//          fdatasync of that segment, which returned 0.
// Errors   A violation is a sentence: which answer did not wait, and what is
//          missing. A marker that is not found is one, too.
// Source   RFC 9113, section 4.1 (frames); strace(1).
#ifndef LEDGERD_TESTS_CRASH_SYNC_ORDER_H_
#define LEDGERD_TESTS_CRASH_SYNC_ORDER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tests/crash/syscall_trace.h"

namespace ledgerd::crash {

// The calls that it needs, and strace's arguments to see all their bytes.
inline constexpr char kSyncOrderCalls[] = "pwrite64,fdatasync,recvmsg,sendmsg";
inline constexpr char kSyncOrderBytes[] = "65536";

struct SyncOrder {
  // Markers whose request and answer were both seen.
  size_t answers = 0;
  std::vector<std::string> violations;
};

SyncOrder CheckSyncOrder(const std::vector<TracedCall>& calls,
                         const std::vector<std::string>& markers);

}  // namespace ledgerd::crash

#endif  // LEDGERD_TESTS_CRASH_SYNC_ORDER_H_
