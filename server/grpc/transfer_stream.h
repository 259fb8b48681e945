// A TransferStream serves one call of StreamTransfers.
//
//   return new TransferStream(streams, calls, context->peer(),
//                             DeadlineOf(context->deadline()));
//
// Order    Requests are proposed in the order read and answered in that order.
//          What ends the stream early (a bad request, a refusal, a fault) does
//          so after all before it are answered; nothing is read after it, and
//          of what was read already the replica takes nothing any more.
// Errors   OUTCOME_UNKNOWN when one after the failed request may have been
//          executed all the same: the client must not take them for undone.
// Limits   At most `stream_window` requests are taken and not answered; then
//          nothing more is read, and HTTP/2 holds the client back. A request is
//          bytes until it is admitted, so that a refusal costs no parse.
// Time     Without a deadline of the client's a stream has none: its requests
//          must not be dropped one by one, as calls are. With one, all requests
//          have the same, so once one is dropped all after it are.
// Threads  gRPC's, the answer thread, and who ends all streams; one mutex.
//          Deletes itself when gRPC and the replica are both done with it.
#ifndef LEDGERD_SERVER_GRPC_TRANSFER_STREAM_H_
#define LEDGERD_SERVER_GRPC_TRANSFER_STREAM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

#include "proto/base/mutex.h"
#include "proto/results.h"
#include "replication/replica_handle.h"
#include "server/answer_budget.h"
#include "server/grpc/batch_request.h"
#include "server/grpc/call_context.h"
#include "server/open_calls.h"
#include "server/request_counts.h"

namespace ledgerd::server {

class TransferStream;

// All open streams, so that a clean stop does not have to wait for idle ones.
class TransferStreams {
 public:
  TransferStreams(OpenCalls& calls, AnswerBudget& budget, RequestCounts& counts)
      : calls_(calls), budget_(budget), counts_(counts) {}

  // Ends all streams, and those to come, with `status`, once what they have
  // taken is answered.
  void EndAll(const absl::Status& status) LEDGERD_EXCLUDES(mutex_);

 private:
  friend class TransferStream;
  void Add(TransferStream* stream) LEDGERD_EXCLUDES(mutex_);
  void Remove(TransferStream* stream) LEDGERD_EXCLUDES(mutex_);

  OpenCalls& calls_;
  AnswerBudget& budget_;
  RequestCounts& counts_;
  Mutex mutex_;  // Before a stream's own.
  std::set<TransferStream*> open_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status end_ LEDGERD_GUARDED_BY(mutex_);
};

class TransferStream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // `connection` is the name of the client's, for the budget.
  TransferStream(TransferStreams& streams, const CallContext& calls,
                 std::string connection,
                 std::optional<replication::Deadline> deadline);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  friend class TransferStreams;

  // A request that there is room for, with what its answer takes.
  struct Admitted {
    StreamedRequest request;
    AnswerBudget::Share share;
  };

  // A request that was taken.
  struct Slot {
    uint64_t request_id = 0;
    RequestTimer timer;
    AnswerBudget::Share share;
    std::optional<absl::StatusOr<EntryResult>> result;
  };

  void End(const absl::Status& status) LEDGERD_EXCLUDES(mutex_);
  // What was read, if there is room for it.
  absl::StatusOr<Admitted> Admit();
  void Take(const RequestTimer& timer, absl::StatusOr<Admitted> admitted)
      LEDGERD_REQUIRES(mutex_);
  absl::Status Propose(const RequestTimer& timer, Admitted admitted)
      LEDGERD_REQUIRES(mutex_);
  void OnResult(uint64_t slot, absl::StatusOr<EntryResult> result)
      LEDGERD_EXCLUDES(mutex_);
  // Does what can be done now: read, write, finish.
  void Advance() LEDGERD_REQUIRES(mutex_);
  void AdvanceAnswers() LEDGERD_REQUIRES(mutex_);
  void AdvanceReads() LEDGERD_REQUIRES(mutex_);
  void AdvanceEnd() LEDGERD_REQUIRES(mutex_);
  // Of those that were taken and are never answered.
  bool MayHaveExecuted() const LEDGERD_REQUIRES(mutex_);

  TransferStreams& streams_;
  const CallContext calls_;
  const std::string connection_;
  const replication::Deadline deadline_;
  const replication::RowBroken row_broken_ =
      std::make_shared<std::atomic<bool>>(false);

  // gRPC's while it reads, else the reader's.
  grpc::ByteBuffer request_;

  Mutex mutex_;
  grpc::ByteBuffer response_;  // gRPC's while it writes.
  AnswerBudget::Share response_share_ LEDGERD_GUARDED_BY(mutex_);
  std::deque<Slot> slots_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t first_slot_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // Slots without a result: the replica will call for them.
  size_t outstanding_ LEDGERD_GUARDED_BY(mutex_) = 0;
  bool reading_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool writing_ LEDGERD_GUARDED_BY(mutex_) = false;
  // Nothing more is taken: half-closed, or end_ says why.
  bool reads_over_ LEDGERD_GUARDED_BY(mutex_) = false;
  // Nothing more is answered: cancelled, or the oldest slot has failed.
  bool answers_over_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool finished_ LEDGERD_GUARDED_BY(mutex_) = false;
  absl::Status end_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_TRANSFER_STREAM_H_
