// The seed of a random test: drawn anew for each run, printed, and given back
// by LEDGERD_TEST_SEED to replay that run.
//
//   std::mt19937_64 random(TestSeed());
#ifndef LEDGERD_PROTO_BASE_TEST_SEED_H_
#define LEDGERD_PROTO_BASE_TEST_SEED_H_

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace ledgerd {

inline uint64_t TestSeed() {
  const char* given = std::getenv("LEDGERD_TEST_SEED");
  uint64_t seed = 0;
  if (given != nullptr) {
    seed = std::strtoull(given, nullptr, 10);
  } else {
    std::random_device device;
    seed = (uint64_t{device()} << 32) | device();
  }
  std::printf("seed %" PRIu64
              "; replay: bazel test --test_env="
              "LEDGERD_TEST_SEED=%" PRIu64 " and this target\n",
              seed, seed);
  return seed;
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_TEST_SEED_H_
