#include "tests/bench/group.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::bench {
namespace {

using ::admin::v1::GetStatusResponse;
using integration::OfflineLedger;

constexpr char kCluster[] = "--cluster-id=00000000-0000-0000-0000-0000000be4c4";
constexpr std::chrono::minutes kLimit(2);

// Of one that is alone there is none.
std::string MembersFlag(
    const std::vector<std::unique_ptr<integration::ReservedPort>>& ports) {
  std::string flag = "--members=";
  const char* separator = "";
  for (size_t i = 0; i < ports.size(); ++i) {
    absl::StrAppend(&flag, separator, i + 1, "@", ports[i]->address());
    separator = ",";
  }
  return flag;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Group>> Group::Start(
    const Daemon::Options& options, int replicas) {
  std::unique_ptr<Group> group(new Group());
  LEDGERD_RETURN_IF_ERROR(group->Launch(options, replicas));
  if (replicas == 2) LEDGERD_RETURN_IF_ERROR(group->PromoteFirst());
  for (const auto& daemon : group->daemons_) {
    LEDGERD_RETURN_IF_ERROR(daemon->WaitUntilReady());
  }
  LEDGERD_RETURN_IF_ERROR(group->FindPrimary());
  return group;
}

absl::Status Group::Launch(const Daemon::Options& options, int replicas) {
  if (replicas > 1) {
    for (int i = 0; i < replicas; ++i) {
      ports_.push_back(std::make_unique<integration::ReservedPort>());
    }
  }
  for (int i = 0; i < replicas; ++i) {
    Daemon::Options own = options;
    if (replicas > 1) {
      own.flags.push_back(MembersFlag(ports_));
      own.format_flags = {MembersFlag(ports_), kCluster,
                          absl::StrCat("--replica-id=", i + 1)};
    }
    if (i == 0) own.admin_address = first_admin_port_.address();
    LEDGERD_ASSIGN_OR_RETURN(auto daemon, Daemon::Launch(std::move(own)));
    daemons_.push_back(std::move(daemon));
  }
  return absl::OkStatus();
}

absl::Status Group::PromoteFirst() {
  absl::Status status;
  integration::WaitUntil(kLimit, [&] {
    status = daemons_.front()->Promote(1);
    return status.ok();
  });
  return status;
}

absl::Status Group::FindPrimary() {
  if (integration::WaitUntil(kLimit, [this] { return PutPrimaryFirst(); })) {
    return absl::OkStatus();
  }
  return absl::DeadlineExceededError("the group finds no primary");
}

bool Group::PutPrimaryFirst() {
  std::vector<GetStatusResponse> all;
  for (const auto& daemon : daemons_) {
    auto status = daemon->Status();
    if (!status.ok()) return false;
    all.push_back(*std::move(status));
  }
  const auto primary = std::find_if(all.begin(), all.end(), [](const auto& s) {
    return s.role() == admin::v1::ROLE_PRIMARY;
  });
  if (primary == all.end()) return false;
  for (const GetStatusResponse& status : all) {
    if (status.epoch() != primary->epoch() ||
        status.primary_id() != primary->replica_id()) {
      return false;
    }
  }
  epoch_ = primary->epoch();
  primary_id_ = primary->replica_id();
  std::swap(daemons_.front(), daemons_[primary - all.begin()]);
  return true;
}

std::vector<pid_t> Group::pids() const {
  std::vector<pid_t> pids;
  for (const auto& daemon : daemons_) pids.push_back(daemon->pid());
  return pids;
}

absl::Status Group::CheckNoPromotion() const {
  for (const auto& daemon : daemons_) {
    LEDGERD_ASSIGN_OR_RETURN(const GetStatusResponse status, daemon->Status());
    if (status.epoch() == epoch_ && status.primary_id() == primary_id_) {
      continue;
    }
    return absl::InternalError(absl::StrCat(
        "a promotion that nobody asked for: replica ", primary_id_,
        " was primary of epoch ", epoch_, "; now replica ", status.replica_id(),
        " is in epoch ", status.epoch(), " and takes ", status.primary_id(),
        " for its primary (0: nobody)"));
  }
  return absl::OkStatus();
}

double Group::LongestSilenceMs() const {
  double longest = 0;
  for (const auto& daemon : daemons_) {
    const auto status = daemon->Status();
    if (!status.ok()) continue;
    // Standbys say little to each other.
    const bool leads = status->replica_id() == primary_id_;
    for (const admin::v1::ReplicaStatus& other : status->replicas()) {
      if (!leads && other.replica_id() != primary_id_) continue;
      const auto& silence = other.since_heartbeat();
      longest = std::max(longest, static_cast<double>(silence.seconds()) * 1e3 +
                                      silence.nanos() / 1e6);
    }
  }
  return longest;
}

bool Group::AreEqual() const {
  std::optional<std::string> hash;
  for (const auto& daemon : daemons_) {
    const auto status = daemon->Status();
    if (!status.ok() ||
        status->commit_sequence() != status->journal_last_sequence() ||
        status->applied_sequence() != status->journal_last_sequence()) {
      return false;
    }
    if (!hash.has_value()) hash = status->commit_hash();
    if (*hash != status->commit_hash()) return false;
  }
  return true;
}

absl::Status Group::WaitUntilEqual() const {
  if (integration::WaitUntil(kLimit, [this] { return AreEqual(); })) {
    return absl::OkStatus();
  }
  return absl::DeadlineExceededError("the replicas do not become equal");
}

absl::Status Group::CompareStates() {
  // All at once: one that misses another would write that down.
  for (const auto& daemon : daemons_) daemon->Freeze();
  for (const auto& daemon : daemons_) daemon->Kill();
  std::optional<Uint128> hash;
  std::optional<EntryId> last;
  for (const auto& daemon : daemons_) {
    LEDGERD_ASSIGN_OR_RETURN(const auto ledger,
                             OfflineLedger::Open(daemon->data_directory()));
    if (!hash.has_value()) {
      hash = ledger->state_hash();
      last = ledger->last();
    }
    if (ledger->state_hash() != *hash || !(ledger->last() == *last)) {
      return absl::DataLossError(
          absl::StrCat("the replicas' states differ: ", ToString(*hash),
                       " and ", ToString(ledger->state_hash())));
    }
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::bench
