// Where and when an epoch began, as a journal says.
//
//   const std::optional<EpochBegin> next = BeginOfEpochAfter(journal, epoch);
//   const std::optional<Sequence> end = EndBefore(journal, epoch);
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

// The first entry of an epoch.
struct EpochBegin {
  Sequence sequence;
  Timestamp at;
};

inline std::optional<EpochBegin> BeginOfEpochAfter(
    const storage::Journal& journal, Epoch epoch) {
  if (journal.last().epoch <= epoch || journal.base().epoch > epoch) {
    return std::nullopt;
  }
  uint64_t low = journal.first().value();
  uint64_t high = journal.last().sequence.value();
  std::optional<EpochBegin> began;
  while (low <= high) {
    const uint64_t middle = low + (high - low) / 2;
    const auto read = journal.Read(Sequence(middle), /*bytes_max=*/1);
    if (!read.ok() || read->empty()) return std::nullopt;
    if (read->front().epoch() <= epoch) {
      low = middle + 1;
    } else {
      began = EpochBegin{.sequence = Sequence(middle),
                         .at = read->front().timestamp()};
      high = middle - 1;
    }
  }
  return began;
}

// The last entry before those of `epoch` and above. Requires: it is no 0.
inline std::optional<Sequence> EndBefore(const storage::Journal& journal,
                                         Epoch epoch) {
  const auto begin = BeginOfEpochAfter(journal, Epoch(epoch.value() - 1));
  if (!begin.has_value()) return std::nullopt;
  return Sequence(begin->sequence.value() - 1);
}

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_EPOCH_SEARCH_H_
