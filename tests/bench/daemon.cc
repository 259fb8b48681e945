#include "tests/bench/daemon.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

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
// Of its own words, also beside other load.
constexpr std::chrono::seconds kAnswerLimit(30);

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

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Launch(Options options) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options)));
  LEDGERD_RETURN_IF_ERROR(daemon->Format());
  LEDGERD_RETURN_IF_ERROR(daemon->Begin());
  return daemon;
}

absl::Status Daemon::Format() {
  std::vector<std::string> command = {options_.program, "format",
                                      "--data-dir=" + data_directory()};
  command.insert(command.end(), options_.format_flags.begin(),
                 options_.format_flags.end());
  const Finished finished = RunToEnd(std::move(command));
  if (finished.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("ledgerd format: ", finished.output, finished.errors));
}

absl::Status Daemon::Begin() {
  std::vector<std::string> command = {
      options_.program,
      "start",
      "--data-dir=" + data_directory(),
      "--client-address=127.0.0.1:0",
      "--admin-address=" + options_.admin_address,
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
    return absl::InternalError("ledgerd did not start: " + Log());
  }
  const std::string text = integration::ReadFile(Path("ready"));
  address_ = ValueOf(text, "client_address");
  admin_ = admin::v1::AdminService::NewStub(grpc::CreateChannel(
      ValueOf(text, "admin_address"), grpc::InsecureChannelCredentials()));
  return absl::OkStatus();
}

absl::Status Daemon::Promote(uint64_t replica_id) const {
  const auto admin = admin::v1::AdminService::NewStub(grpc::CreateChannel(
      options_.admin_address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerLimit);
  context.set_wait_for_ready(true);
  admin::v1::SwitchoverRequest request;
  request.set_target_replica_id(replica_id);
  admin::v1::SwitchoverResponse response;
  const grpc::Status status = admin->Switchover(&context, request, &response);
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError("Switchover: " + status.error_message());
}

absl::StatusOr<admin::v1::GetStatusResponse> Daemon::Status() const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerLimit);
  admin::v1::GetStatusResponse response;
  const grpc::Status status = admin_->GetStatus(&context, {}, &response);
  if (status.ok()) return response;
  return absl::UnavailableError(absl::StrCat(
      "GetStatus: ", status.error_message(), "; the end of the log: ", Log()));
}

std::string Daemon::Log() const {
  const std::string log = process_->Output() + process_->Errors();
  return log.substr(log.size() - std::min(log.size(), kLogShown));
}

uint64_t Daemon::StoredBytes() const {
  uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry :
       fs::recursive_directory_iterator(data_directory(), gone)) {
    const uint64_t size =
        entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

void Daemon::Freeze() { process_->Signal(SIGSTOP); }

void Daemon::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

absl::StatusOr<std::chrono::nanoseconds> Daemon::KillAndRestart() {
  Kill();
  fs::remove(Path("ready"));
  const auto begin = std::chrono::steady_clock::now();
  LEDGERD_RETURN_IF_ERROR(Begin());
  LEDGERD_RETURN_IF_ERROR(WaitUntilReady());
  return std::chrono::steady_clock::now() - begin;
}

}  // namespace ledgerd::bench
