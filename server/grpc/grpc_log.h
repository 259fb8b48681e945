// gRPC's own log lines, written as ours are.
//
//   RouteGrpcLog(&logger);    // before the first server
//   ...
//   RouteGrpcLog(nullptr);    // before the logger goes: dropped from here on
//
// Shape    gRPC's errors are our warnings: mostly they speak of what a client
//          has sent. How much gRPC says is GRPC_VERBOSITY's, as everywhere.
//          Ten lines in ten seconds at most: clients can cause them at will.
// Threads  Any. There is one log of gRPC in a process.
#ifndef LEDGERD_SERVER_GRPC_GRPC_LOG_H_
#define LEDGERD_SERVER_GRPC_GRPC_LOG_H_

#include "server/logging.h"

namespace ledgerd::server {

void RouteGrpcLog(Logger* logger);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_GRPC_LOG_H_
