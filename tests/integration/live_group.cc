#include "tests/integration/live_group.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

#include "proto/base/status_macros.h"

namespace ledgerd::integration {
namespace {

constexpr char kCluster[] = "--cluster-id=00000000-0000-0000-0000-00000000c0de";
constexpr std::chrono::seconds kAnswerLimit(1);
constexpr std::chrono::minutes kGroupLimit(2);
constexpr size_t kLogShown = 6'000;

std::unique_ptr<admin::v1::AdminService::Stub> StubFor(
    const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return admin::v1::AdminService::NewStub(grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), arguments));
}

}  // namespace

LiveGroup::LiveGroup(size_t replicas, bool last_is_witness,
                     std::vector<std::string> more_flags)
    : last_is_witness_(last_is_witness), more_flags_(std::move(more_flags)) {
  for (size_t i = 0; i < replicas; ++i) {
    replicas_.push_back(std::make_unique<Replica>());
    replicas_[i]->stub = StubFor(replicas_[i]->admin.address());
  }
}

std::string LiveGroup::data_directory(size_t replica) const {
  return directory_.Path(absl::StrCat("data", replica + 1));
}

void LiveGroup::PutProxiesBetween() {
  for (size_t from = 0; from < size(); ++from) {
    for (size_t to = 0; to < size(); ++to) {
      if (from == to) continue;
      proxies_.try_emplace({from, to}, replicas_[to]->replication.port());
    }
  }
}

void LiveGroup::Cut(size_t from, size_t to, bool cut) {
  proxies_.at({from, to}).Block(cut);
}

std::string LiveGroup::Members(size_t of) const {
  std::string members;
  for (size_t i = 0; i < size(); ++i) {
    const auto proxy = proxies_.find({of, i});
    absl::StrAppend(&members, i == 0 ? "" : ",", i + 1, "@",
                    proxy == proxies_.end()
                        ? replicas_[i]->replication.address()
                        : proxy->second.address());
  }
  if (last_is_witness_) absl::StrAppend(&members, ":witness");
  return members;
}

absl::Status LiveGroup::LaunchAll() {
  for (size_t i = 0; i < size(); ++i) LEDGERD_RETURN_IF_ERROR(Launch(i));
  return absl::OkStatus();
}

absl::Status LiveGroup::Start() {
  LEDGERD_RETURN_IF_ERROR(LaunchAll());
  for (size_t i = 0; i < size(); ++i) {
    LEDGERD_RETURN_IF_ERROR(daemon(i).WaitUntilReady());
  }
  return absl::OkStatus();
}

absl::Status LiveGroup::Launch(size_t replica) {
  std::vector<std::string> flags = more_flags_;
  flags.push_back("--members=" + Members(replica));
  if (!std::filesystem::exists(data_directory(replica))) {
    std::vector<std::string> format = flags;
    format.insert(format.end(),
                  {kCluster, absl::StrCat("--replica-id=", replica + 1)});
    LEDGERD_RETURN_IF_ERROR(
        FormatDataDirectory(data_directory(replica), format));
  }
  flags.push_back("--admin-address=" + replicas_[replica]->admin.address());
  LEDGERD_ASSIGN_OR_RETURN(
      replicas_[replica]->daemon,
      DaemonProcess::Launch(
          {.data_directory = data_directory(replica),
           .client_address = replicas_[replica]->client.address(),
           .more_flags = std::move(flags)}));
  return absl::OkStatus();
}

absl::Status LiveGroup::Kill(size_t replica) {
  const absl::Status killed = daemon(replica).Kill9();
  replicas_[replica]->daemon.reset();
  return killed;
}

std::vector<std::string> LiveGroup::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& replica : replicas_) {
    addresses.push_back(replica->client.address());
  }
  return addresses;
}

std::optional<admin::v1::GetStatusResponse> LiveGroup::Status(size_t replica) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerLimit);
  admin::v1::GetStatusResponse response;
  const grpc::Status status =
      replicas_[replica]->stub->GetStatus(&context, {}, &response);
  if (!status.ok()) return std::nullopt;
  return response;
}

std::optional<size_t> LiveGroup::Primary(const std::set<size_t>& but) {
  std::optional<size_t> primary;
  uint64_t epoch = 0;
  for (size_t i = 0; i < size(); ++i) {
    if (but.contains(i) || !runs(i)) continue;
    const auto status = Status(i);
    if (!status.has_value() || status->role() != admin::v1::ROLE_PRIMARY ||
        status->epoch() < epoch) {
      continue;
    }
    primary = i;
    epoch = status->epoch();
  }
  return primary;
}

std::optional<size_t> LiveGroup::WaitForPrimary(const std::set<size_t>& but) {
  std::optional<size_t> primary;
  WaitUntil(kGroupLimit, [&] {
    primary = Primary(but);
    return primary.has_value();
  });
  return primary;
}

bool LiveGroup::AreEqual() {
  std::optional<admin::v1::GetStatusResponse> first;
  for (size_t i = 0; i < size(); ++i) {
    const auto status = Status(i);
    if (!status.has_value()) return false;
    const uint64_t last = status->journal_last_sequence();
    if (status->commit_sequence() != last) return false;
    if (status->role() != admin::v1::ROLE_WITNESS &&
        status->applied_sequence() != last) {
      return false;
    }
    if (!first.has_value()) first = status;
    if (first->commit_hash() != status->commit_hash()) return false;
  }
  return true;
}

bool LiveGroup::WaitUntilEqual() {
  return WaitUntil(kGroupLimit, [this] { return AreEqual(); });
}

std::string LiveGroup::Logs() const {
  std::string logs;
  for (size_t i = 0; i < size(); ++i) {
    if (!runs(i)) continue;
    const std::string log = replicas_[i]->daemon->Log();
    absl::StrAppend(
        &logs, "---- replica ", i + 1, "\n",
        log.size() <= kLogShown ? log : log.substr(log.size() - kLogShown));
  }
  return logs;
}

}  // namespace ledgerd::integration
