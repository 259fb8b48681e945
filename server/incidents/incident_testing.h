// What tests of incidents have in common: a disk and a clock of their own.
//
//   IncidentWorld world;
//   auto keeper = world.Start();      // a process begins
//   world.clock.Advance(std::chrono::seconds(3));
#ifndef LEDGERD_SERVER_INCIDENTS_INCIDENT_TESTING_H_
#define LEDGERD_SERVER_INCIDENTS_INCIDENT_TESTING_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/check.h"
#include "proto/kept_incidents.h"
#include "proto/types.h"
#include "replication/clock.h"
#include "server/incidents/incident_keeper.h"
#include "server/logging.h"
#include "storage/faulty_files.h"
#include "storage/incident_file.h"

namespace ledgerd::server {

class ManualClock final : public replication::Clock {
 public:
  void Advance(std::chrono::nanoseconds by) { now_ += by; }

  Timestamp WallNow() const override {
    return Timestamp(static_cast<uint64_t>(now_.count()));
  }

  std::chrono::steady_clock::time_point SteadyNow() const override {
    return std::chrono::steady_clock::time_point(now_);
  }

 private:
  std::chrono::nanoseconds now_ = std::chrono::seconds(1'000);
};

struct IncidentWorld {
  IncidentWorld() { files.MakeDirectory("/d"); }

  std::unique_ptr<IncidentKeeper> Start() {
    clock.Advance(std::chrono::seconds(1));
    auto keeper = Open();
    LEDGERD_CHECK_OK(keeper.status());
    (*keeper)->BeginRunning();
    return *std::move(keeper);
  }

  // What is there before the first process begins.
  void Store(const KeptIncidents& kept) {
    const auto file = storage::IncidentFile::Open(files, "/d", "incidents");
    LEDGERD_CHECK_OK(file.status());
    LEDGERD_CHECK_OK((*file)->Store(EncodeKeptIncidents(kept)));
  }

  // It may never run.
  absl::StatusOr<std::unique_ptr<IncidentKeeper>> Open() {
    return IncidentKeeper::Open(
        files,
        {.data_dir = "/d",
         .replica = ReplicaId(2),
         .on_fault = [this](const absl::Status&) { ++faults; }},
        clock, logger);
  }

  storage::FaultyFiles files;
  ManualClock clock;
  int faults = 0;
  std::string log;
  Logger logger{
      LogLevel::kDebug, LogFormat::kText,
      [this](absl::string_view line) { log.append(line.data(), line.size()); }};
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_INCIDENTS_INCIDENT_TESTING_H_
