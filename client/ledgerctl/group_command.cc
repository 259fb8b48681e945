// switchover, promote, pause, resume, replica: what changes a group.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/roles.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

constexpr char kAsksAnyone[] =
    "Asks the operators' port of any replica, --admin-address, and goes on to "
    "the primary. ";

void SetDuration(std::chrono::milliseconds time,
                 google::protobuf::Duration& message) {
  message.set_seconds(time.count() / 1'000);
  message.set_nanos(static_cast<int32_t>(time.count() % 1'000 * 1'000'000));
}

double Milliseconds(const google::protobuf::Duration& time) {
  return static_cast<double>(time.seconds()) * 1e3 +
         static_cast<double>(time.nanos()) / 1e6;
}

// ---- switchover

struct SwitchoverOptions {
  uint64_t to = 0;
  std::string hold;
};

absl::StatusOr<ExitCode> Switchover(Context& context,
                                    const SwitchoverOptions& options) {
  v1::SwitchoverRequest request;
  request.set_target_replica_id(options.to);
  if (!options.hold.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const auto hold, ParseDuration(options.hold));
    SetDuration(hold, *request.mutable_timeout());
  }
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto moved, admin->Switchover(request));
  context.MakePrinter().One(
      {Number("primary", moved.primary_id()), Number("epoch", moved.epoch()),
       Number("write_pause_ms", Milliseconds(moved.write_pause()))});
  Context::Say(absl::StrCat("Replica ", moved.primary_id(),
                            " is the primary now; nothing was lost."));
  return ExitCode::kOk;
}

// ---- promote

struct PromoteOptions {
  bool accept_loss = false;
  bool others_are_off = false;
  std::string reason;
};

std::string OthersOf(const v1::GetStatusResponse& status) {
  std::vector<std::string> others;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    if (replica.replica_id() == status.replica_id()) continue;
    others.push_back(absl::StrCat(replica.replica_id(), " (",
                                  RoleName(replica.role()),
                                  replica.client_address().empty() ? "" : ", ",
                                  replica.client_address(), ")"));
  }
  return absl::StrJoin(others, ", ");
}

// What it would do, for whoever decides.
void SayWhatIsLost(const v1::GetStatusResponse& status) {
  Context::Warn(absl::StrCat(
      "replica ", status.replica_id(), " (", RoleName(status.role()),
      ") of cluster ", status.cluster_id(),
      " becomes the only voter, without a majority.\n"
      "  Its journal ends at ",
      status.journal_last_sequence(), ", committed is ",
      status.commit_sequence(),
      " as far as it knows: what only the others hold is lost, payments that "
      "were answered among it.\n"
      "  The others are shut out, and must be off for good: ",
      OthersOf(status),
      ".\n  One that still runs would go on taking payments that this one "
      "does not have. They come back by 'ledgerd format --join' and "
      "'ledgerctl replica add'."));
}

absl::Status NotConfirmed() {
  return absl::FailedPreconditionError(
      "not confirmed: nothing was done. Without a terminal say "
      "--others-are-off");
}

absl::StatusOr<ExitCode> Promote(Context& context,
                                 const PromoteOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto status, admin->GetStatus());
  SayWhatIsLost(status);
  const std::string id = absl::StrCat(status.replica_id());
  if (!options.others_are_off &&
      !Context::Confirm(absl::StrCat("All others are off for good? Type ", id,
                                     ", the replica's id, to promote it:"),
                        id)) {
    return NotConfirmed();
  }
  v1::ForcePromoteRequest request;
  request.set_accept_loss(options.accept_loss);
  request.set_reason(options.reason);
  LEDGERD_ASSIGN_OR_RETURN(const auto forced, admin->ForcePromote(request));
  context.MakePrinter().One({Number("primary", status.replica_id()),
                             Number("epoch", forced.epoch()),
                             Number("journal_last", forced.last_sequence())});
  Context::Say(absl::StrCat("Replica ", id,
                            " is the primary and the only voter. Add others "
                            "soon: it survives nothing."));
  return ExitCode::kOk;
}

// ---- pause, resume

struct PauseOptions {
  std::string length;
  std::string reason;
};

absl::StatusOr<ExitCode> Pause(Context& context, const PauseOptions& options) {
  v1::PauseFailoverRequest request;
  request.set_reason(options.reason);
  if (!options.length.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const auto length, ParseDuration(options.length));
    SetDuration(length, *request.mutable_expires_after());
  }
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_RETURN_IF_ERROR(admin->PauseFailover(request));
  Context::Say(absl::StrCat(
      "No replica promotes by itself ",
      options.length.empty() ? "until 'ledgerctl resume'"
                             : absl::StrCat("for ", options.length),
      ". If the primary goes meanwhile, 'ledgerctl switchover' at a standby "
      "promotes that one."));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Resume(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_RETURN_IF_ERROR(admin->ResumeFailover());
  Context::Say("Replicas promote by themselves again.");
  return ExitCode::kOk;
}

// ---- replica

struct ReplicaOptions {
  uint64_t id = 0;
  bool witness = false;
  bool yes = false;
};

absl::StatusOr<ExitCode> Add(Context& context, const ReplicaOptions& options) {
  v1::AddReplicaRequest request;
  request.set_replica_id(options.id);
  request.set_witness(options.witness);
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_RETURN_IF_ERROR(admin->AddReplica(request));
  Context::Say(absl::StrCat(
      "Replica ", options.id,
      options.witness
          ? " is a member, and votes as a witness."
          : " is a member, as a learner. It gets its vote by itself once it "
            "has caught up: see 'ledgerctl status'."));
  return ExitCode::kOk;
}

bool Votes(v1::Role role) {
  return role != v1::ROLE_LEARNER && role != v1::ROLE_UNSPECIFIED;
}

// Whether fewer than two copies would be left.
bool LeavesOne(const v1::GetStatusResponse& status, uint64_t id) {
  int voters = 0;
  bool votes = false;
  for (const v1::ReplicaStatus& replica : status.replicas()) {
    if (!Votes(replica.role())) continue;
    ++voters;
    votes = votes || replica.replica_id() == id;
  }
  return votes && voters == 2;
}

absl::StatusOr<ExitCode> Remove(Context& context,
                                const ReplicaOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto status, admin->GetStatus());
  const std::string id = absl::StrCat(options.id);
  if (LeavesOne(status, options.id) && !options.yes &&
      !Context::Confirm(absl::StrCat("One voter is left without replica ", id,
                                     ": what its disk loses is lost. Type ", id,
                                     " to remove it:"),
                        id)) {
    return absl::FailedPreconditionError(
        "not confirmed: nothing was done. Without a terminal say --yes");
  }
  v1::RemoveReplicaRequest request;
  request.set_replica_id(options.id);
  LEDGERD_RETURN_IF_ERROR(admin->RemoveReplica(request));
  Context::Say(absl::StrCat("Replica ", id,
                            " is no member any more: stop it. It may come "
                            "back as another incarnation, with an empty "
                            "disk."));
  return ExitCode::kOk;
}

void AddReason(CLI::App& command, std::string& reason) {
  command.add_option("--reason", reason,
                     "Why; it is in the replica's log, with who asked");
}

CLI::App* AddWithId(CLI::App& parent, const std::string& name,
                    const std::string& help, ReplicaOptions& options) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("id", options.id, "The replica's id, 1 or more")
      ->required()
      ->check(CLI::PositiveNumber);
  return command;
}

}  // namespace

void AddSwitchoverCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<SwitchoverOptions>();
  CLI::App* command = app.add_subcommand(
      "switchover",
      "Make another replica the primary, without losing or failing a "
      "request.");
  command->add_option("--to", options->to,
                      "The replica's id; by default the voter that is furthest "
                      "ahead");
  command->add_option("--hold", options->hold,
                      "How long writes may be held back at most, 10ms to 60s; "
                      "by default 1s");
  command->footer(absl::StrCat(
      kAsksAnyone,
      "Writes are held until the target has all of them, and are answered by "
      "it. Where no primary is known, the replica that is asked is promoted, "
      "by majority, so nothing can be lost; also while failover is paused.\n"
      "Exit code 4: the target cannot take over (in time); the old primary "
      "goes on.\n\nExample:\n  ledgerctl switchover --to 2"));
  command->callback([&context, options] {
    context.Run([&] { return Switchover(context, *options); });
  });
}

void AddPromoteCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<PromoteOptions>();
  CLI::App* command = app.add_subcommand(
      "promote",
      "Make a replica the only voter, without a majority. What only the lost "
      "replicas hold is lost.");
  command
      ->add_flag("--accept-loss", options->accept_loss,
                 "Needed: answered payments may be lost")
      ->required();
  command->add_flag("--others-are-off", options->others_are_off,
                    "Confirms, instead of the question, that all others are "
                    "off for good");
  AddReason(*command, options->reason);
  command->footer(
      "The last resort, for a group that has lost most of its voters. While a "
      "majority is there, use switchover: it loses nothing. Start what can be "
      "started, and choose the replica whose journal_last is highest ('status' "
      "of each).\nAsks the operators' port of that replica, --admin-address, "
      "and no other.\nExit code 4: not confirmed, or a primary is "
      "alive.\n\nExample:\n  ledgerctl promote --accept-loss "
      "--admin-address ledger-b:7301");
  command->callback([&context, options] {
    context.Run([&] { return Promote(context, *options); });
  });
}

void AddPauseCommands(CLI::App& app, Context& context) {
  const auto options = std::make_shared<PauseOptions>();
  CLI::App* pause = app.add_subcommand(
      "pause", "Let no replica promote by itself, for maintenance.");
  pause->add_option("--for", options->length,
                    "Resumes by itself after this: 30s, 10m; by default never");
  AddReason(*pause, options->reason);
  pause->footer(absl::StrCat(
      kAsksAnyone,
      "Payments go on as before; only when the primary goes, they stop until "
      "'ledgerctl switchover' promotes a standby, or the pause ends. A primary "
      "that is stopped does not hand over meanwhile.\n\nExample:\n"
      "  ledgerctl pause --for 10m --reason 'new switch in rack 3'"));
  pause->callback([&context, options] {
    context.Run([&] { return Pause(context, *options); });
  });
  CLI::App* resume =
      app.add_subcommand("resume", "Let replicas promote by themselves again.");
  resume->footer(absl::StrCat(kAsksAnyone, "\n\nExample:\n  ledgerctl resume"));
  resume->callback(
      [&context] { context.Run([&] { return Resume(context); }); });
}

void AddReplicaCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("replica", "Add and remove replicas.");
  command->require_subcommand(1);
  const auto added = std::make_shared<ReplicaOptions>();
  CLI::App* add =
      AddWithId(*command, "add",
                "Make a replica that has been started a member.", *added);
  add->add_flag("--witness", added->witness,
                "It votes and keeps the journal, but no accounts");
  add->footer(absl::StrCat(
      kAsksAnyone,
      "\nA disk for it: 'ledgerd format --join'; with an id that was a member "
      "before, as its next incarnation. Started, it says to the others who and "
      "where it is. As a member it first copies what they have, without a "
      "vote.\nExit code 4: it has not been heard, or a change before it is not "
      "committed yet.\n\nExample:\n  ledgerctl replica add 4"));
  add->callback(
      [&context, added] { context.Run([&] { return Add(context, *added); }); });
  const auto removed = std::make_shared<ReplicaOptions>();
  CLI::App* remove = AddWithId(
      *command, "remove",
      "Take a replica out of its group, whether it runs or not.", *removed);
  remove->add_flag("--yes", removed->yes,
                   "Confirms, instead of the question, that one voter is left");
  remove->footer(absl::StrCat(
      kAsksAnyone,
      "A primary that is removed hands over first.\nExit code 4: not "
      "confirmed, or a change before it is not committed yet.\n\nExample:\n  "
      "ledgerctl replica remove 3"));
  remove->callback([&context, removed] {
    context.Run([&] { return Remove(context, *removed); });
  });
}

}  // namespace ledgerd::client
