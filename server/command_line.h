// The daemon's command line.
//
//   ledgerd format --data-dir=D [--cluster-id=... --replica-id=N --members=...]
//   ledgerd start  --data-dir=D [--config=F --client-address=... ...]
//   ledgerd help | version | manual
//
// Shape    Flags are absl's; a name may have '-' for '_'. Every field of the
//          configuration is one (config.proto), beside those below.
// Errors   INVALID_ARGUMENT, with what to give instead.
// Threads  Called once, before threads are started: absl's flags are the
//          process's.
#ifndef LEDGERD_SERVER_COMMAND_LINE_H_
#define LEDGERD_SERVER_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/membership.h"
#include "proto/types.h"
#include "server/config.h"

namespace ledgerd::server {

struct CommandLine {
  enum class Command { kHelp, kVersion, kManual, kFormat, kStart };
  Command command = Command::kHelp;
  // From flags, and the environment given to ParseCommandLine.
  ConfigSources sources;
  bool check_config = false;
  std::optional<ClusterId> cluster;
  std::optional<ReplicaId> replica;
  // Of format alone.
  bool join = false;
  Incarnation incarnation{1};
};

// `arguments` without the program's name; `environment` as environ has it.
absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments, const char* const* environment);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_COMMAND_LINE_H_
