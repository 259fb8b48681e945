// The fields of the configuration, as config.proto describes them, by path.
//
//   for (const ConfigField& field : ConfigFields())
//     std::cout << field.path << ": " << field.rule().help();
//
// Shape    A path is "client_address" or "log.level": the field's name, after
//          its section's.
#ifndef LEDGERD_SERVER_CONFIG_FIELDS_H_
#define LEDGERD_SERVER_CONFIG_FIELDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

#include "server/config.pb.h"

namespace ledgerd::server {

struct ConfigField {
  std::string path;
  // Null for fields of Config itself.
  const google::protobuf::FieldDescriptor* section = nullptr;
  const google::protobuf::FieldDescriptor* leaf = nullptr;

  const config::v1::Rule& rule() const;

  // "log_level": its flag's name, with '_' or '-'.
  std::string flag() const;

  // "LEDGERD_LOG_LEVEL".
  std::string environment() const;
};

// In the order of config.proto.
const std::vector<ConfigField>& ConfigFields();

// Null when there is none.
const ConfigField* FindConfigField(absl::string_view path);

// Whether `name` is a section, as "log".
bool IsConfigSection(absl::string_view name);

// Sets the field from text after checking it against its rule. The error says
// what is wrong with the value and what to give instead.
absl::Status SetFromText(const ConfigField& field, absl::string_view text,
                         config::v1::Config& config);

// The field's value as a file would say it.
std::string ToText(const ConfigField& field, const config::v1::Config& config);

// " Did you mean X?" for the nearest of `known`; empty when none is near.
std::string DidYouMean(absl::string_view name,
                       const std::vector<std::string>& known);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CONFIG_FIELDS_H_
