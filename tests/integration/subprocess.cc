#include "tests/integration/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace ledgerd::integration {
namespace {

constexpr int kCannotStart = 127;

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

void RedirectTo(const char* path, int descriptor) {
  const int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(kCannotStart);
  close(file);
}

// In the child: only what is allowed between fork and exec.
[[noreturn]] void Become(char* const* arguments, const char* directory,
                         const char* output, const char* errors, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotStart);
  RedirectTo(output, STDOUT_FILENO);
  RedirectTo(errors, STDERR_FILENO);
  if (*directory != '\0' && chdir(directory) != 0) _exit(kCannotStart);
  execv(arguments[0], arguments);
  const char* reason = std::strerror(errno);
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, reason, std::strlen(reason));
  _exit(kCannotStart);
}

timespec ToTimespec(std::chrono::microseconds duration) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(duration);
  timespec spec{};
  spec.tv_sec = seconds.count();
  spec.tv_nsec = std::chrono::nanoseconds(duration - seconds).count();
  return spec;
}

}  // namespace

Subprocess::Subprocess() : directory_("process") {}

absl::StatusOr<std::unique_ptr<Subprocess>> Subprocess::Start(Options options) {
  LEDGERD_CHECK(!options.command.empty());
  std::unique_ptr<Subprocess> process(new Subprocess());
  LEDGERD_RETURN_IF_ERROR(process->Fork(options));
  return process;
}

absl::Status Subprocess::Fork(const Options& options) {
  if (access(options.command[0].c_str(), X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("no program at ", options.command[0]));
  }
  const std::vector<char*> arguments = Pointers(options.command);
  const std::string output = directory_.Path("stdout");
  const std::string errors = directory_.Path("stderr");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    Become(arguments.data(), options.directory.c_str(), output.c_str(),
           errors.c_str(), parent);
  }
  if (pid_ < 0) return absl::InternalError(std::strerror(errno));
  pid_descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  LEDGERD_CHECK(pid_descriptor_ >= 0) << "pidfd_open: " << std::strerror(errno);
  return absl::OkStatus();
}

Subprocess::~Subprocess() {
  if (pid_ <= 0) return;
  Signal(SIGKILL);
  Wait();
  close(pid_descriptor_);
}

void Subprocess::Signal(int signal) {
  if (!exit_code_.has_value()) kill(pid_, signal);
}

std::optional<int> Subprocess::WaitFor(std::chrono::microseconds timeout) {
  if (exit_code_.has_value()) return exit_code_;
  pollfd ended{.fd = pid_descriptor_, .events = POLLIN, .revents = 0};
  const timespec limit = ToTimespec(timeout);
  if (ppoll(&ended, 1, &limit, nullptr) <= 0) return std::nullopt;
  int status = 0;
  LEDGERD_CHECK(waitpid(pid_, &status, 0) == pid_);
  exit_code_ =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return exit_code_;
}

int Subprocess::Wait() {
  while (!WaitFor(std::chrono::seconds(1)).has_value()) {
  }
  return *exit_code_;
}

std::string Subprocess::Output() const {
  return ReadFile(directory_.Path("stdout"));
}

std::string Subprocess::Errors() const {
  return ReadFile(directory_.Path("stderr"));
}

Finished RunToEnd(std::vector<std::string> command) {
  auto process = Subprocess::Start({.command = std::move(command)});
  if (!process.ok()) return {.errors = process.status().ToString()};
  const int exit_code = (*process)->Wait();
  return {.exit_code = exit_code,
          .output = (*process)->Output(),
          .errors = (*process)->Errors()};
}

void PauseBetweenLooks() { poll(nullptr, 0, 2); }

}  // namespace ledgerd::integration
