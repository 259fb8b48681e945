#include "tests/integration/figures.h"

#include <iostream>

namespace ledgerd::integration {

void Figures::Add(const std::string& name, int64_t value) const {
  std::cout << "figure | " << of_ << " | " << name << " | " << value
            << " | | |\n";
}

void Figures::AddAtMost(const std::string& name, int64_t value,
                        int64_t wanted) const {
  std::cout << "figure | " << of_ << " | " << name << " | " << value
            << " | <= " << wanted << " | " << (value <= wanted ? "yes" : "no")
            << " |\n";
}

}  // namespace ledgerd::integration
