#include "replication/core/protocol.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"

namespace ledgerd::replication {

Protocol::Protocol(Group group, const DurableState& state)
    : group_(std::move(group)),
      promised_(std::max(state.promised, state.last.epoch)),
      last_(state.last),
      last_timestamp_(state.last_timestamp),
      durable_(state.last.sequence),
      commit_(state.commit) {
  LEDGERD_CHECK(group_.voters == std::vector<ReplicaId>{group_.self})
      << "a group of one voter is all that this build knows";
  LEDGERD_CHECK(commit_ <= last_.sequence);
}

Update Protocol::Step(Event event) {
  return std::visit([this](auto& e) { return On(std::move(e)); }, event);
}

// Rule 1: a primary that restarts does not go on in its epoch. Rule 6: the
// promise is durable before the epoch begins.
Update Protocol::On(Started /*event*/) {
  LEDGERD_CHECK(std::holds_alternative<Idle>(role_));
  role_ = Promising{};
  promised_ = promised_.Next();
  Update update = MakeUpdate();
  update.promise = promised_;
  return update;
}

Update Protocol::On(PromisePersisted event) {
  LEDGERD_CHECK(std::holds_alternative<Promising>(role_));
  LEDGERD_CHECK(event.epoch == promised_);
  Entry start = Append(Command{}, event.now);
  role_ = Promoting{start.sequence()};
  return MakeUpdate({std::move(start)});
}

Update Protocol::On(Proposed event) {
  LEDGERD_CHECK(is_primary());
  std::vector<Entry> entries;
  entries.reserve(event.commands.size());
  for (Command& command : event.commands) {
    entries.push_back(Append(std::move(command), event.now));
  }
  return MakeUpdate(std::move(entries));
}

// Rule 3: committed is what a majority has on its disks and whose epoch is this
// one; older entries are committed by it.
Update Protocol::On(EntriesPersisted event) {
  LEDGERD_CHECK(event.last.sequence <= last_.sequence);
  if (event.last.epoch != promised_) return MakeUpdate();
  LEDGERD_CHECK(durable_ <= event.last.sequence);
  durable_ = event.last.sequence;
  commit_ = durable_;
  if (const auto* promoting = std::get_if<Promoting>(&role_);
      promoting != nullptr && promoting->start <= commit_) {
    role_ = Primary{};
  }
  return MakeUpdate();
}

Entry Protocol::Append(Command command, Timestamp now) {
  const Timestamp after_last(last_timestamp_.value() + command.timestamp_count);
  last_timestamp_ = std::max(after_last, now);
  LEDGERD_CHECK(last_timestamp_ <= kTimestampMax);
  Entry entry =
      Entry::Seal(std::move(command), promised_, last_timestamp_, last_);
  last_ = entry.id();
  return entry;
}

Update Protocol::MakeUpdate(std::vector<Entry> entries) const {
  Update update;
  update.entries = std::move(entries);
  update.commit = commit_;
  return update;
}

}  // namespace ledgerd::replication
