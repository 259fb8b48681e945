#include "replication/core/invariants.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace ledgerd::replication {
namespace {

bool HasBegun(const Protocol& protocol) {
  return std::holds_alternative<Primary>(protocol.role());
}

// Has `id`, or a checkpoint of what it led to.
bool Contains(const Protocol& protocol, const EntryId& id) {
  return id.sequence <= protocol.outline().base().sequence ||
         protocol.outline().Has(id);
}

}  // namespace

ProtocolView ViewOf(const Protocol& protocol) {
  const auto* standby = std::get_if<Standby>(&protocol.role());
  return {protocol.epoch(),
          protocol.fork(),
          protocol.last(),
          protocol.last_timestamp(),
          protocol.durable(),
          protocol.commit(),
          standby == nullptr ? Sequence(0) : standby->acknowledged,
          HasBegun(protocol)};
}

std::string Violation(const ProtocolView& before, const ProtocolView& after) {
  // 5. The promise never goes back.
  if (after.epoch < before.epoch) return "the promise went back";
  // 15. Nor does the fork.
  if (after.fork < before.fork) return "the fork went back";
  // 5. The commit point never goes back.
  if (after.commit < before.commit) return "the commit point went back";
  // 6. What it has acknowledged stays for as long as the epoch does.
  if (after.epoch == before.epoch &&
      after.last.sequence < before.acknowledged) {
    return "what it has acknowledged is not in its journal any more";
  }
  // Nothing is committed that is not in the journal.
  if (after.commit > after.last.sequence) {
    return "the commit point is past the journal's end";
  }
  // Nothing is durable that is not in the journal.
  if (after.durable > after.last.sequence) {
    return "more is durable than there is";
  }
  // 2. A primary never rewrites its own entries: its journal only grows.
  const bool stays =
      before.primary && after.primary && before.epoch == after.epoch;
  if (stays && after.last.sequence < before.last.sequence) {
    return "a primary's journal shrank";
  }
  if (stays && after.last.sequence == before.last.sequence &&
      !(after.last == before.last)) {
    return "a primary's entry changed in place";
  }
  // Timestamps increase with a primary's entries.
  if (after.primary && after.last.sequence > before.last.sequence &&
      after.last_timestamp <= before.last_timestamp) {
    return "timestamps did not increase";
  }
  // A primary's last entry is of its own epoch.
  if (after.primary && after.last.epoch != after.epoch) {
    return "a primary's last entry is of another epoch";
  }
  return "";
}

std::string GroupInvariants::Check(
    const std::vector<const Protocol*>& replicas) {
  for (const Protocol* replica : replicas) {
    if (std::string wrong = CheckJournal(*replica); !wrong.empty()) {
      return wrong;
    }
    if (std::string wrong = CheckCommitted(*replica); !wrong.empty()) {
      return wrong;
    }
  }
  // After all have said what is committed: it may have been a late one.
  for (const Protocol* replica : replicas) {
    if (std::string wrong = CheckPrimary(*replica); !wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

std::string GroupInvariants::CheckPrimary(const Protocol& replica) {
  if (!HasBegun(replica)) return "";
  // 1. At most one primary per epoch.
  const auto primary = primaries_.emplace(
      std::make_pair(replica.fork(), replica.epoch()), *replica.primary());
  if (primary.first->second != *replica.primary()) {
    return absl::StrCat("two primaries in epoch ", replica.epoch().value());
  }
  // 4. A committed entry is in every later primary's journal: the last of them,
  // whose hash covers the others.
  for (auto last = last_committed_.lower_bound({replica.fork(), Epoch(0)});
       last != last_committed_.end() &&
       last->first < std::make_pair(replica.fork(), replica.epoch());
       ++last) {
    const EntryId& id = committed_.at({replica.fork(), last->second});
    if (Contains(replica, id)) continue;
    return absl::StrCat("sequence ", last->second.value(),
                        ", committed in epoch ", last->first.second.value(),
                        ", is missing in the primary of epoch ",
                        replica.epoch().value());
  }
  return "";
}

// 3. Equal (epoch, sequence) means equal journals up to there: the hash covers
// all that came before, so what lies below a known entry is known too.
std::string GroupInvariants::CheckJournal(const Protocol& replica) {
  const Outline& outline = replica.outline();
  for (Sequence at = outline.last().sequence; at > outline.base().sequence;
       at = Sequence(at.value() - 1)) {
    const EntryId& id = *outline.Find(at);
    const auto [known, is_new] =
        entries_.emplace(Position(replica.fork(), id.epoch, at), id.hash);
    if (known->second != id.hash) {
      return absl::StrCat("two different entries have epoch ", id.epoch.value(),
                          " and sequence ", at.value());
    }
    if (!is_new) break;
  }
  return "";
}

// Nobody commits another entry at the same sequence.
std::string GroupInvariants::CheckCommitted(const Protocol& replica) {
  const Outline& outline = replica.outline();
  for (Sequence at = replica.commit(); at > outline.base().sequence;
       at = Sequence(at.value() - 1)) {
    const EntryId& id = *outline.Find(at);
    const auto [known, is_new] =
        committed_.emplace(std::make_pair(replica.fork(), at), id);
    if (!(known->second == id)) {
      return absl::StrCat("two different entries are committed at sequence ",
                          at.value());
    }
    if (!is_new) break;
    Sequence& last = last_committed_[{replica.fork(), replica.epoch()}];
    last = std::max(last, at);
  }
  return "";
}

Sequence GroupInvariants::committed(Fork fork) const {
  Sequence last;
  for (const auto& [in, sequence] : last_committed_) {
    if (in.first == fork) last = std::max(last, sequence);
  }
  return last;
}

}  // namespace ledgerd::replication
