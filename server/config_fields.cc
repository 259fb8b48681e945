#include "server/config_fields.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "server/group_layout.h"
#include "server/host_port.h"

namespace ledgerd::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void AddField(const FieldDescriptor* section, const FieldDescriptor* leaf,
              std::vector<ConfigField>& fields) {
  std::string path = leaf->name();
  if (section != nullptr) path = absl::StrCat(section->name(), ".", path);
  fields.push_back({std::move(path), section, leaf});
}

// Fields, and sections of fields: there is no deeper level.
std::vector<ConfigField> ListFields() {
  std::vector<ConfigField> fields;
  const Descriptor& config = *config::v1::Config::descriptor();
  for (int i = 0; i < config.field_count(); ++i) {
    const FieldDescriptor* field = config.field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      AddField(nullptr, field, fields);
      continue;
    }
    const Descriptor& section = *field->message_type();
    for (int j = 0; j < section.field_count(); ++j) {
      AddField(field, section.field(j), fields);
    }
  }
  return fields;
}

Message& OwnerOf(const ConfigField& field, config::v1::Config& config) {
  if (field.section == nullptr) return config;
  return *config.GetReflection()->MutableMessage(&config, field.section);
}

const Message& OwnerOf(const ConfigField& field,
                       const config::v1::Config& config) {
  if (field.section == nullptr) return config;
  return config.GetReflection()->GetMessage(config, field.section);
}

struct Suffix {
  absl::string_view name;
  int shift = 0;
};

// The largest first, so that sizes are told in the largest that fits.
constexpr Suffix kSuffixes[] = {
    {"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}};

std::optional<uint64_t> ParseNumber(absl::string_view text, bool bytes) {
  int shift = 0;
  for (const Suffix& suffix : kSuffixes) {
    if (!bytes || !absl::EndsWith(text, suffix.name)) continue;
    text = absl::StripTrailingAsciiWhitespace(
        text.substr(0, text.size() - suffix.name.size()));
    shift = suffix.shift;
  }
  uint64_t value = 0;
  if (text.empty() || !absl::ascii_isdigit(text[0])) return std::nullopt;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  if (value > std::numeric_limits<uint64_t>::max() >> shift) {
    return std::nullopt;
  }
  return value << shift;
}

std::string NumberToText(uint64_t value, bool bytes) {
  for (const Suffix& suffix : kSuffixes) {
    const uint64_t unit = uint64_t{1} << suffix.shift;
    if (bytes && value != 0 && value % unit == 0) {
      return absl::StrCat(value / unit, suffix.name);
    }
  }
  return absl::StrCat(value);
}

absl::Status CheckNumber(uint64_t value, const config::v1::Rule& rule) {
  if (value < rule.min() || value > rule.max()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is out of bounds; give ", NumberToText(rule.min(), rule.bytes()),
        " to ", NumberToText(rule.max(), rule.bytes())));
  }
  if (rule.multiple_of() != 0 && value % rule.multiple_of() != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is no multiple of ", rule.multiple_of(), "; the next one below is ",
        value - value % rule.multiple_of()));
  }
  return absl::OkStatus();
}

absl::Status CheckAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > std::numeric_limits<uint16_t>::max()) {
    return absl::InvalidArgumentError(
        "is no host:port; give one like 127.0.0.1:7300, the port 0 to 65535");
  }
  return absl::OkStatus();
}

absl::Status CheckTold(absl::string_view text) {
  LEDGERD_RETURN_IF_ERROR(CheckAddress(text));
  if (!IsEveryAddress(text) && !absl::EndsWith(text, ":0")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "is where nobody else can reach it; give one like 10.0.0.1:7300");
}

absl::Status CheckMembers(absl::string_view text) {
  const absl::Status status = ParseMembers(text).status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("names no members: ", std::string(status.message())));
}

absl::Status CheckString(absl::string_view text, const config::v1::Rule& rule) {
  if (text.empty() && rule.default_value().empty()) return absl::OkStatus();
  if (rule.address()) return CheckAddress(text);
  if (rule.told()) return CheckTold(text);
  if (rule.members()) return CheckMembers(text);
  if (rule.one_of().empty()) return absl::OkStatus();
  if (std::find(rule.one_of().begin(), rule.one_of().end(), text) !=
      rule.one_of().end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "is not known; give one of ", absl::StrJoin(rule.one_of(), ", ")));
}

absl::StatusOr<uint64_t> ParseAndCheckNumber(absl::string_view text,
                                             const config::v1::Rule& rule) {
  const auto value = ParseNumber(text, rule.bytes());
  if (!value.has_value()) {
    return absl::InvalidArgumentError(
        rule.bytes() ? "is no size; give bytes, as 1048576 or 1MiB"
                     : "is no number; give decimal digits alone");
  }
  LEDGERD_RETURN_IF_ERROR(CheckNumber(*value, rule));
  return *value;
}

// The number of letters to insert, delete or replace to make `b` of `a`.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (const char letter : a) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (letter == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

const config::v1::Rule& ConfigField::rule() const {
  return leaf->options().GetExtension(config::v1::rule);
}

std::string ConfigField::flag() const {
  return absl::StrReplaceAll(path, {{".", "_"}});
}

std::string ConfigField::environment() const {
  return absl::StrCat("LEDGERD_", absl::AsciiStrToUpper(flag()));
}

const std::vector<ConfigField>& ConfigFields() {
  static const auto* const fields = new std::vector<ConfigField>(ListFields());
  return *fields;
}

const ConfigField* FindConfigField(absl::string_view path) {
  for (const ConfigField& field : ConfigFields()) {
    if (field.path == path) return &field;
  }
  return nullptr;
}

bool IsConfigSection(absl::string_view name) {
  const std::vector<ConfigField>& fields = ConfigFields();
  return std::any_of(fields.begin(), fields.end(), [name](const auto& field) {
    return field.section != nullptr && field.section->name() == name;
  });
}

absl::Status SetFromText(const ConfigField& field, absl::string_view text,
                         config::v1::Config& config) {
  Message& owner = OwnerOf(field, config);
  const auto& reflection = *owner.GetReflection();
  switch (field.leaf->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      LEDGERD_RETURN_IF_ERROR(CheckString(text, field.rule()));
      reflection.SetString(&owner, field.leaf, std::string(text));
      break;
    case FieldDescriptor::CPPTYPE_UINT32: {
      LEDGERD_ASSIGN_OR_RETURN(const uint64_t value,
                               ParseAndCheckNumber(text, field.rule()));
      reflection.SetUInt32(&owner, field.leaf, static_cast<uint32_t>(value));
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      LEDGERD_ASSIGN_OR_RETURN(const uint64_t value,
                               ParseAndCheckNumber(text, field.rule()));
      reflection.SetUInt64(&owner, field.leaf, value);
      break;
    }
    default:
      LEDGERD_CHECK(false) << "no such type in config.proto: " << field.path;
  }
  return absl::OkStatus();
}

std::string ToText(const ConfigField& field, const config::v1::Config& config) {
  const Message& owner = OwnerOf(field, config);
  const auto& reflection = *owner.GetReflection();
  const bool bytes = field.rule().bytes();
  switch (field.leaf->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return NumberToText(reflection.GetUInt32(owner, field.leaf), bytes);
    case FieldDescriptor::CPPTYPE_UINT64:
      return NumberToText(reflection.GetUInt64(owner, field.leaf), bytes);
    default:
      return reflection.GetString(owner, field.leaf);
  }
}

std::string DidYouMean(absl::string_view name,
                       const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  size_t least = name.size() / 3 + 2;
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = &candidate;
  }
  return nearest == nullptr ? ""
                            : absl::StrCat(" Did you mean ", *nearest, "?");
}

}  // namespace ledgerd::server
