// The configuration, from where it is said: flag > environment > file >
// default.
//
//   LEDGERD_ASSIGN_OR_RETURN(const LoadedConfig loaded,
//                            LoadConfig({flags, environment, "ledgerd.yaml"}));
//   std::cout << EffectiveYaml(loaded);
//
// Errors   INVALID_ARGUMENT  one line that says where (flag, variable or
//                            file:line), which value, why, and what to do. An
//                            unknown key in a file is one too.
//          NOT_FOUND         there is no such file.
#ifndef LEDGERD_SERVER_CONFIG_H_
#define LEDGERD_SERVER_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/config.pb.h"

namespace ledgerd::server {

struct ConfigSources {
  // Those that were given, by the path of their field ("log.level").
  std::map<std::string, std::string> flags;
  // Variables whose names begin with LEDGERD_.
  std::map<std::string, std::string> environment;
  // A YAML file; empty for none.
  std::string file;
};

struct LoadedConfig {
  config::v1::Config config;
  // Where each value is from, by path: "default", "--log-level", ...
  std::map<std::string, std::string> origins;
  // What was ignored, and perhaps should not have been.
  std::vector<std::string> warnings;
};

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources);

// All values, as a file that gives the same configuration, each with its
// origin.
std::string EffectiveYaml(const LoadedConfig& loaded);

// Every field with its flag, meaning and default, for --help.
std::string DescribeConfig();

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CONFIG_H_
