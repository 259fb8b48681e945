#include "tests/scenarios/group.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "tests/scenarios/describe.h"

namespace ledgerd::scenarios {

using replication::Acknowledged;
using replication::Body;
using replication::CheckpointReceived;
using replication::CheckpointSent;
using replication::ConnectionBroken;
using replication::EntriesRead;
using replication::Event;
using replication::Fork;
using replication::HeartbeatAnswer;
using replication::JournalRead;
using replication::Message;
using replication::Options;
using replication::Persisted;
using replication::ProcessId;
using replication::Promise;
using replication::Protocol;
using replication::ProtocolView;
using replication::ReadArrived;
using replication::ReadId;
using replication::Received;
using replication::Started;
using replication::Update;
using replication::WriteId;

// Enough for anything that ends.
constexpr int kSettleStepsMax = 500;

void Group::Form(const std::vector<Member>& members) {
  Membership membership;
  membership.members = members;
  for (const Member& member : members) {
    replicas_.emplace(
        member.id,
        Replica{member.incarnation, Disk(Fork(0), membership), nullptr, {}});
  }
}

void Group::Join(ReplicaId id, Incarnation incarnation) {
  replicas_.erase(id);
  replicas_.emplace(
      id, Replica{incarnation, Disk(Fork(0), Membership()), nullptr, {}});
  Restart(id);
}

void Group::Restart(ReplicaId id) {
  Replica& replica = replicas_.at(id);
  Options options;
  options.self = id;
  options.incarnation = replica.incarnation;
  options.timing.heartbeat_ticks = 2;
  options.timing.timeout_ticks = 10;
  options.timing.switchover_ticks = 20;
  options.flow.message_bytes_max = message_bytes_max_;
  options.flow.in_flight_bytes_max = in_flight_bytes_max_;
  options.seed = id.value();
  options.process = ProcessId(++processes_);
  replica.acknowledged.clear();
  replica.protocol = std::make_unique<Protocol>(options, replica.disk.Open());
  Step(id, Started{});
  // Nobody listens where no process is.
  for (const auto& [other, down] : replicas_) {
    if (down.protocol == nullptr && !lost_.contains({id, other})) {
      Step(id, ConnectionBroken{other});
    }
  }
}

void Group::Crash(ReplicaId id, size_t keep) {
  replicas_.at(id).protocol.reset();
  replicas_.at(id).disk.Lose(keep);
}

const Protocol* Group::Find(ReplicaId id) const {
  const auto at = replicas_.find(id);
  return at == replicas_.end() ? nullptr : at->second.protocol.get();
}

std::vector<ReplicaId> Group::ids() const {
  std::vector<ReplicaId> ids;
  for (const auto& [id, replica] : replicas_) ids.push_back(id);
  return ids;
}

// ---- the transcript

void Group::Note(std::string line) { lines_.push_back(std::move(line)); }

void Group::Tell(const std::string& line) {
  if (!quiet_) Note(line);
}

void Group::Fail(const std::string& why) {
  if (violation_.empty()) {
    violation_ = why;
    Note(absl::StrCat("VIOLATION: ", why));
  }
}

// ---- steps

void Group::Step(ReplicaId id, Event event) {
  Replica& replica = replicas_.at(id);
  if (replica.protocol == nullptr || !violation_.empty()) return;
  Protocol& protocol = *replica.protocol;
  const ProtocolView before = ViewOf(protocol);
  const std::string role = NameOf(protocol.role());
  const bool serving = protocol.is_primary();
  ++now_;
  Update update = protocol.Step(std::move(event), Timestamp(now_));
  if (std::string wrong = Violation(before, ViewOf(protocol)); !wrong.empty()) {
    Fail(absl::StrCat(id.value(), ": ", wrong));
  }
  if (NameOf(protocol.role()) != role) {
    Note(absl::StrCat(id.value(), " is ", NameOf(protocol.role()), " [",
                      protocol.epoch().value(), "]"));
  }
  const Sequence commit = protocol.commit();
  Perform(id, std::move(update));
  // Performing may have stepped it again.
  if (commit > before.commit) {
    Note(absl::StrCat(id.value(), " commits ", commit.value()));
  }
  if (!serving && protocol.is_primary()) {
    Note(absl::StrCat(id.value(), " serves"));
  }
  CheckGroup();
}

// In the order of update.h.
void Group::Perform(ReplicaId id, Update update) {
  Post(std::move(update.send_now));
  if (update.persist.has_value()) {
    if (update.persist->cut.has_value() ||
        update.persist->install.has_value()) {
      Note(absl::StrCat(id.value(), " writes ", Describe(*update.persist)));
    } else {
      Tell(absl::StrCat(id.value(), " writes ", Describe(*update.persist)));
    }
    replicas_.at(id).disk.Queue(*update.persist);
  }
  Post(std::move(update.send_after));
  if (update.stepped_down) Note(absl::StrCat(id.value(), " steps down"));
  for (const auto& ready : update.reads_ready) {
    Note(absl::StrCat(id.value(), " may read ", ready.read.value(), " at ",
                      ready.at_least.value()));
    const auto asked = reads_.find(ready.read.value());
    if (asked != reads_.end() && ready.at_least < asked->second) {
      Fail(absl::StrCat("stale read: ", asked->second.value(),
                        " was committed before it was asked"));
    }
  }
  for (const ReadId read : update.reads_refused) {
    Note(absl::StrCat(id.value(), " refuses read ", read.value()));
  }
  if (update.request.has_value()) {
    Note(absl::StrCat(id.value(), " ", Describe(*update.request)));
  }
  for (const auto& order : update.send_checkpoints) {
    Note(absl::StrCat(id.value(), " sends a checkpoint to ", order.to.value()));
    orders_.push_back({id, order});
  }
  for (const JournalRead& read : update.journal_reads) ReadJournal(id, read);
}

void Group::ReadJournal(ReplicaId id, const JournalRead& read) {
  Tell(absl::StrCat(id.value(), " reads from ", read.from.value(), " for ",
                    read.to.value()));
  const Disk& disk = replicas_.at(id).disk;
  EntriesRead event;
  event.read = read;
  const std::optional<EntryId> previous =
      disk.IdAt(Sequence(read.from.value() - 1));
  if (previous.has_value()) {
    event.previous = *previous;
    uint64_t bytes = 0;
    for (Sequence at = read.from; at <= read.through; at = at.Next()) {
      const Entry* entry = disk.Read(at);
      if (entry == nullptr || bytes >= read.bytes_max) break;
      bytes += entry->bytes().size();
      event.entries.push_back(*entry);
    }
  }
  Step(id, std::move(event));
}

void Group::Post(std::vector<Message> messages) {
  for (Message& message : messages) {
    Tell(Describe(message));
    CheckClaim(message);
    if (lost_.contains({message.from, message.to})) continue;
    network_.push_back(std::move(message));
  }
}

void Group::Persist(ReplicaId id, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const std::optional<WriteId> write = replicas_.at(id).disk.SyncNext();
    if (!write.has_value()) return;
    Step(id, Persisted{*write});
  }
}

void Group::PersistTogether(ReplicaId id) {
  std::optional<WriteId> last;
  while (const auto write = replicas_.at(id).disk.SyncNext()) last = write;
  if (last.has_value()) Step(id, Persisted{*last});
}

// ---- the network

void Group::Deliver(const Filter& filter, bool copy) {
  std::deque<Message> stay;
  std::deque<Message> go;
  for (Message& message : network_) {
    if (!filter(message)) {
      stay.push_back(std::move(message));
      continue;
    }
    if (copy) stay.push_back(message);
    go.push_back(std::move(message));
  }
  network_ = std::move(stay);
  for (Message& message : go) {
    const ReplicaId to = message.to;
    if (replicas_.contains(to)) Step(to, Received{std::move(message)});
  }
}

void Group::Drop(const Filter& filter) {
  network_.erase(std::remove_if(network_.begin(), network_.end(), filter),
                 network_.end());
}

void Group::Hold(const Filter& filter) {
  std::deque<Message> stay;
  for (Message& message : network_) {
    if (filter(message)) {
      held_.push_back(std::move(message));
    } else {
      stay.push_back(std::move(message));
    }
  }
  network_ = std::move(stay);
}

void Group::Release() {
  for (Message& message : std::exchange(held_, {})) {
    network_.push_back(std::move(message));
  }
}

void Group::Settle() {
  for (int step = 0; step < kSettleStepsMax && violation_.empty(); ++step) {
    bool moved = !network_.empty();
    Deliver([](const Message&) { return true; });
    for (const ReplicaId id : ids()) {
      if (Find(id) == nullptr || stalled_.contains(id)) continue;
      moved = moved || disk(id).waiting() > 0;
      PersistTogether(id);
    }
    if (!moved) return;
  }
  if (violation_.empty()) Fail("it never settles");
}

// ---- checkpoints, reads

void Group::Checkpoint(ReplicaId id) {
  const Sequence at = std::min(Find(id)->commit(), Find(id)->durable());
  disk(id).Checkpoint(at);
  disk(id).Release();
  Step(id, replication::CheckpointTaken{at});
}

bool Group::Transfer(ReplicaId from, ReplicaId to) {
  const auto order =
      std::find_if(orders_.begin(), orders_.end(), [from, to](const Order& o) {
        return o.from == from && o.order.to == to;
      });
  if (order == orders_.end()) return false;
  CheckpointReceived received;
  received.from = from;
  received.epoch = order->order.epoch;
  received.checkpoint = disk(from).checkpoint();
  received.timestamp = disk(from).checkpoint_timestamp();
  received.membership = disk(from).Open().membership;
  orders_.erase(order);
  Step(to, std::move(received));
  Step(from, CheckpointSent{to});
  return true;
}

bool Group::Read(ReplicaId id, uint64_t number) {
  if (Find(id) == nullptr) return false;
  if (number == 0) number = ++last_read_;
  reads_[number] = invariants_.committed(Find(id)->fork());
  Step(id, ReadArrived{ReadId(number)});
  return true;
}

// ---- what must hold

void Group::CheckClaim(const Message& message) {
  if (const auto* ack = std::get_if<Acknowledged>(&message.body)) {
    CheckAcknowledged(message, ack->through);
  } else if (const auto* beat = std::get_if<HeartbeatAnswer>(&message.body)) {
    CheckAcknowledged(message, beat->through);
  } else if (const auto* promise = std::get_if<Promise>(&message.body)) {
    CheckPromise(message, *promise);
  } else if (std::holds_alternative<replication::PromiseRequest>(
                 message.body) ||
             std::holds_alternative<replication::Append>(message.body)) {
    if (replicas_.at(message.from).disk.promised() < message.epoch) {
      Fail(absl::StrCat(message.from.value(),
                        " speaks in an epoch that it has not synced"));
    }
  }
}

void Group::CheckAcknowledged(const Message& message, Sequence through) {
  Replica& replica = replicas_.at(message.from);
  if (replica.disk.promised() < message.epoch) {
    Fail(absl::StrCat(message.from.value(),
                      " acknowledges before its promise is synced"));
  }
  // 6. No acknowledgement below what was acknowledged.
  Sequence& before = replica.acknowledged[message.epoch];
  if (through < before) {
    Fail(absl::StrCat(message.from.value(), " acknowledges less than before"));
  }
  before = std::max(before, through);
  if (through <= replica.disk.checkpoint().sequence) return;
  if (replica.disk.Read(through) == nullptr) {
    Fail(absl::StrCat(message.from.value(), " acknowledges ", through.value(),
                      ", which is not on its disk"));
    return;
  }
  const Protocol* primary = Find(message.to);
  if (primary == nullptr || primary->epoch() != message.epoch) return;
  const EntryId* theirs = primary->outline().Find(through);
  if (theirs != nullptr && *theirs != *replica.disk.IdAt(through)) {
    Fail(absl::StrCat(message.from.value(), " acknowledges ", through.value(),
                      ", and has another entry there than the primary"));
  }
}

void Group::CheckPromise(const Message& message, const Promise& promise) {
  Replica& replica = replicas_.at(message.from);
  if (replica.disk.promised() < message.epoch) {
    Fail(absl::StrCat(message.from.value(), " promises before it is synced"));
  }
  const auto given = promises_.emplace(
      std::make_pair(message.from, message.epoch), message.to);
  if (given.first->second != message.to) {
    Fail(absl::StrCat(message.from.value(), " promises epoch ",
                      message.epoch.value(), " twice"));
  }
  const std::optional<EntryId> id = replica.disk.IdAt(promise.last.sequence);
  if (!id.has_value() || !(*id == promise.last)) {
    Fail(absl::StrCat(message.from.value(),
                      " says it has an entry that is not on its disk"));
  }
}

void Group::CheckGroup() {
  std::vector<const Protocol*> running;
  for (const auto& [id, replica] : replicas_) {
    if (replica.protocol != nullptr) running.push_back(replica.protocol.get());
  }
  if (std::string wrong = invariants_.Check(running); !wrong.empty()) {
    Fail(wrong);
  }
}

}  // namespace ledgerd::scenarios
