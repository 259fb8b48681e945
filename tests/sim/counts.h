// Counts of what really happened in a run, each by its name.
//
//   counts.Add("message lost");
#ifndef LEDGERD_TESTS_SIM_COUNTS_H_
#define LEDGERD_TESTS_SIM_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd::sim {

class Counts {
 public:
  void Add(absl::string_view name, uint64_t count = 1) {
    counts_[std::string(name)] += count;
  }

  void Add(const Counts& other) {
    for (const auto& [name, count] : other.counts_) counts_[name] += count;
  }

  uint64_t Of(absl::string_view name) const {
    const auto at = counts_.find(std::string(name));
    return at == counts_.end() ? 0 : at->second;
  }

  const std::map<std::string, uint64_t>& all() const { return counts_; }

 private:
  std::map<std::string, uint64_t> counts_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_COUNTS_H_
