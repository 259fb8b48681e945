#include "server/grpc/batch_request.h"

#include <cstdint>

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

constexpr int kEventField = 1;
static_assert(int{CreateAccountsRequest::kAccountsFieldNumber} == kEventField);
static_assert(int{CreateTransfersRequest::kTransfersFieldNumber} ==
              kEventField);
constexpr uint32_t kEventTag = WireFormatLite::MakeTag(
    kEventField, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

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
  if (request == nullptr) return NotAMessage(kCreateAccounts.field);
  return ParseAccounts(request->accounts());
}

absl::StatusOr<Command> ParseTransfersRequest(grpc::ByteBuffer& bytes) {
  Arena arena;
  const auto* request = Parse<CreateTransfersRequest>(bytes, arena);
  if (request == nullptr) return NotAMessage(kCreateTransfers.field);
  return ParseTransfers(request->transfers());
}

template <typename Response, typename Results>
grpc::ByteBuffer Serialize(const Results& results, Sequence sequence) {
  Arena arena;
  auto* response = Arena::CreateMessage<Response>(&arena);
  AddResults(results, *response->mutable_results());
  response->set_sequence(sequence.value());
  grpc::ByteBuffer bytes;
  bool is_own = false;
  const grpc::Status serialized =
      grpc::SerializationTraits<Response>::Serialize(*response, &bytes,
                                                     &is_own);
  LEDGERD_CHECK(serialized.ok()) << serialized.error_message();
  return bytes;
}

grpc::ByteBuffer AccountsResponse(const EntryResult& result) {
  return Serialize<CreateAccountsResponse>(result.accounts, result.sequence);
}

grpc::ByteBuffer TransfersResponse(const EntryResult& result) {
  return Serialize<CreateTransfersResponse>(result.transfers, result.sequence);
}

}  // namespace

const BatchMethod kCreateAccounts = {
    .field = "accounts",
    .parse = ParseAccountsRequest,
    .respond = AccountsResponse,
};

const BatchMethod kCreateTransfers = {
    .field = "transfers",
    .parse = ParseTransfersRequest,
    .respond = TransfersResponse,
};

absl::StatusOr<size_t> CountEvents(const grpc::ByteBuffer& request,
                                   const BatchMethod& method) {
  grpc::ByteBuffer bytes(request);  // The same memory.
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok()) return NotAMessage(method.field);
  CodedInputStream input(&reader);
  size_t events = 0;
  while (const uint32_t tag = input.ReadTag()) {
    const bool skipped = tag == kEventTag
                             ? SkipBytes(input)
                             : WireFormatLite::SkipField(&input, tag);
    if (!skipped) return NotAMessage(method.field);
    if (tag == kEventTag) ++events;
  }
  if (!input.ConsumedEntireMessage()) return NotAMessage(method.field);
  LEDGERD_RETURN_IF_ERROR(CheckEventCount(method.field, events));
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

}  // namespace ledgerd::server
