// A command that is run again and again until Ctrl-C: -w.
//
//   const auto repeat = AddRepeat(*command);
//   command->callback([&context, repeat] {
//     RunRepeated(context, *repeat, [&] { return Show(context); });
//   });
//
// Shape   On a terminal a table takes the place of the one before. JSON is an
//         object a line, YAML a document each time.
// Errors  Said each time, and tried again: a replica that restarts is waited
//         for. A wrong command line ends it.
#ifndef LEDGERD_CLIENT_LEDGERCTL_REPEAT_H_
#define LEDGERD_CLIENT_LEDGERCTL_REPEAT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "CLI/App.hpp"
#include "client/ledgerctl/context.h"

namespace ledgerd::client {

struct RepeatOptions {
  bool watch = false;
  std::string every = "2s";
  uint64_t count = 0;
};

std::shared_ptr<const RepeatOptions> AddRepeat(CLI::App& command);

// The exit code is the last time's. Once, without -w.
void RunRepeated(Context& context, const RepeatOptions& options,
                 const Context::Body& body);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_REPEAT_H_
