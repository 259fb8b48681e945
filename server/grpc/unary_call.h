// A UnaryCall is a call with one answer: counted, and with its share of the
// budget, until that has left.
//
//   auto* call = new UnaryCall(open_calls, std::move(share));
//   call->Finish(status);   // at once or later, from any thread
//   return call;
//
// Threads  As gRPC says; it deletes itself.
#ifndef LEDGERD_SERVER_GRPC_UNARY_CALL_H_
#define LEDGERD_SERVER_GRPC_UNARY_CALL_H_

#include <utility>

#include "grpcpp/support/server_callback.h"

#include "server/answer_budget.h"
#include "server/open_calls.h"

namespace ledgerd::server {

class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(OpenCalls& calls, AnswerBudget::Share share)
      : calls_(calls), share_(std::move(share)) {
    calls_.Begin();
  }

  void OnDone() override {
    OpenCalls& calls = calls_;
    delete this;
    calls.End();
  }

 private:
  // OnDone is too short to be worth a change of threads.
  bool InternalInlineable() override { return true; }

  OpenCalls& calls_;
  const AnswerBudget::Share share_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_UNARY_CALL_H_
