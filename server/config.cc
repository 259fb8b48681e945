#include "server/config.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "server/config_fields.h"
#include "server/config_yaml.h"
#include "server/host_port.h"

namespace ledgerd::server {
namespace {

constexpr char kPrefix[] = "LEDGERD_";
// The variable that is not a field.
constexpr char kConfigVariable[] = "LEDGERD_CONFIG";

std::string FlagName(const ConfigField& field) {
  return absl::StrCat("--", absl::StrReplaceAll(field.flag(), {{"_", "-"}}));
}

absl::Status Set(const ConfigField& field, const std::string& text,
                 const std::string& origin, LoadedConfig& loaded) {
  const absl::Status set = SetFromText(field, text, loaded.config);
  if (!set.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": ", field.path,
                                                   " \"", text, "\" ",
                                                   std::string(set.message())));
  }
  loaded.origins[field.path] = origin;
  return absl::OkStatus();
}

void SetDefaults(LoadedConfig& loaded) {
  for (const ConfigField& field : ConfigFields()) {
    loaded.origins[field.path] = "default";
    const std::string& text = field.rule().default_value();
    if (text.empty()) continue;
    LEDGERD_CHECK_OK(SetFromText(field, text, loaded.config));
  }
}

absl::Status SetFromFile(const std::string& path, LoadedConfig& loaded) {
  if (path.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(const std::vector<YamlValue> values,
                           ReadYamlConfig(path));
  for (const YamlValue& value : values) {
    LEDGERD_RETURN_IF_ERROR(Set(*value.field, value.text, value.place, loaded));
  }
  return absl::OkStatus();
}

void WarnOfUnknown(const std::string& name, LoadedConfig& loaded) {
  if (name == kConfigVariable) return;
  std::vector<std::string> known;
  for (const ConfigField& field : ConfigFields()) {
    known.push_back(field.environment());
  }
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  loaded.warnings.push_back(absl::StrCat("environment variable ", name,
                                         " is not a setting of ledgerd.",
                                         DidYouMean(name, known)));
}

absl::Status SetFromEnvironment(
    const std::map<std::string, std::string>& environment,
    LoadedConfig& loaded) {
  for (const ConfigField& field : ConfigFields()) {
    const auto found = environment.find(field.environment());
    if (found == environment.end()) continue;
    LEDGERD_RETURN_IF_ERROR(Set(field, found->second, found->first, loaded));
  }
  for (const auto& [name, value] : environment) {
    if (absl::StartsWith(name, kPrefix)) WarnOfUnknown(name, loaded);
  }
  return absl::OkStatus();
}

absl::Status SetFromFlags(const std::map<std::string, std::string>& flags,
                          LoadedConfig& loaded) {
  for (const auto& [path, text] : flags) {
    const ConfigField* field = FindConfigField(path);
    LEDGERD_CHECK(field != nullptr) << path;
    LEDGERD_RETURN_IF_ERROR(Set(*field, text, FlagName(*field), loaded));
  }
  return absl::OkStatus();
}

// Standbys tell clients and operators where the primary is.
absl::Status CheckCanBeTold(const LoadedConfig& loaded) {
  const config::v1::Config& config = loaded.config;
  if (config.members().empty()) return absl::OkStatus();

  const struct {
    const char* path;
    const std::string& listens;
    const std::string& told;
  } ports[] = {
      {"client_address", config.client_address(),
       config.advertised_client_address()},
      {"admin_address", config.admin_address(),
       config.advertised_admin_address()},
  };

  for (const auto& port : ports) {
    if (!port.told.empty() || !IsEveryAddress(port.listens)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        loaded.origins.at(port.path), ": ", port.path, " \"", port.listens,
        "\" is every address of this machine, and the other replicas must "
        "tell theirs where this one is: give advertised_",
        port.path, " as well, or one address here"));
  }
  return absl::OkStatus();
}

absl::Status CheckRelations(const LoadedConfig& loaded) {
  std::vector<const ConfigField*> addresses;
  for (const ConfigField& field : ConfigFields()) {
    if (!field.rule().address()) continue;
    const std::string address = ToText(field, loaded.config);
    if (address.empty() || absl::EndsWith(address, ":0")) continue;
    for (const ConfigField* other : addresses) {
      if (ToText(*other, loaded.config) != address) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          loaded.origins.at(field.path), ": ", field.path, " \"", address,
          "\" is also the ", other->path, "; give it a port of its own"));
    }
    addresses.push_back(&field);
  }
  LEDGERD_RETURN_IF_ERROR(CheckCanBeTold(loaded));
  const config::v1::Replication& replication = loaded.config.replication();
  if (replication.timeout_ms() >= 4 * replication.heartbeat_ms()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      loaded.origins.at("replication.timeout_ms"),
      ": replication.timeout_ms \"", replication.timeout_ms(),
      "\" is less than four heartbeats of ", replication.heartbeat_ms(),
      " ms: one that is late would depose a primary"));
}

// Text that YAML reads back as the same text.
std::string Quoted(const std::string& text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

}  // namespace

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources) {
  LoadedConfig loaded;
  SetDefaults(loaded);
  LEDGERD_RETURN_IF_ERROR(SetFromFile(sources.file, loaded));
  LEDGERD_RETURN_IF_ERROR(SetFromEnvironment(sources.environment, loaded));
  LEDGERD_RETURN_IF_ERROR(SetFromFlags(sources.flags, loaded));
  LEDGERD_RETURN_IF_ERROR(CheckRelations(loaded));
  return loaded;
}

std::string EffectiveYaml(const LoadedConfig& loaded) {
  std::string yaml;
  const google::protobuf::FieldDescriptor* section = nullptr;
  for (const ConfigField& field : ConfigFields()) {
    if (field.section != section) {
      section = field.section;
      absl::StrAppend(&yaml, section->name(), ":\n");
    }
    std::string text = ToText(field, loaded.config);
    if (field.leaf->cpp_type() ==
        google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      text = Quoted(text);
    }
    absl::StrAppend(&yaml, section == nullptr ? "" : "  ", field.leaf->name(),
                    ": ", text, "  # ", loaded.origins.at(field.path), "\n");
  }
  return yaml;
}

std::string DescribeConfig() {
  constexpr size_t kWidth = 72;
  std::string text;
  for (const ConfigField& field : ConfigFields()) {
    const config::v1::Rule& rule = field.rule();
    absl::StrAppend(&text, "  ", FlagName(field), "=",
                    rule.default_value().empty() ? "..." : rule.default_value(),
                    "\n");
    std::string line = "     ";
    for (const absl::string_view word : absl::StrSplit(rule.help(), ' ')) {
      if (line.size() + word.size() >= kWidth) {
        absl::StrAppend(&text, line, "\n");
        line = "     ";
      }
      absl::StrAppend(&line, " ", word);
    }
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace ledgerd::server
