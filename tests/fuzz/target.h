// A fuzz target: whatever bytes it is given, it must return. What breaks a
// promise of the code under test aborts.
//
// libFuzzer drives it (tests/long.sh), and so does driver.cc, which needs no
// clang and makes a fixed number of inputs from a seed (CI).
#ifndef LEDGERD_TESTS_FUZZ_TARGET_H_
#define LEDGERD_TESTS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ledgerd::fuzz {

// Inputs that are whole and good: the corpus, as this build writes it.
std::vector<std::string> Seeds();

}  // namespace ledgerd::fuzz

// The name that libFuzzer wants.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif  // LEDGERD_TESTS_FUZZ_TARGET_H_
