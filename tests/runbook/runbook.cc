#include "tests/runbook/runbook.h"

#include <cstdlib>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ledgerd::runbook {
namespace {

constexpr char kExitCode[] = "# exit code ";

int ExitCodeOf(const std::string& text) {
  const size_t at = text.find(kExitCode);
  if (at == std::string::npos) return 0;
  return std::atoi(text.c_str() + at + std::strlen(kExitCode));
}

}  // namespace

std::vector<RunbookSection> ReadRunbook(const std::string& text) {
  std::vector<RunbookSection> sections;
  bool in_block = false;
  std::string host;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    absl::string_view rest = line;
    if (absl::StartsWith(line, "```")) {
      in_block = line == "```sh";
      host.clear();
    } else if (in_block && absl::ConsumePrefix(&rest, "# on ")) {
      host = std::string(rest);
    } else if (in_block && !line.empty()) {
      const std::string command(line);
      sections.back().commands.push_back({.text = command,
                                          .host = host,
                                          .exit_code = ExitCodeOf(command),
                                          .line = number});
    } else if (absl::ConsumePrefix(&rest, "### ")) {
      sections.push_back({.title = std::string(rest)});
    }
  }
  return sections;
}

}  // namespace ledgerd::runbook
