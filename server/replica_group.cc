#include "server/replica_group.h"

#include <filesystem>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/incident.h"
#include "proto/membership.h"
#include "replication/core/message.h"
#include "replication/core/update.h"
#include "server/group_layout.h"
#include "server/grpc/successor.h"
#include "server/host_port.h"
#include "server/repair/journal_entries.h"
#include "storage/posix_file.h"
#include "storage/replaceable_state_store.h"
#include "storage/rocksdb_state_store.h"
#include "storage/segment.h"
#include "storage/segment_archive.h"
#include "storage/superblock.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kRoomToOpen = uint64_t{16} << 20;

// Each time writes are held for a moment; and who takes over may have a damaged
// state, too, and hand the role back.
constexpr std::chrono::minutes kHandOverAfter{1};

// A standby that is refused entries asks for them again and again; and a look
// reads the whole journal.
constexpr std::chrono::minutes kUnreadWindow{10};

// The protocol's unit of time.
constexpr uint32_t kTickMs = replication::ReplicaThreads::kTick.count();

// Who is told of what the replica does.
struct Told {
  replication::ReplicaObserver& observer;
  replication::StateMarks& marks;
  std::function<void(const absl::Status&)> on_held;
  std::function<void(absl::Status)> on_halt;
  std::function<void(const absl::Status&)> on_unread;
};

replication::ReplicaThreadsOptions ThreadsOptions(
    const ReplicaGroupOptions& options,
    const storage::JournalIdentity& identity, bool keeps_state, Told told) {
  const config::v1::Config& config = options.config;
  replication::ReplicaThreadsOptions threads;
  threads.on_halt = std::move(told.on_halt);
  threads.on_unread = std::move(told.on_unread);
  threads.replica.observer = &told.observer;
  threads.replica.marks = &told.marks;
  threads.replica.on_held = std::move(told.on_held);
  threads.replica.self = identity.replica;
  threads.replica.incarnation = Incarnation(identity.incarnation);
  threads.replica.keeps_state = keeps_state;
  threads.replica.timing.heartbeat_ticks =
      config.replication().heartbeat_ms() / kTickMs;
  threads.replica.timing.timeout_ticks =
      config.replication().timeout_ms() / kTickMs;
  threads.replica.checkpoint.delta_bytes = config.state().delta_bytes();
  threads.replica.checkpoint.events = config.state().replay_events();
  threads.replica.slow_write_ticks = config.journal().slow_write_ms() / kTickMs;
  threads.inbox_bytes = config.requests().inbox_bytes();
  threads.inbox_proposals = config.requests().inbox_requests();
  threads.reads_max = config.requests().inbox_requests();
  return threads;
}

void LogArchive(Logger& logger,
                const std::optional<storage::ArchiveFailure>& failure) {
  if (!failure.has_value()) {
    logger.Info("the archive takes journal files again", {});
    return;
  }
  logger.Warning("a journal file cannot be archived, and is kept; tried again",
                 {{"archive_dir", failure->directory},
                  {"missing_from", failure->missing_from.value()},
                  {"error", failure->error.ToString()}});
}

// `counts` outlives the journal.
storage::SegmentJournalOptions JournalOptions(const config::v1::Config& config,
                                              JournalCounts& counts) {
  storage::SegmentJournalOptions journal;
  journal.segment_bytes = config.journal().segment_bytes();
  journal.retention_bytes = config.journal().retention_bytes();
  journal.keep_until_archived = !config.journal().archive_dir().empty();
  journal.on_group = [&counts](const storage::WrittenGroup& group) {
    counts.Add(group);
  };
  return journal;
}

storage::RocksDbStateStore::Options StateOptions(
    const ReplicaGroupOptions& options, ClusterId cluster,
    StateDamage& damage) {
  const config::v1::Config& config = options.config;
  storage::RocksDbStateStore::Options state;
  state.database.block_cache_bytes = config.state().cache_bytes();
  state.account_cache_bytes = config.state().account_cache_bytes();
  state.filter_bytes_max = config.state().filter_bytes();
  state.events = {.age_seconds = config.state().event_age_seconds(),
                  .bytes = config.state().event_bytes()};
  state.say = options.say;
  state.cluster = cluster;
  state.database.on_read_error = [tell = options.on_read_error,
                                  &damage](const absl::Status& error) {
    if (tell) tell(error);
    damage.Note({.damage = error});
  };
  return state;
}

ScrubberOptions OptionsOfScrubber(const config::v1::Config& config) {
  return {.interval = std::chrono::seconds(config.scrub().interval_seconds()),
          .bytes_per_second = config.scrub().bytes_per_second()};
}

std::string WordsOfState(const replication::ReplicaStatus& status) {
  return absl::StrCat("the state, applied through sequence ",
                      status.applied.value(), " and with a checkpoint of ",
                      status.checkpoint.value());
}

bool KeepsState(const Membership& membership, ReplicaId self) {
  const Member* member = membership.Find(self);
  return member == nullptr || member->role != MemberRole::kWitness;
}

// What `members` says is how the group began, or where it is now; which of it
// holds, the membership on the disk says.
void CompareMembers(const GroupLayout& layout, const Membership& membership,
                    Logger& logger) {
  if (membership.members.empty()) return;
  for (const LayoutMember& named : layout.members) {
    if (membership.Find(named.id) != nullptr) continue;
    logger.Warning(
        "`members` names a replica that is none of the group's",
        {{"replica_id", named.id.value()},
         {"address", named.address},
         {"what",
          "it takes no part, and has no vote. Correct `members`, or add it "
          "with `ledgerctl replica add`"}});
  }
  for (const Member& member : membership.members) {
    if (layout.Find(member.id) != nullptr) continue;
    logger.Info("`members` does not say where a replica of the group is",
                {{"replica_id", member.id.value()},
                 {"what", "it is known once that one says hello"}});
  }
}

// Null when this replica is its whole group. `membership` is what its
// superblock says: nobody, where it is to join a group.
absl::StatusOr<std::unique_ptr<GrpcTransport>> MakeTransport(
    const ReplicaGroupOptions& options,
    const storage::JournalIdentity& identity, const Membership& membership) {
  LEDGERD_ASSIGN_OR_RETURN(const GroupLayout layout,
                           ParseMembers(options.config.members()));
  const size_t members = membership.members.size();
  if (members == 1 && layout.members.size() < 2) return nullptr;
  if (layout.AddressesBut(identity.replica).empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        options.config.data_dir(), " is of a replica of a group",
        members == 0 ? std::string(" that it is to join")
                     : absl::StrCat(" of ", members),
        ", and nothing says where the others are: give --members"));
  }
  const LayoutMember* self = layout.Find(identity.replica);
  CompareMembers(layout, membership, *options.logger);
  GrpcTransportOptions transport;
  transport.self = {identity.cluster, identity.replica,
                    Incarnation(identity.incarnation)};
  transport.addresses = layout.AddressesBut(identity.replica);
  transport.listener.address = options.config.replication_address();
  if (self != nullptr) transport.own_address = self->address;
  if (transport.listener.address.empty()) {
    transport.listener.address = transport.own_address;
  }
  if (transport.listener.address.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("replica ", identity.replica.value(),
                     " is not among --members: give its address there, or "
                     "--replication-address"));
  }
  if (transport.own_address.empty() &&
      IsEveryAddress(transport.listener.address)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "replication_address \"", transport.listener.address,
        "\" is every address of this machine, and nothing says where the "
        "others reach replica ",
        identity.replica.value(), ": add it to --members"));
  }
  return std::make_unique<GrpcTransport>(std::move(transport),
                                         *options.addresses, *options.logger);
}

// RocksDB aborts when it is opened on a device without any space; with the
// reserve given up it opens, and the replica waits for more. A reserve that was
// given up earlier is taken again as soon as a start finds the space.
absl::Status MakeRoom(storage::DataDir& dir) {
  std::error_code error;
  const auto space = std::filesystem::space(dir.path(), error);
  if (error) {
    return absl::InternalError(absl::StrCat(
        dir.path(),
        ": the space left on its device cannot be read: ", error.message(),
        ". Check that the directory is mounted and readable, then start "
        "again"));
  }
  if (space.available < kRoomToOpen) return dir.ReleaseReserve();
  const absl::Status restored =
      dir.RestoreReserve(storage::kReserveBytesDefault);
  return absl::IsResourceExhausted(restored) ? absl::OkStatus() : restored;
}

// It has heard so before (replication.md, rule 15).
absl::Status GivenUpError() {
  return absl::DataLossError(
      "the group was forced to go on without this replica, which must not take "
      "part any more: remove it there and add it again with an empty data "
      "directory");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplicaGroup>> ReplicaGroup::Open(
    const ReplicaGroupOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(
      auto dir, storage::DataDir::Open(options.config.data_dir(),
                                       {options.cluster, options.replica}));
  LEDGERD_ASSIGN_OR_RETURN(
      auto incidents,
      ReplicaIncidents::Open({.data_dir = dir->path(),
                              .replica = dir->identity().replica,
                              .on_fault = options.on_halt},
                             2 * std::chrono::milliseconds(
                                     options.config.replication().timeout_ms()),
                             *options.clock, *options.logger));
  auto journal_counts = std::make_unique<JournalCounts>();
  LEDGERD_ASSIGN_OR_RETURN(auto journal, dir->OpenJournal(JournalOptions(
                                             options.config, *journal_counts)));
  if (const uint32_t found = journal->found_superblock_version();
      found < storage::kSuperblockVersion && options.say) {
    options.say(absl::StrCat("upgraded the superblock from version ", found,
                             " to ", storage::kSuperblockVersion));
  }
  if (IsGivenUp(journal->superblock().membership)) return GivenUpError();
  CompareWithJournal(journal->last_timestamp(),
                     replication::SystemClock().WallNow(), *options.logger);
  LEDGERD_RETURN_IF_ERROR(MakeRoom(*dir));
  auto damage = std::make_unique<StateDamage>();
  LEDGERD_ASSIGN_OR_RETURN(
      auto store,
      storage::ReplaceableStateStore::Open(
          dir->state_path(),
          StateOptions(options, dir->identity().cluster, *damage),
          {.incoming = dir->incoming_path(),
           .checkpoint = journal->superblock().checkpoint.sequence}));
  LEDGERD_ASSIGN_OR_RETURN(auto transport,
                           MakeTransport(options, dir->identity(),
                                         journal->superblock().membership));
  return std::unique_ptr<ReplicaGroup>(
      new ReplicaGroup(options, {.dir = std::move(dir),
                                 .incidents = std::move(incidents),
                                 .journal_counts = std::move(journal_counts),
                                 .journal = std::move(journal),
                                 .damage = std::move(damage),
                                 .store = std::move(store),
                                 .transport = std::move(transport)}));
}

ReplicaGroup::ReplicaGroup(const ReplicaGroupOptions& options, Parts parts)
    : on_halt_(options.on_halt),
      dir_(std::move(parts.dir)),
      incidents_(std::move(parts.incidents)),
      journal_counts_(std::move(parts.journal_counts)),
      journal_(std::move(parts.journal)),
      damage_(std::move(parts.damage)),
      store_(std::move(parts.store)),
      transport_(std::move(parts.transport)),
      keeps_state_(KeepsState(journal_->superblock().membership,
                              dir_->identity().replica)),
      clock_watch_(*options.logger),
      unread_(1, kUnreadWindow),
      replica_(
          ThreadsOptions(
              options, dir_->identity(), keeps_state_,
              {.observer = incidents_->group(),
               .marks = marks_,
               .on_held = OnHeld(),
               .on_halt = [this](const absl::Status& fault) { OnHalt(fault); },
               .on_unread =
                   [this](const absl::Status& error) { NoteUnread(error); }}),
          *journal_, *store_, machine_, clock_, transport_.get()),
      scrubber_options_(OptionsOfScrubber(options.config)),
      on_damage_(options.on_damage),
      on_mended_(options.on_mended),
      logger_(*options.logger),
      repair_({.others = [this] { return Others(); },
               .peers = transport_.get(),
               .write =
                   [this](const storage::SegmentDamage& damage,
                          absl::Span<const Entry> entries) {
                     const auto run = [this](std::function<void()> work) {
                       replica_.RunOnJournal(std::move(work));
                     };
                     return WriteMend(*journal_, run, damage, entries);
                   }}),
      state_repair_(RepairPorts()) {
  const std::string& archive = options.config.journal().archive_dir();
  if (archive.empty()) return;
  archiver_.emplace(*journal_, dir_->identity(),
                    storage::SegmentArchive(storage::PosixFiles(), archive),
                    [logger = options.logger](
                        const std::optional<storage::ArchiveFailure>& failure) {
                      LogArchive(*logger, failure);
                    });
}

absl::Status ReplicaGroup::Start() {
  incidents_->Learn(*journal_, completion_);
  LEDGERD_RETURN_IF_ERROR(replica_.Start());
  incidents_->Begin(
      replica_,
      [this](ReplicaId primary,
             const std::vector<Incident>& incidents) -> absl::Status {
        if (transport_ == nullptr) {
          return absl::UnavailableError("there are no others");
        }
        return transport_->BringIncidents(primary, incidents);
      });
  BeginScrubbing();
  if (keeps_state_) {
    completion_reporter_.emplace(
        CompletionReporter::Ports{completion_, incidents_->keeper(), replica_,
                                  *store_, *journal_, clock_});
  }
  return absl::OkStatus();
}

void ReplicaGroup::BeginScrubbing() {
  ScrubberPorts ports;
  ports.segments = [this] { return journal_->segments(); };
  ports.find = [this](storage::SegmentNumber number,
                      const storage::Pace& pace) {
    return journal_->FindDamageIn(number, pace);
  };
  ports.mend = [this](const storage::SegmentDamage& damage,
                      Peers::Deadline deadline) {
    return repair_.Mend(damage, deadline);
  };
  if (keeps_state_) {
    ports.verify_state = [this](const storage::Pace& pace) {
      return store_->VerifyCheckpointAt(pace);
    };
    ports.state_at = [this] { return WordsOfState(replica_.status()); };
  }
  // Who is alone, or a witness, has none to replace, or to replace it with.
  if (keeps_state_ && transport_ != nullptr) {
    ports.mend_state = [this] { return state_repair_.Mend(); };
    ports.end_mending_state = [this] { state_repair_.End(); };
  }
  ports.alarm = on_damage_;
  ports.clear = on_mended_;
  ports.halt = [this](const absl::Status& fault) { replica_.Fail(fault); };
  ports.now = [this] { return clock_.WallNow(); };
  scrubber_.emplace(scrubber_options_, std::move(ports), incidents_->keeper(),
                    logger_);
  damage_->TellTo(
      [this](const StateDamage::Met& met) { scrubber_->NoteStateDamage(met); });
}

// Null where damage that an entry meets halts the replica.
std::function<void(const absl::Status&)> ReplicaGroup::OnHeld() {
  if (transport_ == nullptr) return nullptr;
  return [this](const absl::Status& damage) {
    logger_.Error("the state is held: what has to go on has met damage",
                  {{"what", std::string(damage.message())}});
    damage_->Note({.damage = damage, .holds = true});
  };
}

StateRepair::Ports ReplicaGroup::RepairPorts() {
  StateRepair::Ports ports;
  ports.others = [this] { return OthersWithState(); };
  ports.hold = [this](std::function<void(absl::StatusOr<Sequence>)> done) {
    replica_.HoldState(std::move(done));
  };
  ports.release = [this](const absl::Status& why) {
    replica_.ReleaseState(why);
  };
  ports.replace = [this](const EntryId& checkpoint,
                         std::function<void(absl::Status)> done) {
    replica_.ReplaceState(
        checkpoint, [this, done = std::move(done)](const absl::Status& how) {
          // Before anything is applied to the new one.
          if (how.ok()) scrubber_->ForgetStateDamage();
          done(how);
        });
  };
  ports.fetch = [this](ReplicaId replica, Sequence at_least,
                       const std::stop_token& stop) {
    return transport_->CheckpointOf(replica, at_least,
                                    *store_->repair_receiver(), stop);
  };
  ports.verify = [this](const EntryId& checkpoint, const storage::Pace& pace) {
    return store_->VerifyRepair(checkpoint, pace);
  };
  ports.hand_over = [this] { HandOver(); };
  return ports;
}

std::vector<ReplicaId> ReplicaGroup::OthersWithState() const {
  const replication::ReplicaStatus status = replica_.status();
  std::vector<ReplicaId> others;
  for (const Member& member : status.membership.members) {
    if (member.id == status.replica || member.role == MemberRole::kWitness) {
      continue;
    }
    others.push_back(member.id);
  }
  return others;
}

// While failover is paused, operators alone say who is primary.
void ReplicaGroup::HandOver() {
  const auto now = clock_.SteadyNow();
  if (now < next_hand_over_) return;
  const replication::ReplicaStatus status = replica_.status();
  const ReplicaId successor = SuccessorOf(status);
  if (status.role != replication::Role::kPrimary ||
      status.membership.IsPausedAt(clock_.WallNow()) ||
      successor == ReplicaId(0)) {
    return;
  }
  logger_.Warning("the role is to be handed over: the state is damaged",
                  {{"to", successor.value()}});
  next_hand_over_ = now + kHandOverAfter;
  replica_.Request(
      replication::SwitchoverRequested{.target = successor, .failed = true},
      [](const absl::StatusOr<replication::RequestResult>&) {});
}

absl::StatusOr<std::shared_ptr<const storage::ExportedCheckpoint>>
ReplicaGroup::CheckpointFor(Sequence at_least) {
  if (!keeps_state_) {
    return absl::FailedPreconditionError("a witness keeps no state");
  }
  const replication::ReplicaStatus status = replica_.status();
  if (status.state_held) {
    return absl::DataLossError("its state is damaged, too");
  }
  if (status.checkpoint >= at_least) return store_->ExportCheckpoint();
  if (status.applied >= at_least) replica_.TakeCheckpoint();
  return absl::UnavailableError(absl::StrCat(
      "its newest checkpoint is of sequence ", status.checkpoint.value(),
      ", and one of ", at_least.value(), " or above is needed"));
}

std::vector<ReplicaId> ReplicaGroup::Others() const {
  std::vector<ReplicaId> others;
  for (const replication::PeerStatus& peer : replica_.status().peers) {
    others.push_back(peer.id);
  }
  return others;
}

absl::StatusOr<std::vector<Entry>> ReplicaGroup::EntriesOf(ReplicaId asker,
                                                           Sequence from,
                                                           Sequence through) {
  repair_.NoteDamaged(asker, from, through);
  auto entries = EntriesFor(*journal_, from, through);
  if (absl::IsDataLoss(entries.status())) scrubber_->LookNow();
  return entries;
}

// What is damaged is found, told of and mended by the look.
void ReplicaGroup::NoteUnread(const absl::Status& error) {
  const auto times = unread_.Pass(clock_.SteadyNow());
  if (!times.has_value()) return;
  logger_.Error(
      "the journal cannot be read for another replica, and is looked through",
      {{"error", error.ToString()}, {"times", *times}});
  LookAtJournal();
}

void ReplicaGroup::OnHalt(const absl::Status& fault) {
  const replication::ReplicaStatus status = replica_.status();
  if (status.successor != ReplicaId(0)) {
    logger_.Info("told another one to take over",
                 {{"replica_id", status.successor.value()}});
  }
  incidents_->watch().NoteFault(fault, status);
  if (keeps_state_) {
    logger_.Error("what is left as the replica halts",
                  {{"state", WordsOfState(status)},
                   {"journal_last_sequence", status.journal_last.value()}});
  }
  on_halt_(fault);
}

absl::Status ReplicaGroup::Connect() {
  if (transport_ == nullptr) return absl::OkStatus();
  Follow(replica_.status());
  TransportEnds ends;
  ends.deliver = [this](replication::Event event) {
    NoteHeartbeat(event);
    replica_.Deliver(std::move(event));
  };
  ends.newest_checkpoint = [this]() -> absl::StatusOr<CheckpointToSend> {
    // The hashes of its files would be right.
    if (replica_.status().state_held) {
      return absl::DataLossError("its state is damaged, and being replaced");
    }
    LEDGERD_ASSIGN_OR_RETURN(replication::OutgoingCheckpoint checkpoint,
                             replica_.ExportCheckpoint());
    return CheckpointToSend{std::move(checkpoint.membership),
                            std::move(checkpoint.files)};
  };
  ends.journal_incidents = [this](const std::vector<Incident>& incidents) {
    return ProposeIncidents(
        replica_, incidents,
        std::chrono::steady_clock::now() + IncidentReporter::kPatience);
  };
  ends.state_at =
      [this](Sequence sequence) -> absl::StatusOr<replication::StateMark> {
    if (keeps_state_) return marks_.At(sequence);
    return absl::FailedPreconditionError("a witness keeps no state");
  };
  ends.entries = [this](ReplicaId asker, Sequence from, Sequence through) {
    return EntriesOf(asker, from, through);
  };
  ends.checkpoint = [this](Sequence at_least) {
    return CheckpointFor(at_least);
  };
  if (keeps_state_) {
    ends.receiver =
        &receiver_.emplace(replica_.checkpoint_receiver(), incidents_->group());
  }
  return transport_->Start(std::move(ends));
}

void ReplicaGroup::NoteHeartbeat(const replication::Event& event) {
  const auto* received = std::get_if<replication::Received>(&event);
  if (received == nullptr) return;
  const auto* heartbeat =
      std::get_if<replication::Heartbeat>(&received->message.body);
  if (heartbeat == nullptr) return;
  completion_.NoteAnswered({.epoch = received->message.epoch,
                            .through = heartbeat->answered_through});
  clock_watch_.Note(received->message.from, heartbeat->wall, clock_.WallNow(),
                    clock_.SteadyNow());
}

void ReplicaGroup::Follow(const replication::ReplicaStatus& status) {
  if (transport_ == nullptr) return;
  transport_->Follow(status.membership,
                     status.role == replication::Role::kPrimary);
}

absl::Status ReplicaGroup::Stop(std::chrono::milliseconds patience,
                                const absl::Status& noted) {
  // It has things written, which is over once the replica has stopped.
  damage_->TellTo(nullptr);
  scrubber_->End();
  if (completion_reporter_.has_value()) completion_reporter_->Stop();
  absl::Status fault = replica_.Stop(patience);
  fault.Update(noted);
  if (transport_ != nullptr) transport_->Stop();
  return incidents_->End(fault);
}

}  // namespace ledgerd::server
