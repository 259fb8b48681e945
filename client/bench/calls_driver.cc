#include <latch>
#include <memory>
#include <utility>
#include <vector>

#include "google/protobuf/arena.h"
#include "grpcpp/alarm.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

#include "client/bench/drivers.h"
#include "client/rpc_status.h"
#include "client/wire.h"
#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/system_limits.h"

namespace ledgerd::bench {
namespace {

using ::ledger::v1::CreateTransfersRequest;
using ::ledger::v1::CreateTransfersResponse;
using ::ledger::v1::GetServerInfoRequest;
using ::ledger::v1::GetServerInfoResponse;
using ::ledger::v1::LedgerService;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

uint64_t CountCreated(const CreateTransfersResponse& response) {
  uint64_t created = 0;
  for (const auto& result : response.results()) {
    created +=
        result.status() == ::ledger::v1::CREATE_TRANSFER_STATUS_CREATED ? 1 : 0;
  }
  return created;
}

// CreateTransfers with what a request has.
class CreateMethod {
 public:
  explicit CreateMethod(const Workload& workload) : workload_(workload) {}

  template <typename Done>
  void Start(LedgerService::Stub& stub, grpc::ClientContext& context,
             const Request& request, Done done) {
    arena_.Reset();
    auto* message = Arena::CreateMessage<CreateTransfersRequest>(&arena_);
    response_ = Arena::CreateMessage<CreateTransfersResponse>(&arena_);
    message->mutable_transfers()->Reserve(static_cast<int>(request.count));
    for (uint64_t i = 0; i < request.count; ++i) {
      client::ToWire(workload_.Get(request.first + i),
                     message->add_transfers());
    }
    stub.async()->CreateTransfers(&context, message, response_,
                                  std::move(done));
  }

  uint64_t created() const { return CountCreated(*response_); }

 private:
  using Arena = google::protobuf::Arena;

  const Workload& workload_;
  Arena arena_;
  CreateTransfersResponse* response_ = nullptr;
};

// A call that does no work: what is left is gRPC and the kernel.
class PingMethod {
 public:
  explicit PingMethod(const Workload& /*workload*/) {}

  template <typename Done>
  void Start(LedgerService::Stub& stub, grpc::ClientContext& context,
             const Request& /*request*/, Done done) {
    stub.async()->GetServerInfo(&context, &message_, &response_,
                                std::move(done));
  }

  static uint64_t created() { return 1; }

 private:
  GetServerInfoRequest message_;
  GetServerInfoResponse response_;
};

template <typename Method>
class CallLane {
 public:
  CallLane(const Target& target, const std::shared_ptr<grpc::Channel>& channel,
           Run& run, std::latch& done)
      : target_(target),
        stub_(LedgerService::NewStub(channel)),
        lane_(run),
        done_(done),
        method_(run.source.workload()) {}

  // From its own call-backs on, until the source is empty.
  void Send() {
    const auto request = lane_.Next();
    if (!request.has_value()) return done_.count_down();
    request_ = *request;
    if (request_.due <= Clock::now()) return Call();
    const auto wait = request_.due - Clock::now();
    alarm_.Set(std::chrono::system_clock::now() +
                   std::chrono::duration_cast<std::chrono::microseconds>(wait),
               [this](bool) { Call(); });
  }

  const LaneCounts& counts() const { return lane_.counts(); }

 private:
  void Call() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + target_.timeout);
    method_.Start(*stub_, *context_, request_,
                  [this](grpc::Status status) { Answered(status); });
  }

  void Answered(const grpc::Status& status) {
    if (status.ok()) {
      lane_.Executed(method_.created());
    } else {
      lane_.NotExecuted(client::FromGrpc(status).status);
    }
    Send();
  }

  const Target& target_;
  const std::unique_ptr<LedgerService::Stub> stub_;
  Lane lane_;
  std::latch& done_;
  Method method_;
  grpc::Alarm alarm_;
  Request request_;
  std::unique_ptr<grpc::ClientContext> context_;
};

template <typename Method>
LaneCounts Drive(const Target& target, Run& run) {
  using MethodLane = CallLane<Method>;
  std::latch done(ptrdiff_t{target.clients} * target.in_flight);
  std::vector<std::unique_ptr<MethodLane>> lanes;
  for (int client = 0; client < target.clients; ++client) {
    const auto channel = Connect(target.address);
    for (int i = 0; i < target.in_flight; ++i) {
      lanes.push_back(std::make_unique<MethodLane>(target, channel, run, done));
    }
  }
  for (const auto& lane : lanes) lane->Send();
  done.wait();
  LaneCounts counts;
  for (const auto& lane : lanes) counts.Add(lane->counts());
  return counts;
}

}  // namespace

LaneCounts DriveCalls(const Target& target, Run& run) {
  return Drive<CreateMethod>(target, run);
}

LaneCounts DrivePings(const Target& target, Run& run) {
  return Drive<PingMethod>(target, run);
}

}  // namespace ledgerd::bench
