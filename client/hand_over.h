// What one thread gives to a thread of gRPC's, as ThreadSanitizer must see it.
//
//   std::function<void(grpc::Status)> done =
//       [call = HandedOver(shared_from_this())](const grpc::Status& status) {
//         call.Take()->Finish(status);
//       };
//
// A call-back is copied on its way into gRPC, and it cannot name its call
// before it has read what it captured. So each copy releases, on one mark for
// all calls, what its thread has written so far, and Take() acquires it.
// Without ThreadSanitizer this is just the value.
#ifndef LEDGERD_CLIENT_HAND_OVER_H_
#define LEDGERD_CLIENT_HAND_OVER_H_

#include <utility>

#include "proto/base/happens_before.h"

namespace ledgerd::client {

inline const char kGrpcHandOver = 0;

inline void HandOverToGrpc() { LEDGERD_RELEASE(&kGrpcHandOver); }

inline void TakeOverFromGrpc() { LEDGERD_ACQUIRE(&kGrpcHandOver); }

template <typename T>
class HandedOver {
 public:
  explicit HandedOver(T value) : value_(std::move(value)) { HandOverToGrpc(); }

  HandedOver(const HandedOver& other) : value_(other.value_) {
    HandOverToGrpc();
  }

  HandedOver& operator=(const HandedOver&) = delete;
  ~HandedOver() = default;

  const T& Take() const {
    TakeOverFromGrpc();
    return value_;
  }

 private:
  T value_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_HAND_OVER_H_
