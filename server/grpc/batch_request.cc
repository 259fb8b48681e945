#include "server/grpc/batch_request.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_reader.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/types.h"
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

// On `arena`; nullptr when `bytes` are not a message of that type.
template <typename Message>
const Message* Parse(grpc::ByteBuffer& bytes, Arena& arena) {
  auto* message = Arena::CreateMessage<Message>(&arena);
  const grpc::Status parsed =
      grpc::SerializationTraits<Message>::Deserialize(&bytes, message);
  return parsed.ok() ? message : nullptr;
}

absl::Status NotAMessage(absl::string_view field) {
  return MakeFieldError(field, "what was sent cannot be parsed");
}

absl::StatusOr<Command> ParseAccountsRequest(grpc::ByteBuffer& bytes) {
  Arena arena;
  const auto* request = Parse<CreateAccountsRequest>(bytes, arena);
  if (request == nullptr) return NotAMessage(kCreateAccounts.events.name);
  return ParseAccounts(request->accounts());
}

absl::StatusOr<Command> ParseTransfersRequest(grpc::ByteBuffer& bytes) {
  Arena arena;
  const auto* request = Parse<CreateTransfersRequest>(bytes, arena);
  if (request == nullptr) return NotAMessage(kCreateTransfers.events.name);
  return ParseTransfers(request->transfers());
}

template <typename Response>
grpc::ByteBuffer Serialize(const Response& response) {
  grpc::ByteBuffer bytes;
  bool is_own = false;
  const grpc::Status serialized =
      grpc::SerializationTraits<Response>::Serialize(response, &bytes, &is_own);
  LEDGERD_CHECK(serialized.ok()) << serialized.error_message();
  return bytes;
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
    .events = {"accounts", CreateAccountsRequest::kAccountsFieldNumber},
    .parse = ParseAccountsRequest,
    .respond = AccountsResponse,
};

const BatchMethod kCreateTransfers = {
    .events = {"transfers", CreateTransfersRequest::kTransfersFieldNumber},
    .parse = ParseTransfersRequest,
    .respond = TransfersResponse,
};

const EventField kStreamedEvents = {
    "transfers", StreamTransfersRequest::kTransfersFieldNumber};

absl::StatusOr<size_t> CountEvents(const grpc::ByteBuffer& request,
                                   const EventField& field) {
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
  // gRPC keeps it until the call has ended, and looks at it no more.
  auto& bytes = const_cast<grpc::ByteBuffer&>(request);
  absl::StatusOr<Command> command = method.parse(bytes);
  bytes.Clear();
  return command;
}

absl::StatusOr<StreamedRequest> ParseStreamed(grpc::ByteBuffer& bytes) {
  Arena arena;
  const auto* request = Parse<StreamTransfersRequest>(bytes, arena);
  bytes.Clear();
  if (request == nullptr) return NotAMessage(kStreamedEvents.name);
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
