// Counts of what really happened in a run, each by its name.
//
//   counts.Add("message lost");
#ifndef LEDGERD_TESTS_SIM_COUNTS_H_
#define LEDGERD_TESTS_SIM_COUNTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd::sim {

class Counts {
 public:
  void Add(absl::string_view name, uint64_t count = 1) {
    const auto at = counts_.find(name);
    if (at != counts_.end()) {
      at->second += count;
    } else {
      counts_.emplace(name, count);
    }
  }

  void Add(const Counts& other) {
    for (const auto& [name, count] : other.counts_) Add(name, count);
  }

  uint64_t Of(absl::string_view name) const {
    const auto at = counts_.find(name);
    return at == counts_.end() ? 0 : at->second;
  }

  // Looked up without a copy of the name.
  using Map = std::map<std::string, uint64_t, std::less<>>;

  const Map& all() const { return counts_; }

 private:
  Map counts_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_COUNTS_H_
