// What ledgerbench is asked to do; `ledgerbench --help` says it in words.
#ifndef LEDGERD_TESTS_BENCH_OPTIONS_H_
#define LEDGERD_TESTS_BENCH_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "client/bench/workload.h"

namespace ledgerd::bench {

enum class Mode { kBatches, kUnary, kCoalesced, kStream, kOne, kPing };

struct Options {
  // One of these two.
  std::string daemon;
  std::string address;
  int replicas = 1;
  std::vector<std::string> daemon_flags;
  std::optional<int> daemon_processor;
  std::optional<int> client_processor;

  Mode mode = Mode::kBatches;
  int clients = 2;
  int in_flight = 2;
  Workload::Options workload;

  uint64_t prefill = 0;
  uint64_t warm_up = 0;
  // 0: until `seconds` are over.
  uint64_t count = 0;
  double seconds = 10;
  double rate = 0;

  bool restart = false;
  bool settle = false;
  std::string json;
  std::string label;
};

// Prints what is wrong, or the help, and returns an exit code in that case.
std::optional<int> ParseOptions(int argc, char** argv, Options& options);

// "batches".
std::string Name(Mode mode);
std::string Name(Distribution distribution);

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_OPTIONS_H_
