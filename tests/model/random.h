// Random draws from a seed, the same on every machine and build.
//
//   Random random(seed);
//   if (random.OneIn(10)) amount = Amount(random.Below(100));
//
// Source  splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
//         generators", OOPSLA 2014.
#ifndef LEDGERD_TESTS_MODEL_RANDOM_H_
#define LEDGERD_TESTS_MODEL_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace ledgerd::model {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // 0 .. n - 1. The bias is of no matter here.
  uint64_t Below(uint64_t n) { return Next() % n; }

  uint64_t Between(uint64_t low, uint64_t high) {
    return low + Below(high - low + 1);
  }

  bool OneIn(uint64_t n) { return Below(n) == 0; }

  bool Percent(uint64_t chance) { return Below(100) < chance; }

  // Requires: not empty.
  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[Below(items.size())];
  }

  template <typename K, typename V>
  const V& Pick(const std::map<K, V>& items) {
    return std::next(items.begin(),
                     static_cast<std::ptrdiff_t>(Below(items.size())))
        ->second;
  }

 private:
  uint64_t state_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_RANDOM_H_
