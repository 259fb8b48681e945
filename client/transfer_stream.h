// A TransferStream keeps several batches on their way: committed in the order
// sent, answered in that order.
//
//   auto stream = client.StreamTransfers();
//   for (const auto& batch : batches) {
//     if (stream->full()) Handle(stream->Receive());
//     stream->Send(batch);
//   }
//   while (!stream->empty()) Handle(stream->Receive());
//
// Shape    A window of batches that were sent and not yet received. When the
//          connection breaks, it is made again and what has no answer is sent
//          again, in the same order and with the same ids.
// Errors   Receive's, with a Reason. After one the stream is over: every batch
//          without an answer ends with that error too (OUTCOME_UNKNOWN: it may
//          have been executed).
// Threads  One thread uses a stream at a time. It must not outlive its client.
#ifndef LEDGERD_CLIENT_TRANSFER_STREAM_H_
#define LEDGERD_CLIENT_TRANSFER_STREAM_H_

#include <chrono>
#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"

#include "client/coalescer.h"
#include "proto/results.h"
#include "proto/types.h"

namespace ledgerd::client {

struct CreatedTransfers {
  TransferResults results;  // One for each transfer asked for.
  Sequence sequence;        // At which they were committed.
};

struct StreamOptions {
  size_t window = 8;
  // For each batch, from Send to its answer; by default the client's.
  std::chrono::milliseconds timeout{};
};

class TransferStream {
 public:
  virtual ~TransferStream() = default;

  // Requires: !full(). Never waits; an error shows in Receive.
  virtual void Send(std::vector<Transfer> batch) = 0;

  // The answer to the oldest batch. Requires: !empty().
  virtual absl::StatusOr<CreatedTransfers> Receive() = 0;

  virtual bool empty() const = 0;
  virtual bool full() const = 0;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_TRANSFER_STREAM_H_
