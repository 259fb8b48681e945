// A CallCounter counts all calls of a server, but for those of gRPC's own
// services, whose health watches never end.
//
//   builder.experimental().SetInterceptorCreators(CountingCalls(open_calls));
//
// Cost     An interceptor on each call: for ports where calls are few.
#ifndef LEDGERD_SERVER_GRPC_CALL_COUNTER_H_
#define LEDGERD_SERVER_GRPC_CALL_COUNTER_H_

#include <memory>
#include <vector>

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

// `calls` outlives the server.
inline std::vector<
    std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
CountingCalls(OpenCalls& calls) {
  std::vector<
      std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
      creators;
  creators.push_back(std::make_unique<CallCounter>(calls));
  return creators;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_CALL_COUNTER_H_
