// Reads a Journal for another replica.
//
//   EntriesRead read = ReadFor(request, journal);   // then Step(read)
//
// Errors   None: what the journal does not have, or cannot read, is not in the
//          answer; no entries mean that it does not reach back so far.
// Threads  As Journal::Read: any.
#ifndef LEDGERD_REPLICATION_JOURNAL_READ_H_
#define LEDGERD_REPLICATION_JOURNAL_READ_H_

#include "replication/core/event.h"
#include "replication/core/update.h"
#include "storage/journal.h"

namespace ledgerd::replication {

EntriesRead ReadFor(const JournalRead& read, const storage::Journal& journal);

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_JOURNAL_READ_H_
