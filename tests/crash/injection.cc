#include "tests/crash/injection.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

constexpr std::chrono::seconds kWrittenLimit(30);
constexpr char kStrace[] = "/usr/bin/strace";

// A line is "PID  call(...) = result": both parts.
std::pair<std::string, std::string> Split(const std::string& line) {
  const size_t pid_end = line.find(' ');
  const size_t call = line.find_first_not_of(' ', pid_end);
  if (call == std::string::npos) return {};
  return {line.substr(0, pid_end), line.substr(call)};
}

}  // namespace

Injection::Injection(Options options) : options_(std::move(options)) {}

// Not --seccomp-bpf: strace 6.1 injects no signals then.
std::vector<std::string> Injection::Command() const {
  std::vector<std::string> command = {
      kStrace,
      "-D",
      "-f",
      "-y",
      "-o",
      directory_.Path("trace"),
      "-e",
      "trace=" + options_.calls,
      "-e",
      absl::StrCat("inject=", options_.calls, ":", options_.what,
                   ":when=", options_.when, "..",
                   std::max(options_.when, options_.last))};
  for (const std::string& file : options_.files) {
    command.insert(command.end(), {"-P", file});
  }
  return command;
}

void Injection::WaitUntilWritten() const {
  const std::string trace = directory_.Path("trace");
  integration::WaitUntil(kWrittenLimit, [&] {
    const std::string text = integration::ReadFile(trace);
    const size_t last_line = text.rfind('\n', text.size() - 2);
    return absl::StrContains(text.substr(last_line + 1), "+++ ");
  });
}

bool Injection::killed() const {
  return absl::StrContains(integration::ReadFile(directory_.Path("trace")),
                           "+++ killed by SIGKILL");
}

std::string Injection::Injected() const {
  std::istringstream lines(integration::ReadFile(directory_.Path("trace")));
  std::map<std::string, std::string> begun;  // By thread.
  std::string line;
  while (std::getline(lines, line)) {
    auto [thread, call] = Split(line);
    const bool injected = absl::StrContains(call, "(INJECTED)");
    const bool resumed = absl::StartsWith(call, "<... ");
    if (injected) return resumed ? begun[thread] : call;
    if (!resumed) begun[thread] = call;
  }
  return "";
}

size_t Injection::InjectedThreads() const {
  std::istringstream lines(integration::ReadFile(directory_.Path("trace")));
  std::set<std::string> threads;
  std::string line;
  while (std::getline(lines, line)) {
    if (!absl::StrContains(line, "(INJECTED)")) continue;
    threads.insert(Split(line).first);
  }
  return threads.size();
}

std::string Injection::Text() const {
  return absl::StrCat(options_.what, " at call ", options_.when, " of ",
                      options_.calls);
}

}  // namespace ledgerd::crash
