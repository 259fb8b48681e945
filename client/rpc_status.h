// What a failed call says, read from google.rpc's details.
//
//   const RpcError error = FromGrpc(status);
//   if (ReasonOf(error.status) == Reason::kNotPrimary)
//   Ask(error.primary_address);
#ifndef LEDGERD_CLIENT_RPC_STATUS_H_
#define LEDGERD_CLIENT_RPC_STATUS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

#include "proto/errors.h"

namespace ledgerd::client {

struct RpcError {
  // With its Reason, and its field for INVALID_FIELD; without a reason when it
  // comes from the transport.
  absl::Status status;
  // From RetryInfo: ask again no earlier.
  std::optional<std::chrono::milliseconds> retry_delay;
  // From PrimaryHint; empty when not told.
  std::string primary_address;
  // Where that one's operators connect.
  std::string primary_admin_address;
  // In which it is primary; 0 when not told.
  uint64_t primary_epoch = 0;
};

RpcError FromGrpc(const grpc::Status& status);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_RPC_STATUS_H_
