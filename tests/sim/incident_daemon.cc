#include "tests/sim/incident_daemon.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "proto/base/check.h"

namespace ledgerd::sim {
namespace {

constexpr char kDirectory[] = "/data";

}  // namespace

IncidentDaemon::IncidentDaemon(Node& node,
                               std::chrono::milliseconds peer_silence)
    : node_(node),
      peer_silence_(peer_silence),
      clock_(node),
      logger_(server::LogLevel::kInfo, server::LogFormat::kText,
              [this](absl::string_view line) {
                log_.append(line.data(), line.size());
              }),
      files_(node.id().value()) {
  files_.MakeDirectory(kDirectory);
}

replication::ReplicaObserver* IncidentDaemon::Begin() {
  process_.reset();
  ++life_;
  refusals_ = 0;
  auto keeper = server::IncidentKeeper::Open(
      files_,
      {.data_dir = kDirectory,
       .replica = node_.id(),
       .on_fault = [](const absl::Status& fault) { LEDGERD_CHECK_OK(fault); }},
      clock_, logger_);
  LEDGERD_CHECK_OK(keeper.status());
  process_.emplace(*std::move(keeper), clock_, logger_, peer_silence_);
  process_->watch.BeginReplay();
  process_->keeper->BeginRunning();
  return &process_->group;
}

void IncidentDaemon::End(bool cleanly) {
  if (cleanly) process_->keeper->EndCleanly();
  process_.reset();
  ++life_;
}

replication::ReplicaStatus IncidentDaemon::Status() {
  replication::ReplicaStatus status = node_.replica().status();
  status.overload_refusals = refusals_;
  status.journal_full = node_.waits_for_space();
  if (!status.journal_full) {
    full_since_ = Timestamp(0);
  } else if (full_since_ == Timestamp(0)) {
    full_since_ = clock_.WallNow();
  }
  status.full_since = full_since_;
  return status;
}

void IncidentDaemon::Look() {
  const replication::ReplicaStatus status = Status();
  process_->standing = server::StandingOf(status, process_->standing);
  process_->watch.Note(status, process_->standing);
  process_->watch.NoteClock(process_->clocks.Difference(status.primary),
                            status);
  process_->group.Note(status, process_->standing);
}

bool IncidentDaemon::NoteFault() {
  if (std::exchange(process_->halted, true)) return false;
  process_->watch.NoteFault(node_.replica().fault(), Status());
  return true;
}

void IncidentDaemon::Take(const replication::Message& message) {
  const auto* heartbeat = std::get_if<replication::Heartbeat>(&message.body);
  if (heartbeat == nullptr) return;
  process_->clocks.Note(message.from, heartbeat->wall, clock_.WallNow(),
                        clock_.SteadyNow());
}

}  // namespace ledgerd::sim
