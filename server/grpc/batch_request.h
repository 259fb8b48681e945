// A request of many events as it came from the wire: counted before it is
// parsed, so that what will be refused costs no parse, nor the memory of one.
//
//   LEDGERD_ASSIGN_OR_RETURN(size_t events,
//                            CountEvents(bytes, kCreateTransfers.events));
//   ... refuse, or take what it needs ...
//   auto command = ParseBatch(bytes, kCreateTransfers);
//   ... execute ...
//   *response = kCreateTransfers.respond(result);
//
// Shape    Requests with one field of events. The others are skipped, and so
//          are unknown ones, as protobuf does it.
// Memory   A parsed request takes three times its bytes. Neither is kept once
//          its rows are packed.
#ifndef LEDGERD_SERVER_GRPC_BATCH_REQUEST_H_
#define LEDGERD_SERVER_GRPC_BATCH_REQUEST_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"

#include "proto/entry.h"
#include "proto/results.h"
#include "server/request_counts.h"

namespace ledgerd::server {

// Where a request has its events.
struct EventField {
  const char* name;
  int number;
};

struct BatchMethod {
  Method method;
  EventField events;
  absl::StatusOr<Command> (*parse)(const grpc::ByteBuffer& request);
  grpc::ByteBuffer (*respond)(const EntryResult& result);
};

extern const BatchMethod kCreateAccounts;
extern const BatchMethod kCreateTransfers;

// Of StreamTransfers.
extern const EventField kStreamedEvents;

struct StreamedRequest {
  uint64_t request_id = 0;
  Command command;
};

// Between 1 and kMaxBatchSize. Errors: INVALID_FIELD.
absl::StatusOr<size_t> CountEvents(const grpc::ByteBuffer& request,
                                   const EventField& field);

// Errors: INVALID_FIELD. `request` is empty after it.
absl::StatusOr<Command> ParseBatch(const grpc::ByteBuffer& request,
                                   const BatchMethod& method);

// Errors: INVALID_FIELD. `bytes` are empty after it.
absl::StatusOr<StreamedRequest> ParseStreamed(const grpc::ByteBuffer& bytes);

// The answer to it.
grpc::ByteBuffer RespondStreamed(uint64_t request_id,
                                 const EntryResult& result);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_BATCH_REQUEST_H_
