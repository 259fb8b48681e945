#include "server/config_yaml.h"

#include <fstream>
#include <set>
#include <sstream>
#include <utility>

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
      LEDGERD_RETURN_IF_ERROR(ReadRoot(root));
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

  struct Pair {
    std::string path;
    YAML::Node key;
    YAML::Node value;
  };

  // `section` ends with a dot, or is empty for the root.
  absl::StatusOr<std::vector<Pair>> PairsOf(const YAML::Node& map,
                                            const std::string& section) {
    if (!map.IsMap()) {
      return Error(map, absl::StrCat("expected keys and values",
                                     section.empty() ? "" : " in ", section));
    }
    std::vector<Pair> pairs;
    for (const auto& pair : map) {
      if (!pair.first.IsScalar()) return Error(pair.first, "a key is a word");
      std::string path = absl::StrCat(section, pair.first.Scalar());
      if (!seen_.insert(path).second) {
        return Error(pair.first, absl::StrCat(path, " is given twice"));
      }
      pairs.push_back({std::move(path), pair.first, pair.second});
    }
    return pairs;
  }

  absl::Status ReadRoot(const YAML::Node& root) {
    LEDGERD_ASSIGN_OR_RETURN(const std::vector<Pair> pairs, PairsOf(root, ""));
    for (const Pair& pair : pairs) {
      LEDGERD_RETURN_IF_ERROR(IsConfigSection(pair.path) ? ReadSection(pair)
                                                         : ReadField(pair));
    }
    return absl::OkStatus();
  }

  absl::Status ReadSection(const Pair& section) {
    if (section.value.IsNull()) return absl::OkStatus();
    LEDGERD_ASSIGN_OR_RETURN(
        const std::vector<Pair> pairs,
        PairsOf(section.value, absl::StrCat(section.path, ".")));
    for (const Pair& pair : pairs) LEDGERD_RETURN_IF_ERROR(ReadField(pair));
    return absl::OkStatus();
  }

  absl::Status ReadField(const Pair& pair) {
    const ConfigField* field = FindConfigField(pair.path);
    if (field == nullptr) return Unknown(pair.path, pair.key);
    if (!pair.value.IsScalar()) {
      return Error(pair.key, absl::StrCat(pair.path, " takes one value"));
    }
    values_.push_back({field, pair.value.Scalar(), Place(pair.key.Mark())});
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
  return ParseYamlConfig(text.str(), path);
}

absl::StatusOr<std::vector<YamlValue>> ParseYamlConfig(
    const std::string& text, const std::string& path) {
  return Reader(path).Read(text);
}

}  // namespace ledgerd::server
