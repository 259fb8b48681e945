// Reads a Journal for another replica.
//
//   const PeerRead read = ReadFor(request, journal);   // then Step(read.found)
//
// Errors   What the journal does not have, or cannot read, is not among what
//          was found; no entries mean that it does not reach back so far. Why
//          it was not read is beside it, as Journal::Read says it: DATA_LOSS
//          for damage, OUT_OF_RANGE for what is not in it.
// Threads  As Journal::Read: any.
#ifndef LEDGERD_REPLICATION_JOURNAL_READ_H_
#define LEDGERD_REPLICATION_JOURNAL_READ_H_

#include "absl/status/status.h"

#include "replication/core/event.h"
#include "replication/core/update.h"
#include "storage/journal.h"

namespace ledgerd::replication {

struct PeerRead {
  EntriesRead found;
  absl::Status error;
};

PeerRead ReadFor(const JournalRead& read, const storage::Journal& journal);

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_JOURNAL_READ_H_
