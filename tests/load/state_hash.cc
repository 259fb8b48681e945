// state_hash opens data directories whose daemons have ended and says what
// their states are, each recomputed from its disk: a line for each.
//
//   state_hash DATA_DIR...
//
// Errors  Ends with 1 when one cannot be opened, or is not what its own hash
//         says, or when they differ.
#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

#include "proto/base/uint128.h"
#include "proto/entry.h"
#include "tests/integration/offline_ledger.h"

namespace ledgerd {
namespace {

using integration::OfflineLedger;

struct State {
  EntryId last;
  Uint128 hash = 0;

  friend bool operator==(const State&, const State&) = default;
};

std::optional<State> Read(const std::string& path) {
  const auto ledger = OfflineLedger::Open(path);
  absl::Status status = ledger.status();
  if (status.ok()) status = (*ledger)->VerifyAll();
  if (!status.ok()) {
    std::cerr << "state_hash: " << path << ": " << status << "\n";
    return std::nullopt;
  }
  return State{(*ledger)->last(), (*ledger)->state_hash()};
}

int Main(const std::vector<std::string>& paths) {
  std::vector<State> states;
  for (const std::string& path : paths) {
    const auto state = Read(path);
    if (!state.has_value()) return 1;
    std::cout << path << " sequence=" << state->last.sequence << " state_hash="
              << absl::StrFormat("%016x%016x", High(state->hash),
                                 Low(state->hash))
              << "\n";
    states.push_back(*state);
  }
  const bool equal = std::adjacent_find(states.begin(), states.end(),
                                        std::not_equal_to<>()) == states.end();
  if (!equal) std::cerr << "state_hash: they differ\n";
  return equal ? 0 : 1;
}

}  // namespace
}  // namespace ledgerd

int main(int argc, char** argv) {
  return ledgerd::Main(std::vector<std::string>(argv + 1, argv + argc));
}
