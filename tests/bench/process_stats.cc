#include "tests/bench/process_stats.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/match.h"

namespace ledgerd::bench {
namespace {

std::ifstream Open(pid_t pid, const std::string& name) {
  return std::ifstream("/proc/" + std::to_string(pid) + "/" + name);
}

// The number after "key:"; 0 when there is none.
uint64_t NumberOf(std::ifstream file, const std::string& key) {
  std::string line;
  while (std::getline(file, line)) {
    if (!absl::StartsWith(line, key + ":")) continue;
    return std::stoull(line.substr(key.size() + 1));
  }
  return 0;
}

// Fields 14 and 15 of stat, counted after the name, which may have spaces.
double CpuSeconds(pid_t pid) {
  std::string text;
  std::ifstream file = Open(pid, "stat");
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0;
  double kernel = 0;
  fields >> user >> kernel;
  return (user + kernel) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessStats ReadProcessStats(pid_t pid) {
  constexpr uint64_t kKiB = 1024;
  return {.cpu_seconds = CpuSeconds(pid),
          .written_bytes = NumberOf(Open(pid, "io"), "write_bytes"),
          .read_bytes = NumberOf(Open(pid, "io"), "read_bytes"),
          .resident_bytes = NumberOf(Open(pid, "status"), "VmRSS") * kKiB,
          .resident_bytes_max = NumberOf(Open(pid, "status"), "VmHWM") * kKiB};
}

}  // namespace ledgerd::bench
