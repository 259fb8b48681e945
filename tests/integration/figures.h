// Figures are what a run has measured, beside what is wanted of them. A test
// does not fail by them: how long something takes is also the machine's. They
// are printed, and tests/long.sh makes one table of those of all long tests.
//
//   Figures figures("kill -9 of the primary");
//   figures.Add("kills", 100);
//   figures.AddAtMost("ms without a write, p50", 62, 300);
//
// Shape    Each is a line on stdout at once: "figure | of what | which | how
//          much | wanted | yes |". The last is "no" where it is missed, and
//          empty where nothing is wanted.
#ifndef LEDGERD_TESTS_INTEGRATION_FIGURES_H_
#define LEDGERD_TESTS_INTEGRATION_FIGURES_H_

#include <cstdint>
#include <string>
#include <utility>

namespace ledgerd::integration {

class Figures {
 public:
  // `of` has no "|" in it, nor have names.
  explicit Figures(std::string of) : of_(std::move(of)) {}

  void Add(const std::string& name, int64_t value) const;
  void AddAtMost(const std::string& name, int64_t value, int64_t wanted) const;

 private:
  const std::string of_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_FIGURES_H_
