#include "replication/core/invariants.h"

namespace ledgerd::replication {

ProtocolView ViewOf(const Protocol& protocol) {
  return {protocol.epoch(), protocol.last(), protocol.last_timestamp(),
          protocol.commit(), protocol.is_primary()};
}

std::string Violation(const ProtocolView& before, const ProtocolView& after) {
  // The promise never goes back.
  if (after.epoch < before.epoch) return "the promise went back";
  // The commit point never goes back.
  if (after.commit < before.commit) return "the commit point went back";
  // Nothing is committed that is not in the journal.
  if (after.commit > after.last.sequence) {
    return "the commit point is past the journal's end";
  }
  // A primary never rewrites its own entries: its journal only grows.
  if (before.primary && after.last.sequence < before.last.sequence) {
    return "a primary's journal shrank";
  }
  if (after.last.sequence == before.last.sequence &&
      !(after.last == before.last)) {
    return "an entry changed in place";
  }
  // Timestamps increase with the entries.
  if (after.last.sequence > before.last.sequence &&
      after.last_timestamp <= before.last_timestamp) {
    return "timestamps did not increase";
  }
  // A primary's last entry is of its own epoch.
  if (after.primary && after.last.epoch != after.epoch) {
    return "a primary's last entry is of another epoch";
  }
  return "";
}

}  // namespace ledgerd::replication
