#include "tests/integration/daemon_process.h"

#include <signal.h>

#include <filesystem>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"

namespace ledgerd::integration {
namespace {

// A limit for a daemon that hangs; one that is slow is waited for.
constexpr std::chrono::minutes kReadyLimit(3);
constexpr size_t kLogShown = 4000;

// The value of the line "key: value"; empty when there is none.
std::string ValueOf(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind(key + ": ", 0) == 0) return line.substr(key.size() + 2);
  }
  return "";
}

std::string End(const std::string& log) {
  return log.size() <= kLogShown ? log : log.substr(log.size() - kLogShown);
}

}  // namespace

std::string LedgerdPath() { return Runfile("server/ledgerd"); }

std::string LedgerctlPath() { return Runfile("client/ledgerctl/ledgerctl"); }

absl::Status FormatDataDirectory(const std::string& data_directory,
                                 const std::vector<std::string>& more_flags) {
  std::vector<std::string> command = {LedgerdPath(), "format",
                                      "--data-dir=" + data_directory};
  command.insert(command.end(), more_flags.begin(), more_flags.end());
  const Finished finished = RunToEnd(std::move(command));
  if (finished.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("ledgerd format: exit code ",
                                          finished.exit_code, ": ",
                                          finished.output, finished.errors));
}

Finished Ledgerctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), LedgerctlPath());
  return RunToEnd(std::move(arguments));
}

absl::StatusOr<std::unique_ptr<DaemonProcess>> DaemonProcess::Launch(
    const Options& options) {
  std::unique_ptr<DaemonProcess> daemon(
      new DaemonProcess(std::make_unique<TestDirectory>("ledgerd")));
  std::vector<std::string> command = options.under;
  command.insert(
      command.end(),
      {LedgerdPath(), "start", "--data-dir=" + options.data_directory,
       "--client-address=" + options.client_address,
       "--admin-address=127.0.0.1:0", "--ready-file=" + daemon->ReadyFile()});
  command.insert(command.end(), options.more_flags.begin(),
                 options.more_flags.end());
  LEDGERD_ASSIGN_OR_RETURN(daemon->process_,
                           Subprocess::Start({.command = std::move(command)}));
  return daemon;
}

absl::StatusOr<std::unique_ptr<DaemonProcess>> DaemonProcess::Start(
    const Options& options) {
  LEDGERD_ASSIGN_OR_RETURN(auto daemon, Launch(options));
  LEDGERD_RETURN_IF_ERROR(daemon->WaitUntilReady());
  return daemon;
}

bool DaemonProcess::ready() const {
  return std::filesystem::exists(ReadyFile());
}

absl::Status DaemonProcess::WaitUntilReady() {
  std::optional<int> exit_code;
  const bool decided = WaitUntil(kReadyLimit, [&] {
    exit_code = process_->WaitFor(std::chrono::milliseconds(1));
    return ready() || exit_code.has_value();
  });
  if (exit_code.has_value()) {
    return Failure(absl::StrCat("ended with exit code ", *exit_code));
  }
  return decided ? ReadAddresses() : Failure("is not ready");
}

absl::Status DaemonProcess::ReadAddresses() {
  const std::string text = ReadFile(ReadyFile());
  client_address_ = ValueOf(text, "client_address");
  admin_address_ = ValueOf(text, "admin_address");
  if (client_address_.empty() || admin_address_.empty() ||
      ValueOf(text, "pid") != std::to_string(process_->pid())) {
    return Failure("wrote a bad ready file: " + text);
  }
  return absl::OkStatus();
}

absl::Status DaemonProcess::Failure(const std::string& what) const {
  return absl::InternalError(
      absl::StrCat("ledgerd ", what, "; the end of its log:\n", End(Log())));
}

absl::Status DaemonProcess::Kill9() {
  process_->Signal(SIGKILL);
  const int exit_code = process_->Wait();
  if (exit_code == kKilled) return absl::OkStatus();
  return Failure(absl::StrCat("had ended with exit code ", exit_code));
}

int DaemonProcess::Terminate() {
  process_->Signal(SIGTERM);
  return process_->Wait();
}

std::string DaemonProcess::Log() const {
  return process_->Output() + process_->Errors();
}

}  // namespace ledgerd::integration
