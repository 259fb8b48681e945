// NoMessage says INVALID_FIELD of a request that is no message, in calls of
// typed services: gRPC itself would say INTERNAL or UNIMPLEMENTED, without a
// reason.
//
//   creators.push_back(std::make_unique<NoMessageFactory>());
//   builder.experimental().SetInterceptorCreators(std::move(creators));
//
// Cost     An interceptor on each call: for ports where calls are few. Services
//          with many get bytes (message_bytes.h).
#ifndef LEDGERD_SERVER_GRPC_NO_MESSAGE_H_
#define LEDGERD_SERVER_GRPC_NO_MESSAGE_H_

#include "grpcpp/support/server_interceptor.h"

#include "ledger/v1/ledger.pb.h"
#include "server/grpc/error_details.h"
#include "server/grpc/message_bytes.h"

namespace ledgerd::server {

class NoMessage final : public grpc::experimental::Interceptor {
 public:
  void Intercept(
      grpc::experimental::InterceptorBatchMethods* methods) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE) &&
        methods->GetRecvMessage() == nullptr) {
      is_none_ = true;
    }
    // A server without a thread to spare does not parse at all, and says so.
    if (is_none_ &&
        methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS) &&
        methods->GetSendStatus().error_code() !=
            grpc::StatusCode::RESOURCE_EXHAUSTED) {
      methods->ModifySendStatus(
          ToGrpcStatus(NotAMessage("request"), ledger::v1::PrimaryHint()));
    }
    methods->Proceed();
  }

 private:
  bool is_none_ = false;
};

class NoMessageFactory final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  // A client's end of a stream looks the same.
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    using Type = grpc::experimental::ServerRpcInfo::Type;
    const bool one_request =
        info->type() == Type::UNARY || info->type() == Type::SERVER_STREAMING;
    return one_request ? new NoMessage() : nullptr;
  }
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_NO_MESSAGE_H_
