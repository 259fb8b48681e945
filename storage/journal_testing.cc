#include "storage/journal_testing.h"

#include <utility>

namespace ledgerd::storage {
namespace {

Entry MakeEntry(size_t rows, uint64_t variant, const EntryId& at) {
  const uint64_t sequence = at.sequence.value() + 1;
  const Epoch epoch(at.epoch.value() == 0 ? 1 : at.epoch.value());
  const Timestamp timestamp(sequence * 100'000 + variant);
  Command command;
  if (rows > 0) {
    std::vector<Transfer> transfers(rows);
    for (size_t i = 0; i < rows; ++i) {
      transfers[i].id = TransferId(MakeUint128(sequence, i + 1));
      transfers[i].amount = Amount(sequence + variant);
      transfers[i].ledger = 1;
      transfers[i].code = 1;
    }
    command = MakeCommand<Transfer>(EntryKind::kCreateTransfers, transfers);
  }
  return Entry::Seal(std::move(command), epoch, timestamp, at);
}

}  // namespace

std::vector<Entry> MakeEntries(size_t count, size_t rows, EntryId& at,
                               uint64_t variant) {
  std::vector<Entry> entries;
  for (size_t i = 0; i < count; ++i) {
    entries.push_back(MakeEntry(rows, variant, at));
    at = entries.back().id();
  }
  return entries;
}

JournalIdentity TestIdentity() {
  return {.cluster = ClusterId(0xC1),
          .replica = ReplicaId(1),
          .incarnation = 1,
          .salt = FrameSalt(0x5A17)};
}

}  // namespace ledgerd::storage
