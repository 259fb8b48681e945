// An ArenaAllocator gives each unary call an arena for its request and its
// response: a batch is a few large allocations, not 50,000 small ones.
//
//   ArenaAllocator<CreateTransfersRequest, CreateTransfersResponse> allocator;
//   service.SetMessageAllocatorFor_CreateTransfers(&allocator);
//
// Threads  Safe from any thread. Outlives the server.
#ifndef LEDGERD_SERVER_GRPC_ARENA_ALLOCATOR_H_
#define LEDGERD_SERVER_GRPC_ARENA_ALLOCATOR_H_

#include "google/protobuf/arena.h"
#include "grpcpp/support/message_allocator.h"

namespace ledgerd::server {

template <typename Request, typename Response>
class ArenaAllocator final : public grpc::MessageAllocator<Request, Response> {
 public:
  grpc::MessageHolder<Request, Response>* AllocateMessages() override {
    return new Holder();
  }

 private:
  class Holder final : public grpc::MessageHolder<Request, Response> {
   public:
    Holder() {
      using google::protobuf::Arena;
      this->set_request(Arena::CreateMessage<Request>(&arena_));
      this->set_response(Arena::CreateMessage<Response>(&arena_));
    }

    void Release() override { delete this; }

   private:
    google::protobuf::Arena arena_;
  };
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_ARENA_ALLOCATOR_H_
