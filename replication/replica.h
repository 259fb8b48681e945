// Replica is the loop: next event, Step, perform what comes out, in the order
// that core/update.h numbers.
//
//   Replica replica(options, journal, store, machine, work);
//   LEDGERD_RETURN_IF_ERROR(replica.Start(now));
//   replica.OnProposals(std::move(proposals), now);   // one event at a time
//
// Shape    Each On... method takes one event and performs its update; work that
//          takes a disk goes out through ReplicaWork and comes back as an
//          event. So it has no threads and no clock of its own:
//          replica_threads.h drives it with real ones, the simulation with
//          simulated ones.
// Errors   A fatal one (a failed sync, damaged data) halts the replica: it does
//          nothing any more, every waiting proposal ends in OUTCOME_UNKNOWN,
//          and status().fault says why. The process should end, and start
//          again.
// Repair   A damaged state is held while a checkpoint of another replica is
//          brought: nothing is applied to it or read from it, and the journal
//          goes on and is acknowledged. The checkpoint is one at or above the
//          applied point, so that this does not go back (core/invariants.h,
//          5). A primary is refused it: it has to hand over first. Who becomes
//          the primary lets go of what it held, in the next tick or when a
//          replacement that the journal has already is done; and halts, if it
//          cannot go on with it. So one that cannot is not promoted on request.
// Threads  Belongs to the replica thread.
#ifndef LEDGERD_REPLICATION_REPLICA_H_
#define LEDGERD_REPLICATION_REPLICA_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/membership.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "replication/apply_queue.h"
#include "replication/checkpointing.h"
#include "replication/core/durable_state.h"
#include "replication/core/event.h"
#include "replication/core/message.h"
#include "replication/core/protocol.h"
#include "replication/core/update.h"
#include "replication/observer_notes.h"
#include "replication/read_queue.h"
#include "replication/replica_handle.h"
#include "replication/replica_observer.h"
#include "replication/replica_work.h"
#include "replication/staleness.h"
#include "replication/state_machine.h"
#include "replication/state_marks.h"
#include "replication/transport.h"
#include "storage/journal.h"
#include "storage/state_store.h"

namespace ledgerd::replication {

struct ReplicaOptions {
  ReplicaId self;
  // Of its disk: IDENTITY.
  Incarnation incarnation{1};
  CheckpointLimits checkpoint;
  // A witness keeps a journal alone, and applies nothing (rule 16).
  bool keeps_state = true;
  Timing timing;
  FlowLimits flow;
  // A journal write that takes so many is slow; 0: none is.
  uint32_t slow_write_ticks = 0;
  // Outlives the replica; may be null.
  ReplicaObserver* observer = nullptr;
  // Told of the state after each entry; null: nobody is.
  StateMarks* marks = nullptr;
  // Damage of the state was met by what has to go on, and is held for somebody
  // who mends it: HoldState. Empty: nobody does, and the replica halts. A
  // primary halts in any case.
  std::function<void(const absl::Status&)> on_held;
};

struct Now {
  Timestamp wall;
  Deadline steady;
};

// What a proposal gets that is late.
absl::Status DeadlinePassed();

class Replica {
 public:
  // Entries that are in the journal's hands or not applied yet, at most, beyond
  // one group: more proposals are left waiting, where their deadline still
  // counts.
  static constexpr size_t kPipelineBytesMax = 2 * kGroupBytesMax;
  // The protocol's unit of time.
  static constexpr std::chrono::milliseconds kTick{10};
  // What a late tick stands for at most.
  static constexpr uint32_t kTicksMax = 1'000;
  // A write that takes longer than so many ticks is no progress.
  static constexpr uint32_t kJournalTicksMax = 20;
  // Applied in one go, or one entry of more, before other events get their
  // turn: a heartbeat that waits for more of it is late where processors are
  // few, and so is a promise of who replays.
  static constexpr size_t kApplyEventsMax = 512;

  // Without a transport it runs groups of one voter alone.
  Replica(ReplicaOptions options, storage::Journal& journal,
          storage::StateStore& store, const StateMachine& machine,
          ReplicaWork& work, Transport* transport = nullptr);

  // Compares journal and state, and begins to take part. Called once.
  // Errors: DATA_LOSS            what does not fit together, and what to do.
  //         FAILED_PRECONDITION  the group has other members than this
  //                              replica, which it cannot talk to.
  absl::Status Start(Now now);

  // Whether OnProposals may be called: room in the pipeline; after a hand-over,
  // only when it knows whom to name, or has waited for that long enough.
  bool WantsProposals() const;

  // Whether the journal still writes what it was given: few small proposals had
  // better wait for it, and go out together.
  bool persisting() const { return !halted() && persisted_ < given_out_; }

  // The journal gets on with what it was given: a primary that does not had
  // better be replaced (replication.md, rule 4).
  bool progressing() const { return waiting_ticks_ < kJournalTicksMax; }

  void OnProposals(std::vector<Proposal> proposals, Now now);
  void OnRead(ReadRequest request, Now now);
  void OnReadsDone(ReadKind kind, size_t count);
  // Every kTick, or later.
  void OnTick(Now now);

  // What the transport brings, what ReadFor has read, and the requests of
  // operators, with what became of those; nothing when it has halted.
  std::optional<RequestResult> OnEvent(Event event, Now now);

  void OnPersisted(WriteId write, Now now);
  void OnFetched(FetchId id,
                 absl::StatusOr<std::unique_ptr<storage::Fetched>> fetched);
  void OnJournalRead(absl::StatusOr<std::vector<Entry>> entries);
  void OnCheckpointWritten(const absl::Status& status, Now now);
  void OnStateReplaced(Now now);

  // Holds the damaged state, until it is replaced or released. The lowest
  // checkpoint that may take its place. FAILED_PRECONDITION: this is the
  // primary, or halted. UNAVAILABLE: not yet; it may be held already.
  absl::StatusOr<Sequence> HoldState();

  // Nothing comes of it: the damaged state is used again, as far as it goes.
  // `why` is DATA_LOSS where it cannot be mended; then what was held because it
  // cannot go on halts the replica.
  void ReleaseState(const absl::Status& why);

  // Puts what was received, and verified, in the held state's place, once the
  // journal has that entry and it is committed. `done` is called when the state
  // is the new one; FAILED_PRECONDITION: it will not be.
  void ReplaceState(EntryId checkpoint, std::function<void(absl::Status)> done);

  // The journal's write waits for space, or does no more: until then it is not
  // slow.
  void OnDiskFull(bool full);

  // Applies more of what is committed; true when there may be more to apply
  // still.
  bool Apply();

  // Stops expiring; what was proposed is still answered.
  void Drain() { draining_ = true; }

  // Reads that have not begun end with `why`.
  void AbandonReads(const absl::Status& why) { reads_.Abandon(why); }

  // Whether reads that might begin wait for others to be done.
  bool reads_wait(ReadKind kind) const { return reads_.waits(kind); }

  // Begins a checkpoint: of a clean stop, or for another replica.
  void CheckpointNow();

  // Nobody waits for what it does. What a standby has not applied is in its
  // journal.
  bool idle() const;

  // A fault that happened elsewhere. A primary tells another one to take over.
  void Halt(const absl::Status& fault);

  // Who waits still is told that the process is ending.
  void End();

  ReplicaStatus status() const;

  // The same, without memory of its own where `status` has it already.
  void FillStatus(ReplicaStatus& status) const;

  // Why it takes no proposals, or answers no linearizable reads.
  absl::Status NotServing() const;

  // As in status().
  const absl::Status& fault() const { return fault_; }

  // Requires: Start returned OK.
  const Protocol& protocol() const { return *protocol_; }

  // RESOURCE_EXHAUSTED stands between the delta and a checkpoint, and writes
  // wait.
  bool out_of_space() const { return checkpointing_.out_of_space(); }

 private:
  absl::Status CheckStateFitsJournal() const;
  absl::Status CheckMeetingPoint(const EntryId& applied) const;
  DurableState TakeDurableState();
  // The state was opened, or replaced: what is compared begins with it.
  void MarkState();
  absl::Status CheckMembership() const;
  // Steps the protocol and performs its update; `done` are the answers of the
  // entries that it writes.
  std::optional<RequestResult> Step(Event event, Now now,
                                    std::vector<Done> done = {});
  void Perform(Update update, std::vector<Done> done);
  void Send(std::vector<Message> messages);
  void ReleaseAsWitness(Now now);
  void Answer(const Update& update);
  void Persist(JournalWrite write, std::vector<Done> done);
  void Abandon();
  void Expire(Now now);
  bool serving() const;
  bool replaying() const;
  bool IsUnsure(Freshness::Level level) const;
  bool IsPrimary() const;
  bool HasToldSuccessor() const;
  Role RoleNow() const;
  PeerStatus StatusOf(const Member& peer) const;

  // The journal write that is waited for takes too long.
  bool writes_slowly() const {
    return options_.slow_write_ticks > 0 && !disk_full_ &&
           waiting_ticks_ >= options_.slow_write_ticks;
  }

  // That one is the primary of this epoch, as far as this replica knows.
  bool Follows(ReplicaId primary, Epoch epoch) const;
  void NoteHeard(const Message& message, Now now);
  // A promotion that a step has begun, while `primary` was the primary.
  PromotionBegun BegunWithout(ReplicaId primary, PromotionBegun::Why why,
                              Now now) const;
  // Why a read is refused whose state is held.
  absl::Status NotReadable(Freshness::Level level) const;
  // Of a read that is not linearizable; OK when it may wait here.
  absl::Status MayRead(const Freshness& freshness, Now now) const;

  bool halted() const { return !fault_.ok(); }

  // Damage that an entry or a checkpoint has met: held or fatal.
  void MeetDamage(const absl::Status& damage);
  // It asks a replica to lead that cannot go on without what is damaged.
  bool DamageForbids(const Event& event) const;
  // Hands the replacement to the journal, once it can be.
  void AdvanceReplacement();
  // It is done, or is not to be.
  void EndReplacement(const absl::Status& how);

  const ReplicaOptions options_;
  storage::Journal& journal_;
  storage::StateStore& store_;
  ReplicaWork& work_;
  Transport* const transport_;
  std::optional<Protocol> protocol_;
  ApplyQueue queue_;
  ReadQueue reads_;
  Checkpointing checkpointing_;
  EntryId commit_;
  // The last write that went to the journal, and the last durable there.
  WriteId given_out_;
  WriteId persisted_;
  // The state is being replaced by a checkpoint, with this write.
  std::optional<WriteId> installing_;
  // The state is damaged, and neither applied to nor read. Not OK: what was
  // met, without which nothing can be applied.
  std::optional<absl::Status> held_;
  // The checkpoint that takes its place; whether that is in the journal's
  // hands; who waits for it.
  std::optional<EntryId> replacing_;
  bool replacement_given_out_ = false;
  std::function<void(absl::Status)> replaced_;
  // While something is on its way there, and nothing has become durable.
  uint32_t waiting_ticks_ = 0;
  // In a row, the last one done among them.
  uint32_t slow_writes_ = 0;
  bool disk_full_ = false;
  ReadId last_read_;
  Staleness staleness_;
  ObserverNotes notes_;
  // Known last; 0: none since the start.
  ReplicaId last_primary_;
  // When members were last heard, since their connections broke.
  std::map<ReplicaId, Deadline> heard_;
  // As the last event said, and the last tick.
  Deadline now_;
  Deadline ticked_;
  // When the protocol was last stepped.
  Now stepped_;
  // How long writes still wait for the hint to whom it handed over.
  uint32_t successor_ticks_ = 0;
  // Of a witness: what it has let go of.
  Sequence released_;
  bool expiring_ = false;
  bool draining_ = false;
  absl::Status fault_;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_REPLICA_H_
