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
#include "server/grpc/arena_allocator.h"
#include "server/grpc/batch_request.h"
#include "server/grpc/call_context.h"
#include "server/grpc/transfer_stream.h"
#include "server/grpc/watch_stream.h"
#include "server/open_calls.h"

namespace ledgerd::server {

using LedgerApi = ledger::v1::LedgerService;

using TypedService = LedgerApi::WithCallbackMethod_GetServerInfo<
    LedgerApi::WithCallbackMethod_LookupAccounts<
        LedgerApi::WithCallbackMethod_LookupTransfers<
            LedgerApi::WithCallbackMethod_GetAccountTransfers<
                LedgerApi::WithCallbackMethod_GetAccountBalances<
                    LedgerApi::WithCallbackMethod_QueryAccounts<
                        LedgerApi::WithCallbackMethod_QueryTransfers<
                            LedgerApi::WithCallbackMethod_WatchEvents<
                                LedgerApi::Service>>>>>>>>;

// Writes come as bytes, so that they can be refused before they are parsed. Not
// on top of CallbackService: a stream's reactor is of one type or the other.
using RawWritesService = LedgerApi::WithRawCallbackMethod_CreateAccounts<
    LedgerApi::WithRawCallbackMethod_CreateTransfers<
        LedgerApi::WithRawCallbackMethod_StreamTransfers<TypedService>>>;

class LedgerService final : public RawWritesService {
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

  // Waits until every call has ended and its answer has left; false when some
  // have not after `patience`.
  bool WaitUntilAnswered(std::chrono::milliseconds patience) {
    return open_calls_.WaitUntilNone(patience);
  }

  grpc::ServerUnaryReactor* GetServerInfo(
      grpc::CallbackServerContext* context,
      const ledger::v1::GetServerInfoRequest* request,
      ledger::v1::GetServerInfoResponse* response) override;

  grpc::ServerUnaryReactor* CreateAccounts(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* CreateTransfers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamTransfers(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* LookupAccounts(
      grpc::CallbackServerContext* context,
      const ledger::v1::LookupAccountsRequest* request,
      ledger::v1::LookupAccountsResponse* response) override;

  grpc::ServerUnaryReactor* LookupTransfers(
      grpc::CallbackServerContext* context,
      const ledger::v1::LookupTransfersRequest* request,
      ledger::v1::LookupTransfersResponse* response) override;

  grpc::ServerWriteReactor<ledger::v1::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext* context,
      const ledger::v1::WatchEventsRequest* request) override;

  grpc::ServerUnaryReactor* GetAccountTransfers(
      grpc::CallbackServerContext* context,
      const ledger::v1::GetAccountTransfersRequest* request,
      ledger::v1::GetAccountTransfersResponse* response) override;

  grpc::ServerUnaryReactor* GetAccountBalances(
      grpc::CallbackServerContext* context,
      const ledger::v1::GetAccountBalancesRequest* request,
      ledger::v1::GetAccountBalancesResponse* response) override;

  grpc::ServerUnaryReactor* QueryAccounts(
      grpc::CallbackServerContext* context,
      const ledger::v1::QueryAccountsRequest* request,
      ledger::v1::QueryAccountsResponse* response) override;

  grpc::ServerUnaryReactor* QueryTransfers(
      grpc::CallbackServerContext* context,
      const ledger::v1::QueryTransfersRequest* request,
      ledger::v1::QueryTransfersResponse* response) override;

 private:
  template <typename Request, typename Response>
  using Allocator = ArenaAllocator<Request, Response>;

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

  // Looks up what was asked for, ids or a filter, as fresh as `consistency`
  // says, and fills the response.
  template <typename Asked, typename Response, typename Begin>
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context,
                                 absl::StatusOr<Asked> asked,
                                 const ledger::v1::ReadConsistency& consistency,
                                 Response* response, Begin begin);

  replication::Deadline DeadlineFor(
      const grpc::CallbackServerContext& context) const;

  // A little earlier: what a client hears after its own deadline is lost.
  replication::Deadline ReadDeadlineFor(
      const grpc::CallbackServerContext& context) const;

  const CallContext calls_;
  OpenCalls open_calls_;
  AnswerBudgets budgets_;
  TransferStreams streams_{open_calls_, budgets_.calls};
  WatchStreams watches_{budgets_};
  // After what those who wait for it look at until they are gone.
  EventFeed feed_;
  Allocator<ledger::v1::LookupAccountsRequest,
            ledger::v1::LookupAccountsResponse>
      lookup_accounts_allocator_;
  Allocator<ledger::v1::LookupTransfersRequest,
            ledger::v1::LookupTransfersResponse>
      lookup_transfers_allocator_;
  Allocator<ledger::v1::GetAccountTransfersRequest,
            ledger::v1::GetAccountTransfersResponse>
      account_transfers_allocator_;
  Allocator<ledger::v1::QueryAccountsRequest, ledger::v1::QueryAccountsResponse>
      query_accounts_allocator_;
  Allocator<ledger::v1::QueryTransfersRequest,
            ledger::v1::QueryTransfersResponse>
      query_transfers_allocator_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_LEDGER_SERVICE_H_
