// ledgerd: `ledgerd --help` says how to use it.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "server/cluster_id.h"
#include "server/command_line.h"
#include "server/config.h"
#include "server/daemon.h"
#include "server/exit_code.h"
#include "server/file_limit.h"
#include "server/format_command.h"
#include "server/help.h"
#include "server/logging.h"
#include "server/stop_signal.h"
#include "server/version.h"
#include "storage/data_dir.h"

namespace ledgerd::server {
namespace {

ExitCode Fail(const absl::Status& status, ExitCode code) {
  std::cerr << "ledgerd: " << std::string(status.message()) << "\n";
  return code;
}

absl::StatusOr<LoadedConfig> Load(const CommandLine& line) {
  LEDGERD_ASSIGN_OR_RETURN(LoadedConfig loaded, LoadConfig(line.sources));
  if (loaded.config.data_dir().empty()) {
    return absl::InvalidArgumentError(
        "data_dir is not set: give --data-dir, LEDGERD_DATA_DIR or data_dir in "
        "the configuration file");
  }
  return loaded;
}

ExitCode Format(const CommandLine& line, const config::v1::Config& config) {
  const auto options = FormatOptionsOf(line, config);
  if (!options.ok()) return Fail(options.status(), ExitCode::kUsage);
  const absl::Status status =
      storage::DataDir::Format(config.data_dir(), *options);
  if (!status.ok()) return Fail(status, ExitCodeOfStart(status));
  std::cout << "data_dir: " << config.data_dir() << "\n"
            << "cluster_id: " << ToText(options->cluster) << "\n"
            << "replica_id: " << options->replica << "\n";
  return ExitCode::kOk;
}

ExitCode Run(const CommandLine& line, const LoadedConfig& loaded) {
  const config::v1::Config& config = loaded.config;
  Logger logger(ParseLogLevel(config.log().level()),
                ParseLogFormat(config.log().format()));
  for (const std::string& warning : loaded.warnings) logger.Warning(warning);
  logger.Debug("file descriptors", {{"limit", RaiseFileLimit()}});
  StopSignal stop;
  DaemonOptions options;
  options.config = config;
  options.cluster = line.cluster;
  options.replica = line.replica;
  options.on_halt = [&stop] { stop.Wake(); };
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet.
  const char* notify_socket = std::getenv("NOTIFY_SOCKET");
  if (notify_socket != nullptr) options.notify_socket = notify_socket;
  auto daemon = Daemon::Start(options, logger);
  if (!daemon.ok()) {
    logger.Error("cannot start",
                 {{"error", std::string(daemon.status().message())}});
    return ExitCodeOfStart(daemon.status());
  }
  const std::string signal = stop.Wait();
  logger.Info("stopping", {{"signal", signal.empty() ? "none" : signal}});
  const absl::Status fault = (*daemon)->Stop();
  logger.Info("stopped", {{"fault", fault.ok() ? "none" : fault.ToString()}});
  return ExitCodeOfHalt(fault);
}

ExitCode Main(const std::vector<std::string>& arguments) {
  const auto line = ParseCommandLine(arguments, environ);
  if (!line.ok()) return Fail(line.status(), ExitCode::kUsage);
  if (line->command == CommandLine::Command::kHelp) {
    std::cout << HelpText();
    return ExitCode::kOk;
  }
  if (line->command == CommandLine::Command::kManual) {
    std::cout << ManualPage();
    return ExitCode::kOk;
  }
  if (line->command == CommandLine::Command::kVersion) {
    std::cout << "ledgerd " << kVersion << "\n";
    return ExitCode::kOk;
  }
  const auto loaded = Load(*line);
  if (!loaded.ok()) return Fail(loaded.status(), ExitCode::kUsage);
  if (line->check_config) {
    for (const std::string& warning : loaded->warnings) {
      std::cerr << "ledgerd: " << warning << "\n";
    }
    std::cout << EffectiveYaml(*loaded);
    return ExitCode::kOk;
  }
  if (line->command == CommandLine::Command::kFormat) {
    return Format(*line, loaded->config);
  }
  return Run(*line, *loaded);
}

}  // namespace
}  // namespace ledgerd::server

int main(int argc, char** argv) {
  return static_cast<int>(
      ledgerd::server::Main(std::vector<std::string>(argv + 1, argv + argc)));
}
