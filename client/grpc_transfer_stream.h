// The TransferStream over gRPC.
//
//   auto stream = MakeGrpcTransferStream(endpoints, {.window = 8});
#ifndef LEDGERD_CLIENT_GRPC_TRANSFER_STREAM_H_
#define LEDGERD_CLIENT_GRPC_TRANSFER_STREAM_H_

#include <memory>

#include "client/endpoints.h"
#include "client/transfer_stream.h"

namespace ledgerd::client {

std::unique_ptr<TransferStream> MakeGrpcTransferStream(Endpoints& endpoints,
                                                       StreamOptions options);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_GRPC_TRANSFER_STREAM_H_
