// Runs a fuzz target over its seeds and over what a Mutator makes of them.
//
//   bazel test //tests/fuzz:disk_fuzz
//   .../disk_fuzz FILE...           these inputs alone
//   .../disk_fuzz --write-seeds=D   the corpus for libFuzzer, as files
//
// LEDGERD_FUZZ_RUNS sets how many inputs (20,000 by default). The input at
// which it ended is in crash-input, among the test's outputs.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "proto/base/check.h"
#include "proto/base/test_seed.h"
#include "tests/fuzz/mutator.h"
#include "tests/fuzz/target.h"

namespace ledgerd::fuzz {
namespace {

// For the signal handler.
std::string& Input() {
  static std::string& input = *new std::string();
  return input;
}

const std::string& CrashPath() {
  static const std::string& path = *new std::string([] {
    const char* outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    return std::string(outputs == nullptr ? "." : outputs) + "/crash-input";
  }());
  return path;
}

void KeepInput(int /*signal*/) {
  const int file =
      open(CrashPath().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  [[maybe_unused]] const ssize_t written =
      write(file, Input().data(), Input().size());
  _exit(1);
}

void RunOne(std::string input) {
  Input() = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(Input().data()),
                         Input().size());
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  LEDGERD_CHECK(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteSeeds(const std::string& folder) {
  const std::vector<std::string> seeds = Seeds();
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(folder + "/seed-" + std::to_string(i), std::ios::binary);
    file << seeds[i];
    LEDGERD_CHECK(file.good()) << folder;
  }
}

void RunMany() {
  const char* text = std::getenv("LEDGERD_FUZZ_RUNS");
  const uint64_t runs =
      text == nullptr ? 20'000 : std::strtoull(text, nullptr, 10);
  for (const std::string& seed : Seeds()) RunOne(seed);
  Mutator mutator(TestSeed(), Seeds());
  for (uint64_t i = 0; i < runs; ++i) RunOne(mutator.Next());
  std::cout << runs << " inputs\n";
}

int Main(const std::vector<std::string>& arguments) {
  constexpr char kWriteSeeds[] = "--write-seeds=";
  CrashPath();
  signal(SIGABRT, &KeepInput);
  signal(SIGSEGV, &KeepInput);
  if (arguments.empty()) {
    RunMany();
  } else if (arguments[0].rfind(kWriteSeeds, 0) == 0) {
    WriteSeeds(arguments[0].substr(sizeof(kWriteSeeds) - 1));
  } else {
    for (const std::string& path : arguments) RunOne(ReadAll(path));
  }
  return 0;
}

}  // namespace
}  // namespace ledgerd::fuzz

int main(int argc, char** argv) {
  return ledgerd::fuzz::Main(std::vector<std::string>(argv + 1, argv + argc));
}
