// The LedgerService: what payment systems call.
//
//   LedgerService service({group, answers, limits});
//   builder.RegisterService(&service);
//
// A gRPC thread admits, parses and proposes; the replica executes; the answer
// thread (writes) or the replica's reader (look-ups) fills the response and
// sends it.
// A cancelled call runs to its end all the same: what was taken is executed.
//
// Errors   As ledger.proto says.
// Threads  gRPC's own. Outlives its server.
#ifndef LEDGERD_SERVER_GRPC_LEDGER_SERVICE_H_
#define LEDGERD_SERVER_GRPC_LEDGER_SERVICE_H_

#include <chrono>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/server_callback.h"

#include "ledger/v1/ledger.grpc.pb.h"
#include "server/answer_budget.h"
#include "server/event_feed.h"
#include "server/grpc/batch_request.h"
#include "server/grpc/call_context.h"
#include "server/grpc/transfer_stream.h"
#include "server/grpc/watch_stream.h"
#include "server/open_calls.h"
#include "server/request_counts.h"

namespace ledgerd::server {

using LedgerApi = ledger::v1::LedgerService;

// Requests come as bytes: so that writes can be refused before they are parsed,
// and what is no message is refused with a reason. Not on top of
// CallbackService: a stream's reactor is of one type or the other.
using RawReads = LedgerApi::WithRawCallbackMethod_GetServerInfo<
    LedgerApi::WithRawCallbackMethod_LookupAccounts<
        LedgerApi::WithRawCallbackMethod_LookupTransfers<
            LedgerApi::WithRawCallbackMethod_GetAccountTransfers<
                LedgerApi::WithRawCallbackMethod_GetAccountBalances<
                    LedgerApi::WithRawCallbackMethod_QueryAccounts<
                        LedgerApi::WithRawCallbackMethod_QueryTransfers<
                            LedgerApi::WithRawCallbackMethod_WatchEvents<
                                LedgerApi::Service>>>>>>>>;

using RawService = LedgerApi::WithRawCallbackMethod_CreateAccounts<
    LedgerApi::WithRawCallbackMethod_CreateTransfers<
        LedgerApi::WithRawCallbackMethod_StreamTransfers<RawReads>>>;

class LedgerService final : public RawService {
 public:
  explicit LedgerService(const CallContext& calls);

  // Ends the open streams, and those to come, once what they have taken is
  // answered.
  void EndStreams(const absl::Status& status) {
    streams_.EndAll(status);
    watches_.EndAll(status);
  }

  // For tests.
  const EventFeed& feed() const { return feed_; }

  const AnswerBudgets& budgets() const { return budgets_; }

  // Of all calls since the start.
  const RequestCounts& counts() const { return counts_; }

  // Waits until every call has ended and its answer has left; false when some
  // have not after `patience`.
  bool WaitUntilAnswered(std::chrono::milliseconds patience) {
    return open_calls_.WaitUntilNone(patience);
  }

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* CreateAccounts(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* CreateTransfers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamTransfers(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* LookupAccounts(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* LookupTransfers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* GetAccountTransfers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* GetAccountBalances(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* QueryAccounts(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* QueryTransfers(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchEvents(
      grpc::CallbackServerContext* context,
      const grpc::ByteBuffer* bytes) override;

 private:
  // Whether there is room for what `request` asks, in the replica and for its
  // answer; the latter is taken.
  absl::StatusOr<AnswerBudget::Share> Admit(
      const grpc::CallbackServerContext& context,
      const grpc::ByteBuffer& request, const BatchMethod& method);

  // Admits, parses and proposes `request`.
  grpc::ServerUnaryReactor* Create(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response,
                                   const BatchMethod& method);

  // Ends a call that has not begun.
  grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context,
                                   const RequestTimer& timer,
                                   const absl::Status& status) const;

  // A call that reads, from when it came.
  struct ReadCall {
    RequestTimer timer;
    grpc::CallbackServerContext* context = nullptr;
    grpc::ByteBuffer* response = nullptr;
  };

  // Parses a Request, of which `parse` makes what is asked for, and reads that.
  template <typename Request, typename Response, typename Parser,
            typename Begin>
  grpc::ServerUnaryReactor* Read(const ReadCall& call,
                                 const grpc::ByteBuffer& bytes, Parser parse,
                                 Begin begin);

  // Looks up what was asked for, ids or a filter, so fresh, and fills the
  // response with a Response.
  template <typename Response, typename Asked, typename Begin>
  grpc::ServerUnaryReactor* BeginRead(const ReadCall& call, Asked asked,
                                      replication::Freshness freshness,
                                      Begin begin);

  replication::Deadline DeadlineFor(
      const grpc::CallbackServerContext& context) const;

  // A little earlier: what a client hears after its own deadline is lost.
  replication::Deadline ReadDeadlineFor(
      const grpc::CallbackServerContext& context) const;

  const CallContext calls_;
  OpenCalls open_calls_;
  AnswerBudgets budgets_;
  RequestCounts counts_;
  TransferStreams streams_{open_calls_, budgets_.calls, counts_};
  WatchStreams watches_{budgets_};
  // After what those who wait for it look at until they are gone.
  EventFeed feed_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_LEDGER_SERVICE_H_
