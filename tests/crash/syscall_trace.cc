#include "tests/crash/syscall_trace.h"

#include <chrono>
#include <cstring>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

constexpr std::chrono::seconds kWrittenLimit(30);
constexpr char kStrace[] = "/usr/bin/strace";
constexpr char kUnfinished[] = " <unfinished ...>";
constexpr char kResumed[] = " resumed>";

// A line is "PID  call(...) = result": both parts.
std::pair<std::string, std::string> Split(const std::string& line) {
  const size_t pid_end = line.find(' ');
  const size_t call = line.find_first_not_of(' ', pid_end);
  if (call == std::string::npos) return {};
  return {line.substr(0, pid_end), line.substr(call)};
}

int Digit(char digit) {
  return absl::ascii_isdigit(digit) ? digit - '0'
                                    : absl::ascii_tolower(digit) - 'a' + 10;
}

// The character that an escape stands for; `at` is its first character after
// the backslash, and then its last. Octal and hexadecimal ones are numbers.
char Unescape(absl::string_view text, size_t& at) {
  constexpr absl::string_view kLetters = "ntrvf";
  constexpr absl::string_view kMeanings = "\n\t\r\v\f";
  if (text[at] == 'x' && at + 2 < text.size()) {
    at += 2;
    return static_cast<char>(16 * Digit(text[at - 1]) + Digit(text[at]));
  }
  if (text[at] >= '0' && text[at] <= '7') {
    int value = Digit(text[at]);
    for (int i = 0; i < 2 && at + 1 < text.size() && text[at + 1] >= '0' &&
                    text[at + 1] <= '7';
         ++i) {
      value = 8 * value + Digit(text[++at]);
    }
    return static_cast<char>(value);
  }
  const size_t letter = kLetters.find(text[at]);
  return letter == absl::string_view::npos ? text[at] : kMeanings[letter];
}

}  // namespace

absl::string_view TracedCall::file() const {
  const absl::string_view all = text;
  const size_t begin = all.find('<');
  const size_t argument_end = all.find_first_of(",)");
  if (begin == absl::string_view::npos || begin > argument_end) return "";
  return all.substr(begin + 1, all.find('>', begin) - begin - 1);
}

int64_t TracedCall::result() const {
  constexpr char kResult[] = " = ";
  const size_t at = text.rfind(kResult);
  if (!ended.has_value() || at == std::string::npos) return -1;
  const absl::string_view rest =
      absl::string_view(text).substr(at + std::strlen(kResult));
  int64_t value = -1;
  if (!absl::SimpleAtoi(rest.substr(0, rest.find(' ')), &value)) return -1;
  return value;
}

std::vector<TracedCall> ReadTrace(const std::string& text) {
  std::vector<TracedCall> calls;
  std::map<std::string, size_t> inside;  // By thread: the call that it is in.
  std::istringstream lines(text);
  std::string line;
  for (size_t place = 0; std::getline(lines, line); ++place) {
    const auto [thread, call] = Split(line);
    if (absl::StartsWith(call, "<... ")) {
      const size_t resumed = call.find(kResumed);
      const auto begun = inside.find(thread);
      if (begun == inside.end() || resumed == std::string::npos) continue;
      TracedCall& whole = calls[begun->second];
      whole.text += call.substr(resumed + std::strlen(kResumed));
      whole.ended = place;
      inside.erase(begun);
      continue;
    }
    const size_t name_end = call.find('(');
    // "+++ exited with 0 +++", "--- SIGTERM {...} ---".
    if (name_end == std::string::npos || !absl::ascii_isalpha(call[0])) {
      continue;
    }
    TracedCall next{.thread = thread,
                    .name = call.substr(0, name_end),
                    .text = call,
                    .begun = place};
    if (absl::EndsWith(call, kUnfinished)) {
      next.text.resize(call.size() - std::strlen(kUnfinished));
      inside[thread] = calls.size();
    } else {
      next.ended = place;
    }
    calls.push_back(std::move(next));
  }
  return calls;
}

std::optional<Quoted> ReadQuoted(absl::string_view text, size_t begin) {
  if (begin >= text.size() || text[begin] != '"') return std::nullopt;
  Quoted quoted;
  for (size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      quoted.end = at + 1;
      // Longer than -s lets strace write.
      if (absl::StartsWith(text.substr(quoted.end), "...")) break;
      return quoted;
    }
    const bool escaped = text[at] == '\\' && at + 1 < text.size();
    quoted.bytes.push_back(escaped ? Unescape(text, ++at) : text[at]);
  }
  return std::nullopt;
}

SyscallTrace::SyscallTrace(std::string calls, std::vector<std::string> more)
    : calls_(std::move(calls)), more_(std::move(more)) {}

// Not --seccomp-bpf: strace 6.1 injects no signals then.
std::vector<std::string> SyscallTrace::Command() const {
  std::vector<std::string> command = {kStrace, "-D", "-f", "-y"};
  command.insert(command.end(),
                 {"-o", Path(), "-e", absl::StrCat("trace=", calls_)});
  command.insert(command.end(), more_.begin(), more_.end());
  return command;
}

void SyscallTrace::WaitUntilWritten() const {
  integration::WaitUntil(kWrittenLimit, [&] {
    const std::string text = Text();
    const size_t last_line = text.rfind('\n', text.size() - 2);
    return absl::StrContains(text.substr(last_line + 1), "+++ ");
  });
}

std::string SyscallTrace::Text() const { return integration::ReadFile(Path()); }

}  // namespace ledgerd::crash
