#include "server/config_yaml.h"

#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "yaml-cpp/yaml.h"

namespace ledgerd::server {
namespace {

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<std::vector<YamlValue>> Read(const std::string& text) {
    try {
      const YAML::Node root = YAML::Load(text);
      if (root.IsNull()) return values_;
      LEDGERD_RETURN_IF_ERROR(ReadMap(root, ""));
    } catch (const YAML::Exception& error) {
      return absl::InvalidArgumentError(
          absl::StrCat(Place(error.mark), ": no YAML: ", error.msg));
    }
    return std::move(values_);
  }

 private:
  std::string Place(const YAML::Mark& mark) const {
    return absl::StrCat(path_, ":", mark.line + 1);
  }

  absl::Status Error(const YAML::Node& node, absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(Place(node.Mark()), ": ", what));
  }

  // `section` ends with a dot, or is empty for the root.
  absl::Status ReadMap(const YAML::Node& map, const std::string& section) {
    if (!map.IsMap()) {
      return Error(map, absl::StrCat("expected keys and values",
                                     section.empty() ? "" : " in ", section));
    }
    for (const auto& pair : map) {
      if (!pair.first.IsScalar()) return Error(pair.first, "a key is a word");
      const std::string path = absl::StrCat(section, pair.first.Scalar());
      if (!seen_.insert(path).second) {
        return Error(pair.first, absl::StrCat(path, " is given twice"));
      }
      LEDGERD_RETURN_IF_ERROR(ReadKey(path, pair.first, pair.second));
    }
    return absl::OkStatus();
  }

  absl::Status ReadKey(const std::string& path, const YAML::Node& key,
                       const YAML::Node& value) {
    if (IsConfigSection(path)) {
      if (value.IsNull()) return absl::OkStatus();
      return ReadMap(value, absl::StrCat(path, "."));
    }
    const ConfigField* field = FindConfigField(path);
    if (field == nullptr) return Unknown(path, key);
    if (!value.IsScalar()) {
      return Error(key, absl::StrCat(path, " takes one value"));
    }
    values_.push_back({field, value.Scalar(), Place(key.Mark())});
    return absl::OkStatus();
  }

  absl::Status Unknown(const std::string& path, const YAML::Node& key) const {
    std::vector<std::string> known;
    for (const ConfigField& field : ConfigFields()) {
      known.push_back(field.path);
      if (field.section != nullptr) known.push_back(field.section->name());
    }
    return Error(
        key, absl::StrCat("unknown key ", path, ".", DidYouMean(path, known),
                          " `ledgerd --help` lists all"));
  }

  const std::string path_;
  std::set<std::string> seen_;
  std::vector<YamlValue> values_;
};

}  // namespace

absl::StatusOr<std::vector<YamlValue>> ReadYamlConfig(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(absl::StrCat(
        "configuration file ", path,
        " cannot be read: check --config, LEDGERD_CONFIG and its permissions"));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return Reader(path).Read(text.str());
}

}  // namespace ledgerd::server
