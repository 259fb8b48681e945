#include "tests/scenarios/scenario.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "tests/scenarios/describe.h"
#include "tests/scenarios/group.h"

namespace ledgerd::scenarios {
namespace {

using replication::Event;
using replication::MembershipChange;
using replication::MembershipRequested;
using replication::Message;
using replication::PauseRequested;
using replication::Proposed;
using replication::Protocol;
using replication::Tick;

using Words = std::vector<std::string>;

// T and 2T in ticks, as Group configures it.
constexpr int kTimeoutTicks = 10;

uint64_t Number(const std::string& word) {
  uint64_t number = 0;
  return absl::SimpleAtoi(word, &number) ? number : 0;
}

// "1", "2w", "3l", "4'2" (the second disk of 4).
Member MemberOf(const std::string& word) {
  Member member;
  const std::vector<std::string> parts = absl::StrSplit(word, '\'');
  std::string id = parts[0];
  if (absl::EndsWith(id, "w")) member.role = MemberRole::kWitness;
  if (absl::EndsWith(id, "l")) member.role = MemberRole::kLearner;
  if (member.role != MemberRole::kVoter) id.pop_back();
  member.id = ReplicaId(Number(id));
  member.incarnation = Incarnation(
      parts.size() > 1 ? static_cast<uint32_t>(Number(parts[1])) : 1);
  return member;
}

// FROM TO KIND, each optional, * for any.
Group::Filter FilterOf(const Words& words, size_t at = 1) {
  Words picked(3, "*");
  for (size_t i = 0; i < 3 && at + i < words.size(); ++i) {
    picked[i] = words[at + i];
  }
  return [picked](const Message& message) {
    return (picked[0] == "*" || ReplicaId(Number(picked[0])) == message.from) &&
           (picked[1] == "*" || ReplicaId(Number(picked[1])) == message.to) &&
           (picked[2] == "*" || picked[2] == NameOf(message.body));
  };
}

class Runner {
 public:
  Runner();

  Outcome Run(absl::string_view text);

 private:
  using Handler = std::function<void(const Words&)>;

  void Perform(const std::string& line);
  void AddLifeCommands();
  void AddNetworkCommands();
  void AddDiskCommands();
  void AddRequestCommands();
  void AddPartition(const Words& words);
  void Ticks(const Words& words);
  void TickOne(ReplicaId id, uint32_t passed = 1);
  // Ticks one replica alone until it no longer is patient.
  void Timeout(ReplicaId id);
  void Elect(ReplicaId id);
  void Expect(const Words& words);
  void ExpectOf(const Protocol& protocol, const Words& words);
  void Request(const Words& words, MembershipChange change);

  static ReplicaId IdAt(const Words& words, size_t at) {
    return ReplicaId(at < words.size() ? Number(words[at]) : 0);
  }

  // The number at `at`, or `otherwise`.
  static uint64_t NumberAt(const Words& words, size_t at, uint64_t otherwise) {
    return at < words.size() ? Number(words[at]) : otherwise;
  }

  Group group_;
  std::map<std::string, Handler> handlers_;
  std::map<ReplicaId, Disk> backups_;
  std::set<ReplicaId> replaying_;
};

Runner::Runner() {
  AddLifeCommands();
  AddNetworkCommands();
  AddDiskCommands();
  AddRequestCommands();
}

Outcome Runner::Run(absl::string_view text) {
  Outcome outcome;
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (const absl::string_view line : lines) {
    if (absl::StartsWith(line, " ")) continue;
    absl::StrAppend(&outcome.transcript, line, "\n");
    if (line.empty() || line[0] == '#') continue;
    if (!group_.violation().empty()) continue;
    Perform(std::string(line));
    for (const std::string& told : group_.TakeLines()) {
      absl::StrAppend(&outcome.transcript, "  ", told, "\n");
    }
  }
  outcome.violation = group_.violation();
  return outcome;
}

void Runner::Perform(const std::string& line) {
  Words words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  // Only what becomes of it, not how.
  group_.set_quiet(words[0] == "quietly");
  if (words[0] == "quietly") words.erase(words.begin());
  const auto handler = handlers_.find(words[0]);
  if (handler == handlers_.end()) {
    group_.Fail(absl::StrCat("no such command: ", words[0]));
    return;
  }
  handler->second(words);
}

void Runner::AddLifeCommands() {
  handlers_["group"] = [this](const Words& words) {
    std::vector<Member> members;
    for (size_t i = 1; i < words.size(); ++i) {
      members.push_back(MemberOf(words[i]));
    }
    group_.Form(members);
  };
  handlers_["start"] = [this](const Words& words) {
    for (const ReplicaId id : group_.ids()) {
      if (words.size() < 2 || id == IdAt(words, 1)) group_.Restart(id);
    }
  };
  handlers_["join"] = [this](const Words& words) {
    const Member member = MemberOf(words.at(1));
    group_.Join(member.id, member.incarnation);
  };
  handlers_["crash"] = [this](const Words& words) {
    group_.Crash(IdAt(words, 1), NumberAt(words, 2, 0));
  };
  handlers_["tick"] = [this](const Words& words) { Ticks(words); };
  handlers_["stuck"] = [this](const Words& words) {
    for (uint64_t i = 0; i < NumberAt(words, 2, 1); ++i) {
      group_.Step(IdAt(words, 1), Tick{false, Sequence(0)});
    }
  };
  handlers_["late"] = [this](const Words& words) {
    TickOne(IdAt(words, 1), static_cast<uint32_t>(NumberAt(words, 2, 1)));
  };
  // Whether its state lacks what only its journal has.
  handlers_["replaying"] = [this](const Words& words) {
    replaying_.insert(IdAt(words, 1));
  };
  handlers_["replayed"] = [this](const Words& words) {
    replaying_.erase(IdAt(words, 1));
  };
  handlers_["timeout"] = [this](const Words& words) {
    Timeout(IdAt(words, 1));
  };
  handlers_["elect"] = [this](const Words& words) { Elect(IdAt(words, 1)); };
  handlers_["status"] = [this](const Words& words) {
    for (const ReplicaId id : group_.ids()) {
      if (words.size() > 1 && id != IdAt(words, 1)) continue;
      const Protocol* protocol = group_.Find(id);
      group_.Note(absl::StrCat(
          id.value(), ": ", protocol == nullptr ? "down" : Status(*protocol)));
    }
  };
  handlers_["expect"] = [this](const Words& words) { Expect(words); };
}

void Runner::AddNetworkCommands() {
  handlers_["deliver"] = [this](const Words& words) {
    group_.Deliver(FilterOf(words));
  };
  // Only the first.
  handlers_["next"] = [this](const Words& words) {
    bool found = false;
    group_.Deliver([&found, filter = FilterOf(words)](const Message& message) {
      if (found || !filter(message)) return false;
      found = true;
      return true;
    });
  };
  handlers_["double"] = [this](const Words& words) {
    group_.Deliver(FilterOf(words), /*copy=*/true);
  };
  handlers_["drop"] = [this](const Words& words) {
    group_.Drop(FilterOf(words));
  };
  handlers_["hold"] = [this](const Words& words) {
    group_.Hold(FilterOf(words));
  };
  // One entry a message.
  handlers_["small-messages"] = [this](const Words&) {
    group_.set_message_bytes_max(1);
  };
  handlers_["narrow"] = [this](const Words& words) {
    group_.set_in_flight_bytes_max(NumberAt(words, 1, 1));
  };
  handlers_["release"] = [this](const Words&) { group_.Release(); };
  handlers_["settle"] = [this](const Words&) {
    group_.set_quiet(true);
    group_.Settle();
  };
  handlers_["partition"] = [this](const Words& words) { AddPartition(words); };
  // One way only.
  handlers_["deafen"] = [this](const Words& words) {
    group_.CutOff(IdAt(words, 2), IdAt(words, 1));
  };
  handlers_["heal"] = [this](const Words&) { group_.Heal(); };
  handlers_["broken"] = [this](const Words& words) {
    group_.Step(IdAt(words, 1), replication::ConnectionBroken{IdAt(words, 2)});
  };
}

void Runner::AddDiskCommands() {
  handlers_["persist"] = [this](const Words& words) {
    group_.Persist(IdAt(words, 1), NumberAt(words, 2, UINT64_MAX));
  };
  handlers_["fail"] = [this](const Words& words) {
    group_.Step(IdAt(words, 1), replication::DiskFailed{});
  };
  handlers_["stall"] = [this](const Words& words) {
    group_.Stall(IdAt(words, 1));
  };
  handlers_["unstall"] = [this](const Words& words) {
    group_.Unstall(IdAt(words, 1));
  };
  handlers_["damage"] = [this](const Words& words) {
    group_.disk(IdAt(words, 1)).Damage(Sequence(NumberAt(words, 2, 0)));
  };
  handlers_["backup"] = [this](const Words& words) {
    const ReplicaId id = IdAt(words, 1);
    backups_.erase(id);
    backups_.emplace(id, group_.disk(id));
  };
  handlers_["restore"] = [this](const Words& words) {
    const ReplicaId id = IdAt(words, 1);
    group_.disk(id) = backups_.at(id);
  };
  handlers_["checkpoint"] = [this](const Words& words) {
    group_.Checkpoint(IdAt(words, 1));
  };
  handlers_["transfer"] = [this](const Words& words) {
    if (!group_.Transfer(IdAt(words, 1), IdAt(words, 2))) {
      group_.Fail("no checkpoint was ordered");
    }
  };
}

void Runner::AddRequestCommands() {
  handlers_["propose"] = [this](const Words& words) {
    const Protocol* protocol = group_.Find(IdAt(words, 1));
    if (protocol == nullptr || !protocol->takes_proposals()) {
      group_.Fail(absl::StrCat(words.at(1), " takes no proposals"));
      return;
    }
    Command command;
    command.kind = EntryKind::kExpireTransfers;
    group_.Step(IdAt(words, 1),
                Proposed{std::vector<Command>(NumberAt(words, 2, 1), command)});
  };
  handlers_["read"] = [this](const Words& words) {
    group_.Read(IdAt(words, 1), NumberAt(words, 2, 0));
  };
  handlers_["promote"] = [this](const Words& words) {
    group_.Step(IdAt(words, 1), replication::PromotionRequested{});
  };
  handlers_["switchover"] = [this](const Words& words) {
    group_.Step(
        IdAt(words, 1),
        replication::SwitchoverRequested{
            IdAt(words, 2), static_cast<uint32_t>(NumberAt(words, 3, 0))});
  };
  handlers_["force"] = [this](const Words& words) {
    group_.Step(IdAt(words, 1), replication::ForcePromotionRequested{});
  };
  handlers_["pause"] = [this](const Words& words) {
    group_.Step(IdAt(words, 1),
                PauseRequested{true, Timestamp(NumberAt(words, 2, 0))});
  };
  handlers_["resume"] = [this](const Words& words) {
    group_.Step(IdAt(words, 1), PauseRequested{});
  };
  handlers_["add-learner"] = [this](const Words& words) {
    Request(words, MembershipChange::kAddLearner);
  };
  handlers_["add-witness"] = [this](const Words& words) {
    Request(words, MembershipChange::kAddWitness);
  };
  handlers_["make-voter"] = [this](const Words& words) {
    Request(words, MembershipChange::kMakeVoter);
  };
  handlers_["remove"] = [this](const Words& words) {
    Request(words, MembershipChange::kRemove);
  };
}

void Runner::Request(const Words& words, MembershipChange change) {
  const Member member = MemberOf(words.at(2));
  group_.Step(IdAt(words, 1),
              MembershipRequested{change, member.id, member.incarnation});
}

// Of one replica, or "all"; how often.
void Runner::Ticks(const Words& words) {
  for (uint64_t i = 0; i < NumberAt(words, 2, 1); ++i) {
    for (const ReplicaId id : group_.ids()) {
      if (words.at(1) == "all" || id == IdAt(words, 1)) {
        TickOne(id);
      }
    }
  }
}

void Runner::TickOne(ReplicaId id, uint32_t passed) {
  group_.Step(id, Tick{.replaying = replaying_.contains(id), .passed = passed});
}

// partition 1 | 2 3: none hears one of another side.
void Runner::AddPartition(const Words& words) {
  std::vector<std::vector<ReplicaId>> sides(1);
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "|") {
      sides.emplace_back();
    } else {
      sides.back().push_back(IdAt(words, i));
    }
  }
  for (const auto& side : sides) {
    for (const auto& other : sides) {
      if (&side == &other) continue;
      for (const ReplicaId from : side) {
        for (const ReplicaId to : other) group_.CutOff(from, to);
      }
    }
  }
}

void Runner::Timeout(ReplicaId id) {
  bool asked = false;
  const auto asks = [&asked, id](const Message& message) {
    asked = asked || (message.from == id && NameOf(message.body) == "ask");
    return false;
  };
  for (int i = 0; i < 2 * kTimeoutTicks + 1 && !asked; ++i) {
    TickOne(id);
    group_.Drop(asks);
  }
}

// By an operator's will, so that no other is asked first.
void Runner::Elect(ReplicaId id) {
  group_.set_quiet(true);
  group_.Settle();
  for (int i = 0; i < kTimeoutTicks; ++i) TickOne(id);
  group_.Drop([id](const Message& message) {
    return message.from == id && NameOf(message.body) == "ask";
  });
  group_.Step(id, replication::PromotionRequested{});
  group_.Settle();
  TickOne(id);
  TickOne(id);
  group_.Settle();
}

// expect ID WHAT [VALUE]
void Runner::Expect(const Words& words) {
  const Protocol* protocol = group_.Find(IdAt(words, 1));
  if (protocol == nullptr) {
    group_.Fail(absl::StrCat("expected of ", words.at(1), ", which is down"));
    return;
  }
  ExpectOf(*protocol, words);
}

void Runner::ExpectOf(const Protocol& protocol, const Words& words) {
  const std::string& what = words.at(2);
  std::string got;
  std::string wanted = words.size() > 3 ? words[3] : "";
  if (what == "commit") {
    got = absl::StrCat(protocol.commit().value());
  } else if (what == "last") {
    got = Describe(protocol.last());
  } else if (what == "serves") {
    wanted = "yes";
    got = protocol.is_primary() ? "yes" : "no";
  } else if (what == "holds") {
    wanted = "no";
    got = protocol.takes_proposals() ? "yes" : "no";
  } else if (what == "alarm") {
    for (const auto alarm : protocol.alarms()) {
      if (NameOf(alarm) == wanted) got = wanted;
    }
  } else if (what == "members") {
    wanted = "";
    for (size_t i = 3; i < words.size(); ++i) {
      absl::StrAppend(&wanted, i > 3 ? " " : "", words[i]);
    }
    got = Describe(protocol.membership());
  } else {
    wanted = what;
    got = NameOf(protocol.role());
  }
  if (got != wanted) {
    group_.Fail(absl::StrCat("expected of ", words.at(1), ": ", what, " ",
                             wanted, ", got ", got));
  }
}

}  // namespace

Outcome RunScenario(absl::string_view text) { return Runner().Run(text); }

}  // namespace ledgerd::scenarios
