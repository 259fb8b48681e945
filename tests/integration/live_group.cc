#include "tests/integration/live_group.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

#include "proto/base/status_macros.h"
#include "tests/integration/loopback_network.h"

namespace ledgerd::integration {
namespace {

constexpr char kCluster[] = "--cluster-id=00000000-0000-0000-0000-00000000c0de";
constexpr std::chrono::seconds kAnswerLimit(1);
constexpr std::chrono::seconds kSwitchoverLimit(30);
constexpr std::chrono::minutes kGroupLimit(2);
constexpr size_t kLogShown = 6'000;

std::unique_ptr<admin::v1::AdminService::Stub> StubFor(
    const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  // For how long a connection may take to come about.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return admin::v1::AdminService::NewStub(grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), arguments));
}

// The number after `key` in a line of a log.
uint64_t NumberAfter(const std::string& line, const std::string& key) {
  const size_t at = line.find(key);
  return at == std::string::npos
             ? 0
             : std::strtoull(line.c_str() + at + key.size(), nullptr, 10);
}

}  // namespace

LiveGroup::LiveGroup(size_t replicas, bool last_is_witness,
                     std::vector<std::string> more_flags,
                     std::unique_ptr<GroupNetwork> network)
    : last_is_witness_(last_is_witness),
      more_flags_(std::move(more_flags)),
      network_(network != nullptr
                   ? std::move(network)
                   : std::make_unique<LoopbackNetwork>(replicas)) {
  for (size_t i = 0; i < replicas; ++i) {
    replicas_.push_back(std::make_unique<Replica>());
    replicas_[i]->stub = StubFor(network_->ports(i).admin);
  }
}

std::string LiveGroup::data_directory(size_t replica) const {
  return directory_.Path(absl::StrCat("data", replica + 1));
}

std::string LiveGroup::Members(size_t of) const {
  std::string members;
  for (size_t i = 0; i < size(); ++i) {
    absl::StrAppend(&members, i == 0 ? "" : ",", i + 1, "@",
                    network_->PeerAddress(of, i));
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
  const ReplicaPorts ports = network_->ports(replica);
  flags.push_back("--admin-address=" + ports.admin);
  std::vector<std::string> under = network_->Under(replica);
  const std::vector<std::string>& more = replicas_[replica]->under;
  under.insert(under.end(), more.begin(), more.end());
  LEDGERD_ASSIGN_OR_RETURN(
      replicas_[replica]->daemon,
      DaemonProcess::Launch({.data_directory = data_directory(replica),
                             .client_address = ports.client,
                             .more_flags = std::move(flags),
                             .under = std::move(under)}));
  return absl::OkStatus();
}

void LiveGroup::Forget(size_t replica) {
  replicas_[replica]->past_log += daemon(replica).Log();
  replicas_[replica]->daemon.reset();
}

absl::Status LiveGroup::Kill(size_t replica) {
  const absl::Status killed = daemon(replica).Kill9();
  Forget(replica);
  return killed;
}

int LiveGroup::Terminate(size_t replica) {
  const int exit_code = daemon(replica).Terminate();
  Forget(replica);
  return exit_code;
}

std::optional<int> LiveGroup::WaitForEnd(size_t replica) {
  const std::optional<int> exit_code =
      daemon(replica).process().WaitFor(kGroupLimit);
  if (exit_code.has_value()) Forget(replica);
  return exit_code;
}

std::vector<std::string> LiveGroup::addresses() const {
  std::vector<std::string> addresses;
  for (size_t i = 0; i < size(); ++i) {
    addresses.push_back(network_->ports(i).client);
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

admin::v1::GetStatusResponse LiveGroup::WaitForStatus(size_t replica) {
  std::optional<admin::v1::GetStatusResponse> status;
  WaitUntil(kGroupLimit, [&] {
    status = Status(replica);
    return status.has_value();
  });
  return status.value_or(admin::v1::GetStatusResponse());
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

absl::StatusOr<admin::v1::SwitchoverResponse> LiveGroup::Switchover(
    size_t replica, size_t target) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kSwitchoverLimit);
  admin::v1::SwitchoverRequest request;
  request.set_target_replica_id(target + 1);
  admin::v1::SwitchoverResponse response;
  const grpc::Status status =
      replicas_[replica]->stub->Switchover(&context, request, &response);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  return response;
}

bool LiveGroup::AreEqual() {
  std::optional<admin::v1::GetStatusResponse> first;
  for (size_t i = 0; i < size(); ++i) {
    if (!runs(i)) continue;
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

// As standing.cc logs it: "... role role=primary epoch=3 ...".
std::map<uint64_t, std::set<size_t>> LiveGroup::PrimariesByEpoch() const {
  std::map<uint64_t, std::set<size_t>> primaries;
  for (size_t i = 0; i < size(); ++i) {
    std::istringstream log(replicas_[i]->past_log +
                           (runs(i) ? replicas_[i]->daemon->Log() : ""));
    std::string line;
    while (std::getline(log, line)) {
      if (!absl::StrContains(line, " role=primary ")) continue;
      primaries[NumberAfter(line, " epoch=")].insert(i);
    }
  }
  return primaries;
}

}  // namespace ledgerd::integration
