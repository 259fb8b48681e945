// Messages between replicas as bytes of proto/replication/v1, and back.
//
//   EncodedMessage sent = Encode(std::move(message));
//   Write(sent.head);
//   for (const Entry& entry : sent.entries) {
//     Write(EntryFieldHead(entry));
//     Write(entry.bytes());              // not copied: the journal's own bytes
//   }
//   ...
//   absl::StatusOr<Message> received = Decode(std::move(request));
//
// Shape    What is written above is one ConnectRequest: protobuf lets fields be
//          concatenated, so the entries need no encoding of their own. They are
//          what a Command was packed into, sealed and journalled as it is.
// Errors   INVALID_ARGUMENT  the peer's bytes are no message: a body of an
//                            unknown kind or none, a number or a list out of
//                            bounds, a hash that is none, an entry whose
//                            checksum or size does not hold, or entries where
//                            none belong. The message says which.
// Threads  Safe from any thread: functions of their arguments.
#ifndef LEDGERD_REPLICATION_WIRE_H_
#define LEDGERD_REPLICATION_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/membership.h"
#include "replication/core/message.h"
#include "replication/v1/messages.pb.h"

namespace ledgerd::replication {

// What two replicas must have in common to speak with each other.
inline constexpr uint32_t kWireVersion = 1;

// One message at most, whatever it is.
inline constexpr size_t kWireMessageBytesMax = size_t{64} << 20;

// Of one message.
inline constexpr size_t kWireEntriesMax = 65'536;
inline constexpr int kWireDamagedMax = 1 << 20;

struct EncodedMessage {
  // A ConnectRequest without its entries.
  std::string head;
  std::vector<Entry> entries;
};

EncodedMessage Encode(Message message);

// The field's key and length, which go before an entry's bytes.
std::string EntryFieldHead(const Entry& entry);

// All of it in one piece, for whoever cannot take several.
std::string Join(const EncodedMessage& message);

// Takes the entries' bytes out of `request`.
absl::StatusOr<Message> Decode(::replication::v1::ConnectRequest request);

// Parts that other messages have, too.
void ToProto(const EntryId& id, ::replication::v1::EntryId& proto);
absl::StatusOr<EntryId> FromProto(const ::replication::v1::EntryId& proto);
void ToProto(const Membership& membership,
             ::replication::v1::Membership& proto);
absl::StatusOr<Membership> FromProto(
    const ::replication::v1::Membership& proto);

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_WIRE_H_
