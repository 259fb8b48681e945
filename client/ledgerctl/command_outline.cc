#include "client/ledgerctl/command_outline.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ledgerd::client {
namespace {

// CLI11 tells of CLI::IsMember only in the type's name: "TEXT:{table,json}".
std::vector<std::string> ChoicesOf(absl::string_view type) {
  const size_t open = type.find(":{");
  if (open == absl::string_view::npos || !absl::EndsWith(type, "}")) return {};
  return absl::StrSplit(type.substr(open + 2, type.size() - open - 3), ',');
}

OptionOutline OutlineOf(const CLI::Option& option) {
  OptionOutline outline;
  outline.is_positional = option.get_positional();
  outline.is_required = option.get_required();
  outline.description = option.get_description();
  outline.default_value = option.get_default_str();
  outline.environment = option.get_envname();
  for (const std::string& name : option.get_snames()) {
    outline.names.push_back(absl::StrCat("-", name));
  }
  for (const std::string& name : option.get_lnames()) {
    outline.names.push_back(absl::StrCat("--", name));
  }
  if (outline.is_positional) outline.names = {option.get_name(true)};
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    outline.choices = ChoicesOf(type);
    outline.value = type.substr(0, type.find(':'));
  }
  return outline;
}

void Append(const CLI::App& app, const std::string& path,
            std::vector<CommandOutline>& outlines) {
  CommandOutline outline;
  outline.path = path;
  outline.description = app.get_description();
  outline.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    outline.options.push_back(OutlineOf(*option));
  }
  const std::vector<const CLI::App*> subcommands =
      app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* subcommand : subcommands) {
    outline.subcommands.push_back(subcommand->get_name());
  }
  outlines.push_back(std::move(outline));
  for (const CLI::App* subcommand : subcommands) {
    Append(*subcommand,
           absl::StrCat(path, path.empty() ? "" : " ", subcommand->get_name()),
           outlines);
  }
}

}  // namespace

std::vector<CommandOutline> OutlineOf(const CLI::App& app) {
  std::vector<CommandOutline> outlines;
  Append(app, "", outlines);
  return outlines;
}

}  // namespace ledgerd::client
