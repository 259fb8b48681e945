#include "client/ledgerctl/repeat.h"

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

// Between what one time prints and the next.
void Separate(const GlobalOptions& options) {
  if (options.output == "yaml") std::cout << "---\n";
  const bool is_screen = isatty(STDOUT_FILENO) == 1;
  if (options.output == "table" && is_screen) std::cout << "\033[H\033[2J";
}

}  // namespace

std::shared_ptr<const RepeatOptions> AddRepeat(CLI::App& command) {
  const auto options = std::make_shared<RepeatOptions>();
  auto* watch = command.add_flag("-w,--watch", options->watch,
                                 "Again and again, until Ctrl-C");
  command.add_option("--every", options->every, "With --watch: how often")
      ->capture_default_str()
      ->needs(watch);
  command
      .add_option("--count", options->count,
                  "With --watch: end after so many times; by default never")
      ->needs(watch);
  return options;
}

void RunRepeated(Context& context, const RepeatOptions& options,
                 const Context::Body& body) {
  if (!options.watch) return context.Run(body);
  std::chrono::milliseconds pause{};
  context.Run([&]() -> absl::StatusOr<ExitCode> {
    LEDGERD_ASSIGN_OR_RETURN(pause, ParseDuration(options.every));
    return ExitCode::kOk;
  });
  for (uint64_t times = 1; context.exit_code() != ExitCode::kUsage; ++times) {
    Separate(context.options());
    context.Run(body);
    if (times == options.count) return;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace ledgerd::client
