// What all calls of a service have in common: the group that serves them, the
// thread that answers them, and their limits.
#ifndef LEDGERD_SERVER_GRPC_CALL_CONTEXT_H_
#define LEDGERD_SERVER_GRPC_CALL_CONTEXT_H_

#include <chrono>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

#include "ledger/v1/ledger.pb.h"
#include "replication/clock.h"
#include "replication/replica_handle.h"
#include "server/answer_thread.h"
#include "server/served_group.h"

namespace ledgerd::server {

struct ServiceLimits {
  // For calls that carry no deadline.
  std::chrono::milliseconds default_deadline{10'000};
  // Of one stream: requests that are taken and not answered yet.
  size_t stream_window = 64;
  // What answers may take until their clients have taken them.
  size_t answer_bytes = size_t{512} << 20;
};

struct CallContext {
  ServedGroup& group;
  AnswerThread& answers;
  ServiceLimits limits;
  // What a read that goes on looks at to see its deadline pass.
  const replication::Clock& clock;
};

// Where the primary is, as far as this replica knows.
ledger::v1::PrimaryHint HintOf(const ServedGroup& group);

// `status` as the group's clients see it.
grpc::Status Wire(const ServedGroup& group, const absl::Status& status);

// A call's deadline on the steady clock; nothing when it has none.
std::optional<replication::Deadline> DeadlineOf(
    std::chrono::system_clock::time_point deadline);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_CALL_CONTEXT_H_
