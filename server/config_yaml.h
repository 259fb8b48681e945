// Reads a YAML file as values of the configuration's fields.
//
//   log:
//     level: debug
//   client_address: 10.0.0.1:7300
//
// Errors   INVALID_ARGUMENT  with file:line: no YAML, a key that is not one
//                            (with the nearest that is), given twice, or whose
//                            value is not a scalar.
//          NOT_FOUND         no such file.
#ifndef LEDGERD_SERVER_CONFIG_YAML_H_
#define LEDGERD_SERVER_CONFIG_YAML_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "server/config_fields.h"

namespace ledgerd::server {

struct YamlValue {
  const ConfigField* field = nullptr;
  std::string text;
  // file:line.
  std::string place;
};

absl::StatusOr<std::vector<YamlValue>> ReadYamlConfig(const std::string& path);

// The same of the text of the file that is at `path`.
absl::StatusOr<std::vector<YamlValue>> ParseYamlConfig(const std::string& text,
                                                       const std::string& path);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CONFIG_YAML_H_
