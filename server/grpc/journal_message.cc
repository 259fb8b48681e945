#include "server/grpc/journal_message.h"

#include <string>

#include "server/responses.h"

namespace ledgerd::server {
namespace {

std::string ToBytes(const Hash256& hash) { return std::string(AsBytes(hash)); }

}  // namespace

void HeaderToMessage(const Entry& entry, admin::v1::JournalEntry& message) {
  message.set_sequence(entry.sequence().value());
  message.set_epoch(entry.epoch().value());
  message.set_timestamp(entry.timestamp().value());
  message.set_previous_hash(ToBytes(entry.previous_hash()));
  message.set_hash(ToBytes(entry.hash()));
  message.set_operation(std::string(Name(entry.kind())));
}

void ToMessage(const Entry& entry, admin::v1::JournalEntry& message) {
  HeaderToMessage(entry, message);
  message.set_request(SerializeRequest(entry));
  message.set_raw(std::string(entry.bytes()));
}

}  // namespace ledgerd::server
