// Protocol is the first pure machine: how replicas agree on one journal.
//
//   Protocol protocol(options, durable_state);
//   Update update = protocol.Step(Started{}, now);
//   // Perform it in the order of update.h; tell what came of it by Step.
//
// Shape    Step(Event, now) -> Update. No threads, no I/O, no clock, no
//          randomness (timeouts come from Options::seed): a function of (state,
//          event). It calls nobody back.
// Roles    roles.h.
// Files    standby.cc: append, heartbeats, rejoin. promotion.cc: asking,
//          candidates. voting.cc: promises and what they are asked for.
//          primary.cc: commit, rounds, reads. flow.cc: what is sent to whom,
//          catch-up. members.cc: membership, pause, switchover.
//          old_disk.cc: recall. failed_disk.cc: who takes over at once.
// Errors   None. What only a bug can do is a check; what a replica may not go
//          on with halts it and raises an alarm.
// Threads  Belongs to the replica thread.
// Source   replication.md; the number in a comment is its rule. Ongaro 2014.
#ifndef LEDGERD_REPLICATION_CORE_PROTOCOL_H_
#define LEDGERD_REPLICATION_CORE_PROTOCOL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/durable_state.h"
#include "replication/core/event.h"
#include "replication/core/message.h"
#include "replication/core/outline.h"
#include "replication/core/roles.h"
#include "replication/core/update.h"

namespace ledgerd::replication {

class Protocol {
 public:
  Protocol(const Options& options, DurableState state);

  // Advances by one event and returns what must be done about it. `now` is the
  // wall clock's.
  Update Step(Event event, Timestamp now);

  // Primary, and its epoch's start is committed.
  bool is_primary() const;

  // Whether Proposed may be stepped: is_primary(), and not handing over.
  bool takes_proposals() const;

  bool halted() const { return std::holds_alternative<Halted>(role_); }

  const RoleState& role() const { return role_; }

  // Of the promised epoch, as far as known; may be this replica.
  std::optional<ReplicaId> primary() const;

  // The epoch that this replica has promised, begun or not.
  Epoch epoch() const { return promised_; }

  Fork fork() const { return fork_; }

  // That in force.
  const Membership& membership() const { return membership_; }

  const Outline& outline() const { return outline_; }

  // The end of the journal as given out by Updates, durable or not.
  const EntryId& last() const { return outline_.last(); }

  Timestamp last_timestamp() const { return last_timestamp_; }

  // Up to here the journal is durable.
  Sequence durable() const { return durable_; }

  Sequence commit() const { return commit_; }

  const std::set<Alarm>& alarms() const { return alarms_; }

  // A witness keeps the journal above this.
  Sequence releasable() const { return releasable_; }

 private:
  // A write that is on its way to the disk.
  struct PendingWrite {
    WriteId id;
    // How far the journal will be durable by it; less when it was cut since.
    Sequence through;
    Epoch promised;
    Fork fork;
    std::vector<Sequence> repaired;
  };

  // What others may remember of a replica (rule 14).
  struct Seen {
    Incarnation incarnation;
    Recalled recalled;
  };

  // This replica has restarted and asks what they remember.
  struct Recalling {
    std::set<ReplicaId> answered;
    // Their processes are: what they knew is forgotten.
    std::set<ReplicaId> gone;
    Recalled highest;
    uint32_t ticks = 0;
  };

  // What came of entries of somebody else's.
  struct Accepted {
    // Equal to the sender's up to here; nothing when they do not meet.
    std::optional<EntryId> through;
    // Where they may meet.
    EntryId last_common;
  };

  // ---- protocol.cc: events, writes, messages
  void On(Started event);
  void On(Tick event);
  void On(Received event);
  void On(ConnectionBroken event);
  void On(Persisted event);
  void On(EntriesRead event);
  void On(Proposed event);
  void On(CheckpointTaken event);
  void On(CheckpointSent event);
  void On(CheckpointReceived event);
  void On(ReadArrived event);
  void On(DiskFailed event);
  void On(PromotionRequested event);
  void On(SwitchoverRequested event);
  void On(ForcePromotionRequested event);
  void On(MembershipRequested event);
  void On(PauseRequested event);

  bool MayListenTo(const Message& message);
  bool ListensToFork(const Message& message);
  // The journal write of this step.
  JournalWrite& Write();
  void FinishWrite();

  void SaveSuperblock() { superblock_changed_ = true; }

  void AppendEntry(Entry entry);
  void Cut(Sequence from);
  void Seal(Command command);
  void TakeMembership(const Entry& entry);
  void NoteRemoved(const Membership& before);
  void NoteVoters();
  EntryId DurableLast() const;
  // The highest that may be acknowledged if it is verified.
  Sequence DurableAndWhole() const;
  void Send(const Member& to, Body body);
  void Answer(const Message& message, Body body);
  Message MakeMessage(ReplicaId to, Incarnation incarnation, Body body) const;
  void Halt(Alarm alarm);
  void Halt();
  void GiveUp();
  void Refuse(Refusal refusal);
  uint32_t RandomTimeout();

  // Null when it is no member, or its disk of before was.
  const Member* self() const {
    const Member* own = membership_.Find(options_.self);
    return own != nullptr && own->incarnation == options_.incarnation ? own
                                                                      : nullptr;
  }

  bool MayPromote() const;

  // ---- standby.cc
  void BecomeStandby();
  // Promises `epoch`, as a standby of nobody yet.
  void AdoptEpoch(Epoch epoch);
  // False when the message's sender is not the primary any more.
  bool Follow(const Message& message);
  void OnMessage(const Message& message, Append& body);
  void OnMessage(const Message& message, Heartbeat& body);
  void OnMessage(const Message& message, PromoteNow& body);
  bool RefuseStale(const Message& message);
  Accepted Accept(const EntryId& previous, std::vector<Entry>& entries,
                  Sequence limit);
  // Where the entries go on from here; false when they do not meet.
  bool FindMeeting(const EntryId& previous, const std::vector<Entry>& entries,
                   EntryId* at) const;
  bool TakeEntry(Entry& entry, const EntryId& before);
  // What may be said without breaking a promise that is not durable or known.
  bool MaySpeak() const;
  void SayWhereItStands(const Message& message);
  void Acknowledge(bool again);
  Sequence AcknowledgeableOf(const Standby& standby) const;
  void AdvanceStandbyCommit();
  void TickStandby(Standby& standby);
  void LeavePrimary(Standby& standby);
  bool GivesWay(const Standby& standby) const;
  bool IsLoyal(const Standby& standby) const;

  // ---- promotion.cc
  void Ask();
  bool MayAsk() const;
  void TellVoters();
  bool IsNoMember(const Message& message) const;
  bool HasPrimary() const;
  void LearnMembership(Membership membership);
  // The newest that it knows of, which it may not have in its journal.
  const Membership& NewestMembership() const;
  static bool IsNewer(const Membership& a, const Membership& b);
  void SendQuestions(const Asking& asking);
  void StartPromotion();
  void AskForPromises();
  void AskMembers(Candidate& candidate, const Membership& membership);
  void Choose();
  bool HasMajority(const Membership& membership) const;
  void Continue();
  void FetchMore(Candidate& candidate);
  void FetchDamaged(Candidate& candidate);
  void Begin();
  void TickCandidate(Candidate& candidate);
  void AddOwnPromise(Candidate& candidate);
  void OnMessage(const Message& message, WouldLeave& body);
  void OnMessage(const Message& message, Promise& body);
  void OnMessage(const Message& message, Fetched& body);
  void OnMessage(const Message& message, FetchMismatch& body);
  void OnMessage(const Message& message, StaleEpoch& body);

  // ---- voting.cc
  void OnMessage(const Message& message, WouldYouLeave& body);
  void OnMessage(const Message& message, PromiseRequest& body);
  void OnMessage(const Message& message, Fetch& body);
  void OnMessage(const Message& message, FetchCheckpoint& body);
  void GivePromise();
  Promise DescribeJournal() const;
  void AnswerFetch(EntriesRead& event);
  bool IsMySource(const Message& message) const;

  // ---- primary.cc
  void OnMessage(const Message& message, Acknowledged& body);
  void OnMessage(const Message& message, HeartbeatAnswer& body);
  void OnMessage(const Message& message, ReadIndex& body);
  void OnMessage(const Message& message, ReadIndexAnswer& body);
  void StepDown();
  void AdvanceCommit();
  // The highest value that a majority of the voters has reached.
  template <typename T, typename F>
  T ReachedByMajority(const Membership& membership, T own, F&& of) const;
  void BeginRound();
  void BeginRoundForReads();
  void CompleteRounds();
  void AskForReads(Standby& standby);
  void RefuseReads();
  void AddRead(ReadId read, ReplicaId from);
  void AnswerReads();
  void TickPrimary(const Tick& tick);
  bool IsServing(const Primary& primary) const;
  Progress* PeerOf(const Message& message);
  bool IsHeard(const Progress& peer) const;

  // ---- flow.cc
  void OnMessage(const Message& message, Matched& body);
  void OnMessage(const Message& message, Mismatch& body);
  void UpdatePeers();
  void KeepRecent(const Entry& entry);
  void SendEverywhere();
  void Pump(Progress& peer);
  Sequence NextFor(const EntryId& hint) const;
  void Probe(Progress& peer);
  void ProbeAt(Progress& peer, Sequence next);
  bool SendRecent(Progress& peer);
  void SendEntries(Progress& peer, const EntryId& previous,
                   std::vector<Entry> entries);
  void ReadFor(Progress& peer);
  static void NoteAcknowledged(Progress& peer, Sequence through);
  uint64_t PatienceWith(const Progress& peer) const;
  void NoteReceived(Progress& peer, Sequence received);
  void SendRead(EntriesRead& event);

  // ---- members.cc
  void OnMembershipCommitted();
  bool IsChangePending() const;
  Refusal Apply(const MembershipRequested& request, Membership* next) const;
  Refusal Add(const MembershipRequested& request, Membership* next) const;
  Refusal CheckWhoIsLeft(const Membership& next) const;
  void AppendMembership(EntryKind kind, const Membership& next);
  void HandOverIfReached();

  // ---- failed_disk.cc
  std::optional<ReplicaId> NameSuccessor();
  // Null: a promotion would come to nothing, or is not wanted.
  const Progress* Successor(const Primary& primary) const;

  // ---- old_disk.cc
  void OnMessage(const Message& message, Recall& body);
  void OnMessage(const Message& message, Recalled& body);
  void StartRecall();
  void AskForRecall();
  void TickRecall();
  bool IsRecallKnown() const;
  bool IsWaitedFor(const Member& member) const;
  void FinishRecallIfKnown();
  void PromoteIfAlone();
  Recalled RecalledOf(ReplicaId id, Incarnation incarnation) const;
  void NoteSeen(const Message& message);
  void NoteAcknowledgedBy(ReplicaId id, Sequence through);
  // The newest that has been heard of; its own.
  Incarnation IncarnationOf(ReplicaId id) const;
  void PayDebt();

  const Options options_;
  uint64_t random_;
  Fork fork_;
  Fork durable_fork_;
  Epoch promised_;
  Epoch durable_promise_;
  // Not promised, only heard of.
  Epoch highest_seen_;
  Membership membership_;
  Membership membership_before_;
  // Were members, by what this process has seen.
  std::vector<Member> removed_;
  Outline outline_;
  Timestamp last_timestamp_;
  Sequence durable_;
  Sequence commit_;
  Sequence checkpoint_;
  Sequence releasable_;
  std::set<Sequence> damaged_;
  std::deque<PendingWrite> writes_;
  WriteId last_write_;
  std::map<ReplicaId, Seen> seen_;
  // The newest membership that another one has told.
  Membership told_;
  std::optional<Recalling> recalling_;
  // Silent until the journal has this again (rule 14).
  std::optional<Recalled> debt_;
  // The group was forced to go on without it.
  bool given_up_ = false;
  // As the last tick said.
  bool replaying_ = false;
  std::set<Alarm> alarms_;
  RoleState role_;
  // Of the step that is going on.
  Timestamp now_;
  Update update_;
  bool superblock_changed_ = false;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_CORE_PROTOCOL_H_
