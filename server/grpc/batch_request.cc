#include "server/grpc/batch_request.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/proto_buffer_reader.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/base/status_macros.h"
#include "proto/types.h"
#include "server/grpc/message_bytes.h"
#include "server/request_parsing.h"
#include "server/responses.h"

namespace ledgerd::server {
namespace {

using ::google::protobuf::Arena;
using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;
using ::ledger::v1::CreateAccountsRequest;
using ::ledger::v1::CreateAccountsResponse;
using ::ledger::v1::CreateTransfersRequest;
using ::ledger::v1::CreateTransfersResponse;
using ::ledger::v1::StreamTransfersRequest;
using ::ledger::v1::StreamTransfersResponse;

bool SkipBytes(CodedInputStream& input) {
  uint32_t size = 0;
  return input.ReadVarint32(&size) && input.Skip(static_cast<int>(size));
}

absl::StatusOr<Command> ParseAccountsRequest(const grpc::ByteBuffer& bytes) {
  Arena arena;
  LEDGERD_ASSIGN_OR_RETURN(
      const auto* request,
      Parse<CreateAccountsRequest>(bytes, arena, kCreateAccounts.events.name));
  return ParseAccounts(request->accounts());
}

absl::StatusOr<Command> ParseTransfersRequest(const grpc::ByteBuffer& bytes) {
  Arena arena;
  LEDGERD_ASSIGN_OR_RETURN(const auto* request,
                           Parse<CreateTransfersRequest>(
                               bytes, arena, kCreateTransfers.events.name));
  return ParseTransfers(request->transfers());
}

template <typename Response, typename Results>
Response* Fill(const Results& results, Sequence sequence, Arena& arena) {
  auto* response = Arena::CreateMessage<Response>(&arena);
  AddResults(results, *response->mutable_results());
  response->set_sequence(sequence.value());
  return response;
}

grpc::ByteBuffer AccountsResponse(const EntryResult& result) {
  Arena arena;
  return Serialize(
      *Fill<CreateAccountsResponse>(result.accounts, result.sequence, arena));
}

grpc::ByteBuffer TransfersResponse(const EntryResult& result) {
  Arena arena;
  return Serialize(
      *Fill<CreateTransfersResponse>(result.transfers, result.sequence, arena));
}

}  // namespace

const BatchMethod kCreateAccounts = {
    .method = Method::kCreateAccounts,
    .events = {"accounts", CreateAccountsRequest::kAccountsFieldNumber},
    .parse = ParseAccountsRequest,
    .respond = AccountsResponse,
};

const BatchMethod kCreateTransfers = {
    .method = Method::kCreateTransfers,
    .events = {"transfers", CreateTransfersRequest::kTransfersFieldNumber},
    .parse = ParseTransfersRequest,
    .respond = TransfersResponse,
};

const EventField kStreamedEvents = {
    "transfers", StreamTransfersRequest::kTransfersFieldNumber};

absl::StatusOr<size_t> CountEvents(const grpc::ByteBuffer& request,
                                   const EventField& field) {
  LEDGERD_RETURN_IF_ERROR(CheckSize(request, field.name));
  const uint32_t event_tag = WireFormatLite::MakeTag(
      field.number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  grpc::ByteBuffer bytes(request);  // The same memory.
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok()) return NotAMessage(field.name);
  CodedInputStream input(&reader);
  size_t events = 0;
  while (const uint32_t tag = input.ReadTag()) {
    const bool skipped = tag == event_tag
                             ? SkipBytes(input)
                             : WireFormatLite::SkipField(&input, tag);
    if (!skipped) return NotAMessage(field.name);
    if (tag == event_tag) ++events;
  }
  if (!input.ConsumedEntireMessage()) return NotAMessage(field.name);
  LEDGERD_RETURN_IF_ERROR(CheckEventCount(field.name, events));
  return events;
}

absl::StatusOr<Command> ParseBatch(const grpc::ByteBuffer& request,
                                   const BatchMethod& method) {
  return method.parse(request);
}

absl::StatusOr<StreamedRequest> ParseStreamed(const grpc::ByteBuffer& bytes) {
  Arena arena;
  LEDGERD_ASSIGN_OR_RETURN(
      const auto* request,
      Parse<StreamTransfersRequest>(bytes, arena, kStreamedEvents.name));
  LEDGERD_ASSIGN_OR_RETURN(Command command,
                           ParseTransfers(request->transfers()));
  return StreamedRequest{request->request_id(), std::move(command)};
}

grpc::ByteBuffer RespondStreamed(uint64_t request_id,
                                 const EntryResult& result) {
  Arena arena;
  auto* response =
      Fill<StreamTransfersResponse>(result.transfers, result.sequence, arena);
  response->set_request_id(request_id);
  return Serialize(*response);
}

}  // namespace ledgerd::server
