// A CallCounter counts all calls of a server, but for those of gRPC's own
// services, whose health watches never end.
//
//   creators.push_back(std::make_unique<CallCounter>(open_calls));
//   builder.experimental().SetInterceptorCreators(std::move(creators));
//
// Cost     An interceptor on each call: for ports where calls are few.
#ifndef LEDGERD_SERVER_GRPC_CALL_COUNTER_H_
#define LEDGERD_SERVER_GRPC_CALL_COUNTER_H_

#include "absl/strings/match.h"
#include "grpcpp/support/server_interceptor.h"

#include "server/open_calls.h"

namespace ledgerd::server {

// Counts one call from its construction to its end.
class CountedCall final : public grpc::experimental::Interceptor {
 public:
  explicit CountedCall(OpenCalls& calls) : calls_(calls) { calls_.Begin(); }

  ~CountedCall() override { calls_.End(); }

  void Intercept(
      grpc::experimental::InterceptorBatchMethods* methods) override {
    methods->Proceed();
  }

 private:
  OpenCalls& calls_;
};

// `calls` outlives the server.
class CallCounter final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallCounter(OpenCalls& calls) : calls_(calls) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    if (absl::StartsWith(info->method(), "/grpc.")) return nullptr;
    return new CountedCall(calls_);
  }

 private:
  OpenCalls& calls_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_CALL_COUNTER_H_
