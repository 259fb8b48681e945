// Says in the log what operators ask of a group: who, what and why, and what
// came of it.
//
//   const absl::Status done = LogRequest(
//       logger, {.call = "RemoveReplica", .who = peer, .what = "replica 3"},
//       [&] { return Remove(...); });
//
//   info    operator asks call=RemoveReplica who=ipv4:10.0.0.9:4711
//           what="replica 3" why=""                                 (one line)
//   info    operator's request ended call=... who=... outcome=done
//
// Shape    Two lines, since one may take a while, or end with the process. An
//          outcome that is an error is a warning.
#ifndef LEDGERD_SERVER_GRPC_OPERATOR_LOG_H_
#define LEDGERD_SERVER_GRPC_OPERATOR_LOG_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"

#include "server/logging.h"

namespace ledgerd::server {

struct OperatorRequestWords {
  std::string call;
  // The other end of the connection, as gRPC names it.
  std::string who;
  std::string what;
  // In the operator's own words; what is above kWhyBytesMax is left out.
  std::string why;
};

inline constexpr size_t kWhyBytesMax = 1'000;

// Runs `act`, and returns what it does.
absl::Status LogRequest(Logger& logger, const OperatorRequestWords& words,
                        const std::function<absl::Status()>& act);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_OPERATOR_LOG_H_
