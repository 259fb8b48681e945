// All that a ledger answers, reading by reading, as bytes to compare.
//
//   const Readings right = ReadEverything(**ledger, ids);
//   for (const auto& [name, answer] : ReadEverything(**damaged, ids)) ...
//
// Shape    Look-ups by id, every query by every value of the objects in both
//          directions and in pages, transfers and balances of every account,
//          events from every sequence on, ids that are kept as failed, and last
//          the recomputation of the whole state. An error ends one reading; the
//          next one is done all the same.
#ifndef LEDGERD_TESTS_CRASH_FULL_READING_H_
#define LEDGERD_TESTS_CRASH_FULL_READING_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/types.h"
#include "tests/integration/ledger_text.h"
#include "tests/integration/offline_ledger.h"

namespace ledgerd::crash {

using Readings = std::map<std::string, absl::StatusOr<std::string>>;

struct KnownIds {
  integration::LedgerIds ids;
  std::vector<TransferId> failed;
};

KnownIds KnownIdsIn(const std::string& text);

// Requires: nothing of the ledger has changed since it was opened.
Readings ReadEverything(integration::OfflineLedger& ledger,
                        const KnownIds& known);

}  // namespace ledgerd::crash

#endif  // LEDGERD_TESTS_CRASH_FULL_READING_H_
