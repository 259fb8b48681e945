// ledgerbench puts load on a ledgerd, measures it, and checks what it did.
//
//   bazel build --config=release //server:ledgerd //tests/bench:ledgerbench
//   bazel-bin/tests/bench/ledgerbench --daemon=bazel-bin/server/ledgerd
//       --mode=batches --prefill=1000000 --seconds=20
//
// Exit codes: 0 measured and found correct, 1 anything else.
#include <iostream>

#include "tests/bench/options.h"
#include "tests/bench/session.h"

int main(int argc, char** argv) {
  ledgerd::bench::Options options;
  if (const auto code = ledgerd::bench::ParseOptions(argc, argv, options)) {
    return *code;
  }
  ledgerd::bench::Session session(options);
  const absl::Status status = session.Run();
  if (status.ok()) return 0;
  std::cerr << "ledgerbench: " << status << "\n";
  return 1;
}
