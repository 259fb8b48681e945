// A call of any method with any bytes, for what no stub would send.
//
//   for (const RawMethod& method : AllMethods(address, admin_address)) {
//     const WireError error = Call(method, bytes);
//   }
//
// Shape    Every method of both services, as their descriptors list them: one
//          that is added later is tried too.
// Threads  One thread.
#ifndef LEDGERD_TESTS_INTEGRATION_RAW_CALL_H_
#define LEDGERD_TESTS_INTEGRATION_RAW_CALL_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"

#include "admin/v1/admin.pb.h"
#include "ledger/v1/ledger.pb.h"
#include "tests/integration/raw_client.h"

namespace ledgerd::integration {

struct RawMethod {
  // "/ledger.v1.LedgerService/GetServerInfo".
  std::string path;
  std::shared_ptr<grpc::Channel> channel;
};

// Those of the client port at `client`, and of the operators' at `admin`, if
// any.
inline std::vector<RawMethod> AllMethods(const std::string& client,
                                         const std::string& admin) {
  std::vector<RawMethod> methods;
  const auto add = [&methods](const google::protobuf::FileDescriptor* file,
                              const std::string& address) {
    const auto channel =
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      methods.push_back(
          {"/" + service->full_name() + "/" + service->method(i)->name(),
           channel});
    }
  };
  add(::ledger::v1::Transfer::descriptor()->file(), client);
  if (admin.empty()) return methods;
  add(::admin::v1::GetStatusRequest::descriptor()->file(), admin);
  return methods;
}

// Sends `bytes` as the one message of a call, and tells how that ends. Answers
// are thrown away.
inline WireError Call(
    const RawMethod& method, const std::string& bytes,
    grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::minutes(1));
  context.set_compression_algorithm(compression);
  grpc::CompletionQueue queue;
  const auto succeeds = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  grpc::GenericStub stub(method.channel);
  const auto call = stub.PrepareCall(&context, method.path, &queue);
  call->StartCall(nullptr);
  succeeds();
  const grpc::Slice slice(bytes);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  succeeds();
  grpc::ByteBuffer answer;
  do {
    call->Read(&answer, nullptr);
  } while (succeeds());
  grpc::Status status;
  call->Finish(&status, nullptr);
  succeeds();
  queue.Shutdown();
  return ReadError(status);
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_RAW_CALL_H_
