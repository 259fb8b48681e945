#include "client/ledgerctl/diagnosis.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "client/ledgerctl/group_advice.h"
#include "client/ledgerctl/roles.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

// As the alerts of deploy/monitoring have them.
constexpr uint64_t kLagMax = 10'000;
constexpr uint64_t kFreeBytesMin = uint64_t{5} << 30;
constexpr uint64_t kDay = 86'400;
constexpr uint64_t kScrubbedWithin = 8 * kDay;
constexpr uint64_t kRecoveryMax = uint64_t{30} * 60;

// Of incidents: the first ones are the newest.
constexpr size_t kIncidentsMax = 10;

std::string Of(uint64_t replica) { return absl::StrCat("replica ", replica); }

uint64_t SecondsSince(const google::protobuf::Timestamp& time, Timestamp now) {
  const uint64_t seconds = now.value() / kNanosPerSecond;
  const auto then = static_cast<uint64_t>(time.seconds());
  return seconds - std::min(seconds, then);
}

// Gathers what is found.
class Doctor {
 public:
  explicit Doctor(const Examination& examination) : examined_(examination) {
    for (const Asked& asked : examination.replicas) {
      if (asked.status.ok()) answers_.push_back(&*asked.status);
    }
  }

  std::vector<Finding> Run() {
    LookAtIdentities();
    LookAtPrimaries();
    LookAtPorts();
    for (const v1::GetStatusResponse* status : answers_) LookAt(*status);
    LookAtVersions();
    LookAtIncidents();
    std::stable_sort(findings_.begin(), findings_.end(),
                     [](const Finding& a, const Finding& b) {
                       return a.severity < b.severity;
                     });
    return std::move(findings_);
  }

 private:
  void Add(Severity severity, const std::string& where, const std::string& what,
           const std::string& todo) {
    findings_.push_back({severity, where, what, todo});
  }

  // The primary of the highest epoch; null when nobody says that it is one.
  const v1::GetStatusResponse* Primary() const {
    const v1::GetStatusResponse* primary = nullptr;
    for (const v1::GetStatusResponse* status : answers_) {
      if (status->role() != v1::ROLE_PRIMARY) continue;
      if (primary == nullptr || status->epoch() > primary->epoch()) {
        primary = status;
      }
    }
    return primary;
  }

  void LookAtIdentities() {
    std::set<std::string> clusters;
    for (const v1::GetStatusResponse* status : answers_) {
      clusters.insert(status->cluster_id());
    }
    if (clusters.size() < 2) return;
    Add(Severity::kWarning, "group",
        absl::StrCat("these are replicas of ", clusters.size(),
                     " groups: ", absl::StrJoin(clusters, ", ")),
        "name those of one group alone in --admin-address; a restored group "
        "has nothing to do with the old one");
  }

  void LookAtPrimaries() {
    const v1::GetStatusResponse* const primary = Primary();
    for (const v1::GetStatusResponse* status : answers_) {
      if (status == primary || status->role() != v1::ROLE_PRIMARY) continue;
      Add(Severity::kWarning, Of(status->replica_id()),
          absl::StrCat("it says that it is the primary, of epoch ",
                       status->epoch(), "; so does replica ",
                       primary->replica_id(), ", of ", primary->epoch()),
          "nothing, if it has ended when you ask again; else two groups have "
          "gone on apart: RUNBOOK.md, LedgerdTwoPrimaries");
    }
    // What is missing, the primary knows best.
    if (answers_.empty()) return;
    const v1::GetStatusResponse& status =
        primary != nullptr ? *primary : *answers_.front();
    const bool stands = status.primary_id() == 0 || status.fault_margin() < 0;
    for (const Advice& advice : AdviceOf(status)) {
      Add(stands ? Severity::kCritical : Severity::kWarning, "group",
          advice.what, advice.todo);
    }
  }

  void LookAtPorts() {
    for (const Asked& asked : examined_.replicas) {
      if (asked.status.ok()) continue;
      Add(Severity::kWarning, asked.address,
          absl::StrCat("no answer to operators: ",
                       std::string(asked.status.status().message())),
          "start that replica. If the others hear it, its admin_address is "
          "not reached from here");
    }
    if (examined_.clients.ok()) return;
    Add(Severity::kWarning, "clients",
        absl::StrCat("no answer to clients: ",
                     std::string(examined_.clients.message())),
        "name the replicas' client_address with --address; payments come that "
        "way");
  }

  void LookAt(const v1::GetStatusResponse& status) {
    const std::string where = Of(status.replica_id());
    for (const v1::Alarm& alarm : status.alarms()) {
      Add(alarm.blocks().empty() ? Severity::kWarning : Severity::kCritical,
          where, absl::StrCat(alarm.name(), ": ", alarm.message()),
          absl::StrCat("RUNBOOK.md, ", alarm.name()));
    }
    if (status.disk_free_bytes() < kFreeBytesMin) {
      Add(Severity::kWarning, where,
          absl::StrCat("less than 5 GiB are free on its disk: ",
                       status.disk_free_bytes() >> 20, " MiB"),
          "free some: at 0 writes are refused with DISK_FULL");
    }
    LookAtProgress(status);
    const bool scrubbed =
        status.has_last_scrub_at() &&
        SecondsSince(status.last_scrub_at(), examined_.now) < kScrubbedWithin;
    if (!scrubbed &&
        SecondsSince(status.started_at(), examined_.now) > kScrubbedWithin) {
      Add(Severity::kWarning, where,
          "its disk was not read as a whole for more than a week",
          "see scrub.interval_seconds and scrub.bytes_per_second");
    }
  }

  void LookAtProgress(const v1::GetStatusResponse& status) {
    if (status.role() == v1::ROLE_RECOVERING ||
        status.role() == v1::ROLE_PROMOTING ||
        status.role() == v1::ROLE_LEARNER) {
      Add(Severity::kNote, Of(status.replica_id()),
          absl::StrCat("it is ", RoleName(status.role()), " at entry ",
                       status.applied_sequence()),
          "wait, and see whether it gets further: 'ledgerctl status -w' there");
    }
    if (status.role() != v1::ROLE_PRIMARY) return;
    for (const v1::ReplicaStatus& replica : status.replicas()) {
      if (!replica.connected() || replica.lag_entries() <= kLagMax) continue;
      Add(Severity::kWarning, Of(replica.replica_id()),
          absl::StrCat("it is ", replica.lag_entries(), " entries behind"),
          "nothing, if that gets less; else its disk or network is slower than "
          "what is paid");
    }
  }

  void LookAtVersions() {
    std::set<std::string> versions;
    for (const v1::GetStatusResponse* status : answers_) {
      versions.insert(status->version());
    }
    if (versions.size() < 2) return;
    Add(Severity::kNote, "group",
        absl::StrCat("its replicas are of different builds: ",
                     absl::StrJoin(versions, ", ")),
        "finish the upgrade: standbys first, the primary last");
  }

  void LookAtIncidents() {
    size_t found = 0;
    for (const v1::Incident& incident : examined_.incidents) {
      if (found == kIncidentsMax) return;
      const bool hangs =
          incident.outcome() == v1::INCIDENT_OUTCOME_IN_PROGRESS &&
          incident.kind() < v1::INCIDENT_KIND_PEER_LOST &&
          SecondsSince(incident.started_at(), examined_.now) > kRecoveryMax;
      const bool failed =
          incident.outcome() == v1::INCIDENT_OUTCOME_FAILED ||
          incident.outcome() == v1::INCIDENT_OUTCOME_SUCCESS_WITH_LOSS ||
          incident.lost_entries() > 0;
      if (!hangs && !failed) continue;
      ++found;
      Add(incident.lost_entries() > 0 ? Severity::kWarning : Severity::kNote,
          Of(incident.replica_id()),
          absl::StrCat("in the last day: ", incident.cause(),
                       incident.resolution().empty() ? "" : "; ",
                       incident.resolution(),
                       hangs ? "; it has not ended for half an hour" : ""),
          "'ledgerctl incidents' has all of them");
    }
  }

  const Examination& examined_;
  std::vector<const v1::GetStatusResponse*> answers_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string Name(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
      return "critical";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "";
}

std::vector<Finding> Diagnose(const Examination& examination) {
  return Doctor(examination).Run();
}

}  // namespace ledgerd::client
