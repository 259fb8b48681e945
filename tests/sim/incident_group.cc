#include "tests/sim/incident_group.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

namespace ledgerd::sim {
namespace {

using replication::Message;
using replication::Replica;

constexpr microseconds kLimit = seconds(60);
constexpr microseconds kLook = milliseconds(10);
// Whether what a test waits for has come about.
constexpr microseconds kBetweenLooks = milliseconds(5);
// As IncidentReporter's.
constexpr microseconds kRetry = milliseconds(100);
constexpr microseconds kPatience = seconds(2);
// For what a client thinks at most, and more.
constexpr microseconds kThought = milliseconds(250);
// A broken connection is noticed after what was said before has come.
constexpr microseconds kBreak = milliseconds(1);
constexpr uint64_t kClients = 2;

Membership MembershipOf(const Plan& plan) {
  Membership membership;
  membership.members = plan.members;
  return membership;
}

size_t NumberOf(ReplicaId id) { return id.value() - 1; }

}  // namespace

Plan IncidentGroup::PlanOf(const Options& options) const {
  Plan plan;
  plan.seed = options.seed;
  for (uint64_t id = 1; id <= kReplicas; ++id) {
    plan.members.push_back(
        {.id = ReplicaId(id), .incarnation = Incarnation(1)});
  }
  plan.timing.timeout_ticks = options.timeout_ticks;
  plan.disk.slow_write_ticks = 100;
  plan.retention_entries = 500;
  return plan;
}

IncidentGroup::IncidentGroup(const Options& options)
    : plan_(PlanOf(options)),
      random_(options.seed),
      around_{plan_,
              Mutation::kNone,
              scheduler_,
              random_,
              counts_,
              history_,
              [this](Message message) { network_.Send(std::move(message)); },
              [this](Node& from, const replication::CheckpointOrder& order) {
                SendCheckpoint(from, order);
              },
              [this](Node& node) { OnStepped(node); },
              [this](Node& node) {
                return daemons_[NumberOf(node.id())]->Begin();
              }},
      network_(
          plan_.network, scheduler_, random_, counts_,
          [this](Message message) { Deliver(std::move(message)); },
          [](const Message&) {}) {
  const Membership founders = MembershipOf(plan_);
  const milliseconds silence(2 * plan_.timing.timeout_ticks *
                             Replica::kTick.count());
  for (const Member& member : plan_.members) {
    Node& node = *nodes_
                      .emplace(member.id, std::make_unique<Node>(
                                              member, founders, around_))
                      .first->second;
    daemons_.push_back(std::make_unique<IncidentDaemon>(node, silence));
  }
  for (size_t i = 0; i < kReplicas; ++i) {
    Start(i);
    Look(i);
  }
  for (uint64_t i = 1; i <= kClients; ++i) {
    clients_.push_back(std::make_unique<Client>(i, around_, nodes_));
    clients_.back()->Begin();
  }
}

// ---- time

void IncidentGroup::RunFor(microseconds length) {
  const microseconds end = scheduler_.now() + length;
  scheduler_.After(length, [] {});
  while (scheduler_.RunOne(end + microseconds(1))) {
  }
}

bool IncidentGroup::RunUntil(const std::function<bool()>& done) {
  const microseconds end = scheduler_.now() + kLimit;
  while (history_.violation().empty()) {
    if (done()) return true;
    if (scheduler_.now() >= end) return false;
    RunFor(kBetweenLooks);
  }
  return false;
}

// ---- clients

bool IncidentGroup::Hold() {
  for (const auto& client : clients_) client->Stop();
  const bool idle = RunUntil([this] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& client) { return client->idle(); });
  });
  RunFor(kThought);
  return idle;
}

void IncidentGroup::GoOn() {
  for (const auto& client : clients_) client->GoOn();
}

// ---- machines

void IncidentGroup::BreakConnections(size_t replica) {
  scheduler_.After(kBreak, [this, replica] {
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i == replica) continue;
      Tell(replica, i, replication::ConnectionBroken{ReplicaId(replica + 1)});
    }
  });
}

void IncidentGroup::Tell(size_t from, size_t to, replication::Event event) {
  if (network_.IsCut(ReplicaId(from + 1), ReplicaId(to + 1))) return;
  Node& node = this->node(to);
  node.Do([&node, event = std::move(event)](Replica& replica) mutable {
    replica.OnEvent(std::move(event), node.ReadClock());
  });
}

void IncidentGroup::Kill(size_t replica) {
  node(replica).Crash(/*power_cut=*/false);
  daemon(replica).End(/*cleanly=*/false);
  BreakConnections(replica);
}

void IncidentGroup::CutPower(size_t replica) {
  node(replica).Crash(/*power_cut=*/true);
  daemon(replica).End(/*cleanly=*/false);
  daemon(replica).CutPower();
  BreakConnections(replica);
}

void IncidentGroup::Stop(size_t replica) {
  LEDGERD_CHECK(!node(replica).leads());
  node(replica).Crash(/*power_cut=*/false);
  daemon(replica).End(/*cleanly=*/true);
  BreakConnections(replica);
}

void IncidentGroup::CutOff(size_t replica) {
  for (size_t i = 0; i < kReplicas; ++i) {
    if (i == replica) continue;
    network_.CutBothWays(ReplicaId(i + 1), ReplicaId(replica + 1));
  }
}

// ---- what happens by itself

void IncidentGroup::Deliver(Message message) {
  Node& node = *nodes_.at(message.to);
  if (!node.up()) {
    // The connection is refused.
    Tell(NumberOf(message.to), NumberOf(message.from),
         replication::ConnectionBroken{message.to});
    return;
  }
  IncidentDaemon& daemon = *daemons_[NumberOf(node.id())];
  node.Do(
      [&node, &daemon, message = std::move(message)](Replica& replica) mutable {
        daemon.Take(message);
        replica.OnEvent(replication::Received{std::move(message)},
                        node.ReadClock());
      });
}

void IncidentGroup::SendCheckpoint(Node& from,
                                   const replication::CheckpointOrder& order) {
  const std::shared_ptr<const Node::Checkpoint> checkpoint =
      from.TakeCheckpoint(order.epoch);
  scheduler_.After(milliseconds(20), [this, &from, order, checkpoint] {
    Node& to = *nodes_.at(order.to);
    if (checkpoint != nullptr && to.up() &&
        !network_.IsCut(from.id(), order.to)) {
      // As RecordedReceiver.
      const Sequence through = checkpoint->received.checkpoint.sequence;
      server::GroupWatch& watch = daemons_[NumberOf(order.to)]->group();
      watch.BeforeResync(through);
      watch.AfterResync(through);
      to.Receive(*checkpoint);
    }
    from.Do([&from, order](Replica& replica) {
      replica.OnEvent(replication::CheckpointSent{order.to}, from.ReadClock());
    });
  });
}

void IncidentGroup::OnStepped(Node& node) {
  const size_t replica = NumberOf(node.id());
  if (std::holds_alternative<replication::Candidate>(node.protocol().role())) {
    candidates_.emplace(replica, node.protocol().epoch().value());
  }
  // The node ends it by itself.
  if (!node.replica().fault().ok() && daemons_[replica]->NoteFault()) {
    BreakConnections(replica);
  }
}

void IncidentGroup::Look(size_t replica) {
  if (node(replica).up() && !node(replica).paused() &&
      node(replica).replica().fault().ok()) {
    daemon(replica).Look();
    Report(replica);
  }
  scheduler_.After(kLook, [this, replica] { Look(replica); });
}

void IncidentGroup::Report(size_t replica) {
  Reporting& reporting = reporting_[replica];
  if (scheduler_.now() < reporting.next || reporting.attempt != 0) return;
  IncidentDaemon& daemon = *daemons_[replica];
  const std::vector<Incident> incidents = daemon.keeper().Unsent();
  if (incidents.empty()) return;
  const uint64_t attempt = reporting.attempt = ++reporting.attempts;
  const uint64_t life = daemon.life();
  const auto end = [this, replica, attempt, life, incidents](bool told) {
    Reporting& of = reporting_[replica];
    if (of.attempt != attempt) return;
    of.attempt = 0;
    if (!told) {
      of.next = scheduler_.now() + kRetry;
    } else if (daemons_[replica]->life() == life) {
      daemons_[replica]->keeper().NoteSent(incidents);
    }
  };
  scheduler_.After(kPatience, [end] { end(false); });
  const ReplicaId primary = node(replica).replica().status().primary;
  if (primary == ReplicaId(0)) return end(false);
  const ReplicaId self(replica + 1);
  const bool is_cut = primary != self && (network_.IsCut(self, primary) ||
                                          network_.IsCut(primary, self));
  Node& to = *nodes_.at(primary);
  if (is_cut || !to.up()) return end(false);
  to.Do([&to, incidents, end](Replica& leader) {
    if (!leader.WantsProposals()) return end(false);
    std::vector<replication::Proposal> proposals(1);
    proposals.front().command = MakeIncidentsCommand(incidents);
    proposals.front().deadline =
        to.ReadClock().steady +
        std::chrono::duration_cast<std::chrono::milliseconds>(kPatience);
    proposals.front().done = [end](const absl::StatusOr<EntryResult>& result) {
      end(result.ok());
    };
    leader.OnProposals(std::move(proposals), to.ReadClock());
  });
}

// ---- what can be seen

std::optional<size_t> IncidentGroup::Primary() {
  std::optional<size_t> primary;
  for (size_t i = 0; i < kReplicas; ++i) {
    if (!node(i).up() || node(i).paused()) continue;
    if (!node(i).protocol().is_primary()) continue;
    if (primary.has_value() &&
        node(*primary).protocol().epoch() > node(i).protocol().epoch()) {
      continue;
    }
    primary = i;
  }
  return primary;
}

bool IncidentGroup::AreEqual() {
  for (size_t i = 0; i < kReplicas; ++i) {
    if (!node(i).up() || node(i).paused()) return false;
    if (node(i).protocol().last().sequence != history_.last()) return false;
    if (node(i).protocol().commit() != history_.last()) return false;
    if (node(i).store().applied().entry.sequence != history_.last()) {
      return false;
    }
  }
  return true;
}

std::vector<Incident> IncidentGroup::Records(size_t replica) {
  std::vector<Incident> records;
  for (const auto& [sequence, payload] :
       node(replica).store().state().incidents()) {
    const auto decoded = DecodeIncidents(payload);
    LEDGERD_CHECK_OK(decoded.status());
    records.insert(records.end(), decoded->begin(), decoded->end());
  }
  return records;
}

std::string IncidentGroup::CheckStates() {
  if (!history_.violation().empty()) return history_.violation();
  for (size_t i = 0; i < kReplicas; ++i) {
    if (node(i).store().state_hash() != history_.naive_hash()) {
      return absl::StrCat("the state of replica ", i + 1,
                          " is not that of the naive ledger");
    }
  }
  return "";
}

}  // namespace ledgerd::sim
