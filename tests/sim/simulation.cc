#include "tests/sim/simulation.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/scenarios/describe.h"

namespace ledgerd::sim {
namespace {

using replication::Acknowledged;
using replication::HeartbeatAnswer;
using replication::Message;
using replication::ProtocolView;
using replication::Replica;

constexpr uint64_t kWritesToServe = 2;
// A group that cannot serve any more is watched for so long.
constexpr microseconds kLookAtHalted = seconds(5);

Membership MembershipOf(const Plan& plan) {
  Membership membership;
  membership.members = plan.members;
  return membership;
}

// What of a view the group's invariants depend on.
bool SameForGroup(const ProtocolView& a, const ProtocolView& b) {
  return a.epoch == b.epoch && a.fork == b.fork && a.last == b.last &&
         a.commit == b.commit && a.primary == b.primary;
}

}  // namespace

Simulation::Simulation(const Plan& plan, Mutation mutation, std::ostream* story)
    : plan_(plan),
      story_(story),
      random_(plan.seed ^ 0x5eed),
      around_{plan_,
              mutation,
              scheduler_,
              random_,
              counts_,
              history_,
              [this](Message message) {
                if (story_ != nullptr) {
                  Tell(absl::StrCat("sends ", scenarios::Describe(message)));
                }
                CheckAcknowledged(message);
                network_.Send(std::move(message));
              },
              [this](Node& from, const replication::CheckpointOrder& order) {
                SendCheckpoint(from, order);
              },
              [this](Node& node) { OnStepped(node); }},
      network_(
          plan_.network, scheduler_, random_, counts_,
          [this](Message message) { Deliver(std::move(message)); },
          [this](const Message& message) { faults_.OnWithheld(message); }),
      operators_(around_, nodes_),
      faults_(around_, network_, nodes_, operators_),
      forced_(around_, nodes_, operators_) {
  const Membership founders = MembershipOf(plan_);
  for (const Member& member : plan_.members) {
    nodes_[member.id] = std::make_unique<Node>(member, founders, around_);
  }
  for (uint64_t i = 1; i <= plan_.clients; ++i) {
    clients_.push_back(std::make_unique<Client>(i, around_, nodes_));
  }
}

Outcome Simulation::Run() {
  for (const auto& [id, node] : nodes_) node->Start();
  for (const auto& client : clients_) client->Begin();
  operators_.Begin();
  faults_.Begin();
  WatchPrimaries();
  RunUntil(plan_.fire, [] { return false; });
  faults_.Stop();
  if (plan_.operators.forces && operators_.done() && forced_.Begin()) Force();
  faults_.Heal();
  for (const auto& client : clients_) client->ResetWritten();
  if (CanServe()) {
    Serve();
  } else {
    counts_.Add("halted, with no majority left");
    RunUntil(kLookAtHalted, [] { return false; });
  }
  CheckEnd();
  return {history_.violation(), trace_, scheduler_.now(), counts_};
}

void Simulation::Serve() {
  if (!RunUntil(plan_.heal_max, [this] { return AllServed(); })) {
    history_.Fail(absl::StrCat("healed, but does not serve: ", WhereTheyAre()));
  }
  for (const auto& client : clients_) client->Stop();
  if (!RunUntil(plan_.heal_max, [this] { return Converged(); })) {
    history_.Fail(
        absl::StrCat("healed, but does not converge: ", WhereTheyAre()));
  }
}

// Its disk is damaged, and nobody may say that others have all of it.
bool Simulation::HasHalted(const Node& node) const {
  return !plan_.disk.atlas && node.refuses_to_start();
}

bool Simulation::CanServe() const {
  const Membership founders = MembershipOf(plan_);
  size_t votes = 0;
  bool has_state = false;
  for (const auto& [id, node] : nodes_) {
    if (HasHalted(*node)) continue;
    ++votes;
    has_state = has_state || node->keeps_state();
  }
  return plan_.disk.atlas || (has_state && votes >= founders.majority());
}

void Simulation::Force() {
  if (!RunUntil(plan_.heal_max, [this] { return forced_.done(); })) {
    history_.Fail(absl::StrCat("forced, but is not primary: ", WhereTheyAre()));
  }
  // Who has forgotten something would have nobody who remembers.
  if (!plan_.disk.old && random_.OneIn(2)) {
    forced_.BringOthersBack(network_);
    const auto never = [] { return false; };
    RunUntil(milliseconds(random_.Between(500, 3000)), never);
    network_.Join();
    if (random_.OneIn(2)) forced_.Restart();
    RunUntil(milliseconds(random_.Between(50, 1000)), never);
  }
  forced_.End();
}

bool Simulation::RunUntil(microseconds length,
                          const std::function<bool()>& done) {
  const microseconds end = scheduler_.now() + length;
  // Looked at seldom: it is not cheap.
  microseconds look = scheduler_.now();
  while (history_.violation().empty()) {
    if (scheduler_.now() >= look) {
      if (done()) return true;
      look = scheduler_.now() + milliseconds(50);
    }
    if (!scheduler_.RunOne(end)) return false;
  }
  return false;
}

// ---- what happens

void Simulation::Tell(absl::string_view what) {
  *story_ << scheduler_.now().count() << " us: " << what << "\n";
}

void Simulation::Deliver(Message message) {
  const auto to = nodes_.find(message.to);
  if (to == nodes_.end()) return;
  Node& node = *to->second;
  if (story_ != nullptr) {
    Tell(absl::StrCat(node.up() ? "takes " : "misses ",
                      scenarios::Describe(message)));
  }
  if (!node.up()) {
    // Its sender's connection is refused.
    const auto from = nodes_.find(message.from);
    if (from == nodes_.end() || !random_.OneIn(4)) return;
    from->second->Do(
        [from = from->second.get(), id = message.to](Replica& replica) {
          replica.OnEvent(replication::ConnectionBroken{id}, from->ReadClock());
        });
    return;
  }
  faults_.OnArrived(message);
  node.Do([&node, message = std::move(message)](Replica& replica) mutable {
    replica.OnEvent(replication::Received{std::move(message)},
                    node.ReadClock());
  });
}

void Simulation::OnStepped(Node& node) {
  const ProtocolView view = ViewOf(node.protocol());
  ProtocolView& known = views_[node.id()];
  if (SameForGroup(known, view)) return;
  if (view.primary && !known.primary) counts_.Add("promotion");
  known = view;
  faults_.OnStepped(node);
  operators_.OnStepped(node);
  if (story_ != nullptr) {
    Tell(absl::StrCat(node.id().value(), " is ",
                      scenarios::Status(node.protocol())));
  }
  const std::string wrong = group_.Check({&node.protocol()});
  if (!wrong.empty()) history_.Fail(wrong);
  Trace(static_cast<uint64_t>(scheduler_.now().count()));
  Trace(node.id().value());
  Trace(view.epoch.value());
  Trace(view.commit.value());
  uint64_t hash = 0;
  std::memcpy(&hash, view.last.hash.data(), sizeof(hash));
  Trace(hash);
}

// ---- rule 2

// What is acknowledged is as the primary has it. Of who has begun no epoch, or
// another one since, nothing is known any more.
void Simulation::CheckAcknowledged(const Message& message) {
  Sequence through;
  if (const auto* said = std::get_if<Acknowledged>(&message.body)) {
    through = said->through;
  } else if (const auto* beat = std::get_if<HeartbeatAnswer>(&message.body)) {
    through = beat->through;
  }
  const Node& to = *nodes_.at(message.to);
  if (through == Sequence(0) || !to.leads() ||
      to.protocol().epoch() != message.epoch ||
      to.protocol().fork() != message.fork) {
    return;
  }
  const EntryId* const said =
      nodes_.at(message.from)->protocol().outline().Find(through);
  const replication::Outline& journal = to.protocol().outline();
  if (said == nullptr || through <= journal.base().sequence ||
      journal.Has(*said)) {
    return;
  }
  history_.Fail(absl::StrCat("replica ", message.from.value(),
                             " acknowledges sequence ", through.value(),
                             ", and has not the primary's entry there"));
}

// ---- rule 7

bool Simulation::HearsMajority(const Node& node) const {
  const Membership& membership = node.protocol().membership();
  const auto heard =
      std::count_if(membership.members.begin(), membership.members.end(),
                    [this, &node](const Member& member) {
                      if (!member.votes()) return false;
                      if (member.id == node.id()) return true;
                      return nodes_.at(member.id)->up() &&
                             !network_.IsCut(member.id, node.id());
                    });
  return static_cast<size_t>(heard) >= membership.majority();
}

// Its ticks may be slow, so it gets a second more than it should need.
void Simulation::WatchPrimaries() {
  const microseconds limit =
      seconds(1) + milliseconds(20) * plan_.timing.timeout_ticks;
  for (const auto& [id, node] : nodes_) {
    if (!node->leads() || node->paused() || HearsMajority(*node) ||
        faults_.bridges()) {
      lonely_.erase(id);
      continue;
    }
    const auto since = lonely_.emplace(id, scheduler_.now()).first->second;
    if (scheduler_.now() - since > limit) {
      history_.Fail(absl::StrCat("replica ", id.value(),
                                 " hears no majority, and is primary still"));
    }
  }
  scheduler_.After(milliseconds(50), [this] { WatchPrimaries(); });
}

// FNV-1a, by words.
void Simulation::Trace(uint64_t value) {
  trace_ = (trace_ ^ value) * 0x100000001b3;
}

void Simulation::SendCheckpoint(Node& from,
                                const replication::CheckpointOrder& order) {
  counts_.Add("checkpoint ordered");
  const std::shared_ptr<const Node::Checkpoint> checkpoint =
      from.keeps_state() ? from.TakeCheckpoint(order.epoch) : nullptr;
  const auto time = milliseconds(random_.Between(20, 500));
  scheduler_.After(time, [this, &from, order, checkpoint] {
    const auto to = nodes_.find(order.to);
    if (checkpoint != nullptr && to != nodes_.end() &&
        !network_.IsCut(from.id(), order.to)) {
      to->second->Receive(*checkpoint);
    }
    from.Do([&from, order](Replica& replica) {
      replica.OnEvent(replication::CheckpointSent{order.to}, from.ReadClock());
    });
  });
}

// ---- the end

bool Simulation::AllServed() const {
  return operators_.done() &&
         std::all_of(clients_.begin(), clients_.end(), [](const auto& client) {
           return client->written() >= kWritesToServe;
         });
}

bool Simulation::Converged() const {
  for (const auto& client : clients_) {
    if (!client->idle()) return false;
  }
  const Sequence last = history_.last();
  for (const auto& [id, node] : nodes_) {
    if (HasHalted(*node)) continue;
    if (!node->up()) return false;
    if (node->protocol().commit() < last) return false;
    if (node->keeps_state() && node->store().applied().entry.sequence != last) {
      return false;
    }
  }
  return true;
}

std::string Simulation::WhereTheyAre() const {
  std::string where;
  for (const auto& [id, node] : nodes_) {
    absl::StrAppend(&where, " replica ", id.value());
    if (!node->up()) {
      absl::StrAppend(&where, " is down;");
      continue;
    }
    const replication::Protocol& protocol = node->protocol();
    absl::StrAppend(
        &where, protocol.is_primary() ? " serves" : "", " role ",
        protocol.role().index(), " epoch ", protocol.epoch().value(), " last ",
        protocol.last().sequence.value(), " commit ", protocol.commit().value(),
        " applied ", node->store().applied().entry.sequence.value(),
        " checkpoint ", node->store().checkpoint().entry.sequence.value(), ";");
  }
  return where;
}

void Simulation::CheckEnd() {
  if (!history_.violation().empty()) return;
  for (const auto& [id, node] : nodes_) {
    if (!node->keeps_state() || HasHalted(*node)) continue;
    const absl::Status books = node->store().state().Verify();
    if (!books.ok()) history_.Fail(std::string(books.message()));
    const bool has_all =
        node->store().applied().entry.sequence == history_.last();
    if (!CanServe() && !has_all) continue;
    if (node->store().state_hash() != history_.naive_hash()) {
      history_.Fail(absl::StrCat("the state of replica ", id.value(),
                                 " is not that of the naive ledger"));
    }
  }
  if (history_.last() < history_.floor()) {
    history_.Fail("an answer names a sequence that nobody has applied");
  }
}

}  // namespace ledgerd::sim
