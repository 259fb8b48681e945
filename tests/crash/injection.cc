#include "tests/crash/injection.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ledgerd::crash {
namespace {

constexpr absl::string_view kInjected = "(INJECTED)";

std::vector<std::string> Arguments(const Injection::Options& options) {
  std::vector<std::string> arguments = {
      "-e", absl::StrCat("inject=", options.calls, ":", options.what,
                         ":when=", options.when, "..",
                         std::max(options.when, options.last))};
  for (const std::string& file : options.files) {
    arguments.insert(arguments.end(), {"-P", file});
  }
  return arguments;
}

}  // namespace

Injection::Injection(Options options)
    : options_(std::move(options)),
      trace_(options_.calls, Arguments(options_)) {}

bool Injection::killed() const {
  return absl::StrContains(trace_.Text(), "+++ killed by SIGKILL");
}

std::string Injection::Injected() const {
  for (const TracedCall& call : trace_.Calls()) {
    if (absl::StrContains(call.text, kInjected)) return call.text;
  }
  return "";
}

std::optional<TracedCall> Injection::Hit() const {
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const TracedCall& call : trace_.Calls()) {
    if (++counts[{call.thread, call.name}] == options_.when) return call;
  }
  return std::nullopt;
}

size_t Injection::InjectedThreads() const {
  std::set<std::string> threads;
  for (const TracedCall& call : trace_.Calls()) {
    if (absl::StrContains(call.text, kInjected)) threads.insert(call.thread);
  }
  return threads.size();
}

std::string Injection::Text() const {
  return absl::StrCat(options_.what, " at call ", options_.when, " of ",
                      options_.calls);
}

}  // namespace ledgerd::crash
