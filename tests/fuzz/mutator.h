// Makes bad inputs of good ones: flips, replaces, cuts, repeats and joins.
//
//   Mutator mutator(seed, Seeds());
//   const std::string input = mutator.Next();
//
// Shape   The same seed gives the same inputs.
#ifndef LEDGERD_TESTS_FUZZ_MUTATOR_H_
#define LEDGERD_TESTS_FUZZ_MUTATOR_H_

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace ledgerd::fuzz {

class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> seeds)
      : random_(seed), seeds_(std::move(seeds)) {}

  std::string Next() {
    std::string input = seeds_[Draw(seeds_.size())];
    for (uint64_t left = 1 + Draw(6); left > 0; --left) Mutate(input);
    return input;
  }

 private:
  uint64_t Draw(uint64_t below) { return below == 0 ? 0 : random_() % below; }

  void Mutate(std::string& input) {
    const size_t at = Draw(input.size());
    const size_t length = Draw(std::min<size_t>(input.size() - at, 64) + 1);
    switch (Draw(input.empty() ? 2 : 7)) {
      case 0:
        input.insert(at, std::string(Draw(64), static_cast<char>(random_())));
        break;
      case 1: {
        const std::string& other = seeds_[Draw(seeds_.size())];
        input.insert(at, other.substr(Draw(other.size())));
        break;
      }
      case 2:
        input[at] = static_cast<char>(input[at] ^ (1 << Draw(8)));
        break;
      case 3:
        input[at] = static_cast<char>(random_());
        break;
      case 4:
        input.erase(at, length);
        break;
      case 5:
        input.resize(at);
        break;
      default:
        input.replace(at, length, length, Draw(2) == 0 ? '\0' : '\xff');
        break;
    }
  }

  std::mt19937_64 random_;
  const std::vector<std::string> seeds_;
};

}  // namespace ledgerd::fuzz

#endif  // LEDGERD_TESTS_FUZZ_MUTATOR_H_
