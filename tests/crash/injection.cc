#include "tests/crash/injection.h"

#include <algorithm>
#include <map>
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

std::string Traced(const Injection::Options& options) {
  return options.also_traced.empty()
             ? options.calls
             : absl::StrCat(options.calls, ",", options.also_traced);
}

}  // namespace

Injection::Injection(Options options)
    : options_(std::move(options)),
      trace_(Traced(options_), Arguments(options_)) {}

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

std::set<std::string> Injection::InjectedThreads() const {
  std::set<std::string> threads;
  for (const TracedCall& call : trace_.Calls()) {
    if (absl::StrContains(call.text, kInjected)) threads.insert(call.thread);
  }
  return threads;
}

size_t Injection::DoneSince(const std::string& thread,
                            const std::string& name) const {
  size_t done = 0;
  for (const TracedCall& call : trace_.Calls()) {
    if (call.thread != thread) continue;
    if (absl::StrContains(call.text, kInjected)) done = 0;
    if (call.name == name && call.result() >= 0) ++done;
  }
  return done;
}

std::string Injection::Text() const {
  return absl::StrCat(options_.what, " at call ", options_.when, " of ",
                      options_.calls);
}

}  // namespace ledgerd::crash
