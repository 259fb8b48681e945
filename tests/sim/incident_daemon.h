// An IncidentDaemon is what a daemon does about incidents, on a simulated
// machine: the real keeper, watches and file of them, over the machine's clock
// and a disk of its own, and no threads.
//
//   IncidentDaemon daemon(node, peer_silence);
//   around.begins = [&](Node&) { return daemon.Begin(); };
//   daemon.Look();                     // each 10 ms
//   daemon.End(/*cleanly=*/true);      // the process has ended
//
// Shape    What a daemon has beside its Replica is played: the inbox (Refuse),
//          and that writes wait for space.
// Source   server/replica_group.h, server/incidents/replica_incidents.h.
#ifndef LEDGERD_TESTS_SIM_INCIDENT_DAEMON_H_
#define LEDGERD_TESTS_SIM_INCIDENT_DAEMON_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proto/types.h"
#include "replication/clock.h"
#include "replication/core/message.h"
#include "replication/replica_observer.h"
#include "server/clock_watch.h"
#include "server/incidents/group_watch.h"
#include "server/incidents/incident_keeper.h"
#include "server/incidents/incident_watch.h"
#include "server/logging.h"
#include "server/standing.h"
#include "storage/faulty_files.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

class IncidentDaemon {
 public:
  // `node` outlives it.
  IncidentDaemon(Node& node, std::chrono::milliseconds peer_silence);

  // A process begins; what the one before had open is as it left it.
  replication::ReplicaObserver* Begin();

  // The process is gone.
  void End(bool cleanly);

  // What was not synced may be lost. Requires: no process runs.
  void CutPower() { files_.PowerCut(); }

  // ---- while a process runs

  void Look();
  // Its replica has halted. False: that is known.
  bool NoteFault();
  void Take(const replication::Message& message);

  // So many requests have found no room.
  void Refuse(uint64_t requests) { refusals_ += requests; }

  bool runs() const { return process_.has_value(); }

  // Another number for each process.
  uint64_t life() const { return life_; }

  server::IncidentKeeper& keeper() { return *process_->keeper; }

  server::GroupWatch& group() { return process_->group; }

  // What its processes have logged.
  const std::string& log() const { return log_; }

 private:
  // Of its machine.
  class MachineClock final : public replication::Clock {
   public:
    explicit MachineClock(const Node& node) : node_(node) {}

    Timestamp WallNow() const override { return node_.ReadClock().wall; }

    std::chrono::steady_clock::time_point SteadyNow() const override {
      return node_.ReadClock().steady;
    }

   private:
    const Node& node_;
  };

  struct Process {
    Process(std::unique_ptr<server::IncidentKeeper> its_keeper,
            const replication::Clock& clock, server::Logger& logger,
            std::chrono::milliseconds peer_silence)
        : keeper(std::move(its_keeper)),
          watch(*keeper, clock),
          group(*keeper, clock, peer_silence),
          clocks(logger) {}

    std::unique_ptr<server::IncidentKeeper> keeper;
    server::IncidentWatch watch;
    server::GroupWatch group;
    server::ClockWatch clocks;
    server::Standing standing;
    bool halted = false;
  };

  replication::ReplicaStatus Status();

  Node& node_;
  const std::chrono::milliseconds peer_silence_;
  const MachineClock clock_;
  std::string log_;
  server::Logger logger_;
  storage::FaultyFiles files_;
  uint64_t life_ = 0;
  uint64_t refusals_ = 0;
  // When writes began to wait for space.
  Timestamp full_since_;
  std::optional<Process> process_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_INCIDENT_DAEMON_H_
