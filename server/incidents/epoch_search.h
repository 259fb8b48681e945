// When the epoch after another one began, as a journal says.
//
//   const std::optional<Timestamp> began = BeginOfEpochAfter(journal, epoch);
//
// Shape    Epochs never go back in a journal: its first entry of a higher one,
//          which is found by halving. Nothing when there is none, when it may
//          be older than what is kept, or when an entry cannot be read.
// Threads  As Journal::Read.
#ifndef LEDGERD_SERVER_INCIDENTS_EPOCH_SEARCH_H_
#define LEDGERD_SERVER_INCIDENTS_EPOCH_SEARCH_H_

#include <cstdint>
#include <optional>

#include "proto/types.h"
#include "storage/journal.h"

namespace ledgerd::server {

inline std::optional<Timestamp> BeginOfEpochAfter(
    const storage::Journal& journal, Epoch epoch) {
  if (journal.last().epoch <= epoch || journal.base().epoch > epoch) {
    return std::nullopt;
  }
  uint64_t low = journal.first().value();
  uint64_t high = journal.last().sequence.value();
  std::optional<Timestamp> began;
  while (low <= high) {
    const uint64_t middle = low + (high - low) / 2;
    const auto read = journal.Read(Sequence(middle), /*bytes_max=*/1);
    if (!read.ok() || read->empty()) return std::nullopt;
    if (read->front().epoch() <= epoch) {
      low = middle + 1;
    } else {
      began = read->front().timestamp();
      high = middle - 1;
    }
  }
  return began;
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_EPOCH_SEARCH_H_
