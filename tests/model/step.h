// A Step is an entry that is not sealed yet: what a failing run is made of, and
// what can be made smaller.
//
//   Step step{.kind = EntryKind::kCreateTransfers, .timestamp = now};
//   step.transfers.push_back(transfer);
//   const Entry entry = Seal(step, previous);
#ifndef LEDGERD_TESTS_MODEL_STEP_H_
#define LEDGERD_TESTS_MODEL_STEP_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/span.h"

#include "proto/entry.h"
#include "proto/incident.h"
#include "proto/types.h"

namespace ledgerd::model {

struct Step {
  EntryKind kind = EntryKind::kEpochStart;
  Epoch epoch{1};
  // The entry's final timestamp.
  Timestamp timestamp;
  std::vector<Account> accounts;
  std::vector<Transfer> transfers;
  std::vector<Incident> incidents;

  size_t event_count() const { return accounts.size() + transfers.size(); }
};

inline Entry Seal(const Step& step, const EntryId& previous) {
  Command command;
  if (step.kind == EntryKind::kCreateAccounts) {
    command = MakeCommand<Account>(step.kind, step.accounts);
  } else if (step.kind == EntryKind::kCreateTransfers) {
    command = MakeCommand<Transfer>(step.kind, step.transfers);
  } else if (step.kind == EntryKind::kExpireTransfers) {
    command = MakeExpireCommand();
  } else if (step.kind == EntryKind::kIncidents) {
    command = MakeIncidentsCommand(step.incidents);
  }
  return Entry::Seal(std::move(command), step.epoch, step.timestamp, previous);
}

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_STEP_H_
