// Entries as operators see them.
//
//   ToMessage(entry, *response.mutable_entry());
#ifndef LEDGERD_SERVER_GRPC_JOURNAL_MESSAGE_H_
#define LEDGERD_SERVER_GRPC_JOURNAL_MESSAGE_H_

#include "admin/v1/admin.pb.h"
#include "proto/entry.h"

namespace ledgerd::server {

// All but its bytes: `request` and `raw`.
void HeaderToMessage(const Entry& entry, admin::v1::JournalEntry& message);

void ToMessage(const Entry& entry, admin::v1::JournalEntry& message);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_JOURNAL_MESSAGE_H_
