// Checks journal entries as they come: each hash over its bytes, each entry on
// the one before.
//
//   JournalChain chain;
//   LEDGERD_RETURN_IF_ERROR(chain.Check(entry));   // in order
//
// Shape    What is printed beside the bytes (sequence, epoch, ...) must be what
//          the bytes say. The first entry checked may have any sequence; number
//          1 follows nothing: its previous hash is zero.
// Errors   DATA_LOSS, with the sequence and what differs.
#ifndef LEDGERD_CLIENT_LEDGERCTL_JOURNAL_CHAIN_H_
#define LEDGERD_CLIENT_LEDGERCTL_JOURNAL_CHAIN_H_

#include <optional>

#include "absl/status/statusor.h"

#include "admin/v1/admin.pb.h"
#include "proto/entry.h"

namespace ledgerd::client {

class JournalChain {
 public:
  // The entry's own bytes, decoded.
  absl::StatusOr<Entry> Check(const ::admin::v1::JournalEntry& entry);

  // The last entry checked.
  const std::optional<EntryId>& last() const { return last_; }

 private:
  absl::Status CheckPlace(const Entry& entry) const;

  std::optional<EntryId> last_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_JOURNAL_CHAIN_H_
