#include "tests/bench/daemon.h"

#include <sched.h>
#include <signal.h>

#include <filesystem>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

namespace ledgerd::bench {
namespace {

namespace fs = std::filesystem;
using integration::Finished;
using integration::RunToEnd;
using integration::Subprocess;

// A replay of many millions may take its time.
constexpr std::chrono::minutes kReadyLimit(10);
constexpr size_t kLogShown = 2000;

// Its children inherit where this thread may run.
class OnProcessor {
 public:
  explicit OnProcessor(std::optional<int> processor) {
    sched_getaffinity(0, sizeof(before_), &before_);
    if (!processor.has_value()) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(*processor, &one);
    sched_setaffinity(0, sizeof(one), &one);
  }

  OnProcessor(const OnProcessor&) = delete;
  OnProcessor& operator=(const OnProcessor&) = delete;

  ~OnProcessor() { sched_setaffinity(0, sizeof(before_), &before_); }

 private:
  cpu_set_t before_{};
};

// The value of the line "key: value".
std::string ValueOf(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind(key + ": ", 0) == 0) return line.substr(key.size() + 2);
  }
  return "";
}

}  // namespace

Daemon::Daemon(Options options)
    : options_(std::move(options)), directory_("ledgerbench") {}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(Options options) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options)));
  LEDGERD_RETURN_IF_ERROR(daemon->Format());
  LEDGERD_RETURN_IF_ERROR(daemon->Launch());
  LEDGERD_RETURN_IF_ERROR(daemon->WaitUntilReady());
  return daemon;
}

absl::Status Daemon::Format() {
  const Finished finished =
      RunToEnd({options_.program, "format", "--data-dir=" + Path("data")});
  if (finished.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("ledgerd format: ", finished.output, finished.errors));
}

absl::Status Daemon::Launch() {
  std::vector<std::string> command = {options_.program,
                                      "start",
                                      "--data-dir=" + Path("data"),
                                      "--client-address=127.0.0.1:0",
                                      "--admin-address=127.0.0.1:0",
                                      "--ready-file=" + Path("ready")};
  command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  const OnProcessor here(options_.processor);
  LEDGERD_ASSIGN_OR_RETURN(process_,
                           Subprocess::Start({.command = std::move(command)}));
  return absl::OkStatus();
}

absl::Status Daemon::WaitUntilReady() {
  bool ended = false;
  const bool ready = integration::WaitUntil(kReadyLimit, [&] {
    ended = process_->WaitFor(std::chrono::microseconds(200)).has_value();
    return ended || fs::exists(Path("ready"));
  });
  if (!ready || ended) {
    const std::string log = process_->Output() + process_->Errors();
    return absl::InternalError(
        absl::StrCat("ledgerd did not start: ",
                     log.substr(log.size() - std::min(log.size(), kLogShown))));
  }
  const std::string text = integration::ReadFile(Path("ready"));
  address_ = ValueOf(text, "client_address");
  admin_address_ = ValueOf(text, "admin_address");
  return absl::OkStatus();
}

uint64_t Daemon::StoredBytes() const {
  uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry :
       fs::recursive_directory_iterator(Path("data"), gone)) {
    const uint64_t size =
        entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

absl::StatusOr<std::chrono::nanoseconds> Daemon::KillAndRestart() {
  process_->Signal(SIGKILL);
  process_->Wait();
  fs::remove(Path("ready"));
  const auto begin = std::chrono::steady_clock::now();
  LEDGERD_RETURN_IF_ERROR(Launch());
  LEDGERD_RETURN_IF_ERROR(WaitUntilReady());
  return std::chrono::steady_clock::now() - begin;
}

}  // namespace ledgerd::bench
