// Messages as they come from the wire and go there, for methods that are given
// bytes: so a service decides itself what to say of bytes that are no message,
// or too many, where gRPC would give no reason.
//
//   Arena arena;
//   LEDGERD_ASSIGN_OR_RETURN(
//       const auto* request,
//       Parse<LookupAccountsRequest>(bytes, arena, "ids"));
//   ...
//   *response = Serialize(message);
//
// Errors   INVALID_FIELD, with the field that is given.
#ifndef LEDGERD_SERVER_GRPC_MESSAGE_BYTES_H_
#define LEDGERD_SERVER_GRPC_MESSAGE_BYTES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/arena.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::server {

inline absl::Status NotAMessage(absl::string_view field) {
  return MakeFieldError(field, "what was sent cannot be parsed");
}

inline absl::Status CheckSize(const grpc::ByteBuffer& bytes,
                              absl::string_view field) {
  const size_t size = bytes.Length();
  if (size <= kMessageBytesMax) return absl::OkStatus();
  return MakeFieldError(field,
                        absl::StrCat("the message has ", size, " bytes; ",
                                     kMessageBytesMax, " are the most"));
}

// On `arena`. `bytes` are empty after it: gRPC keeps a call's until that has
// ended, and looks at them no more.
template <typename Message>
absl::StatusOr<const Message*> Parse(const grpc::ByteBuffer& bytes,
                                     google::protobuf::Arena& arena,
                                     absl::string_view field) {
  LEDGERD_RETURN_IF_ERROR(CheckSize(bytes, field));
  auto* message = google::protobuf::Arena::CreateMessage<Message>(&arena);
  const grpc::Status parsed = grpc::SerializationTraits<Message>::Deserialize(
      &const_cast<grpc::ByteBuffer&>(bytes), message);
  if (!parsed.ok()) return NotAMessage(field);
  return message;
}

template <typename Message>
grpc::ByteBuffer Serialize(const Message& message) {
  grpc::ByteBuffer bytes;
  bool is_own = false;
  const grpc::Status serialized =
      grpc::SerializationTraits<Message>::Serialize(message, &bytes, &is_own);
  LEDGERD_CHECK(serialized.ok()) << serialized.error_message();
  return bytes;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_MESSAGE_BYTES_H_
