// backup: a copy of the ledger that is whole, and can be proved so.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/values.h"
#include "proto/backup_manifest.h"
#include "proto/base/status_macros.h"
#include "proto/types.h"
#include "storage/backup_files.h"
#include "storage/identity_file.h"
#include "storage/restore.h"
#include "storage/unfinished_directory.h"

namespace ledgerd::client {
namespace {

Record ToRecord(const BackupManifest& manifest) {
  uint64_t bytes = 0;
  for (const BackupFile& file : manifest.files) bytes += file.bytes;
  return {Text("created_at", TimeText(manifest.created_at)),
          Number("replica_id", manifest.replica.value()),
          Number("checkpoint_sequence", manifest.checkpoint.sequence.value()),
          Number("last_sequence", manifest.last.sequence.value()),
          Text("last_hash", ToHex(manifest.last.hash)),
          Number("files", uint64_t{manifest.files.size()}),
          Number("bytes", bytes)};
}

absl::StatusOr<ExitCode> Create(Context& context, const std::string& to) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto made,
                           storage::UnfinishedDirectory::Begin(to));
  storage::BackupWriter writer(made->path());
  std::string manifest;
  LEDGERD_RETURN_IF_ERROR(admin->CreateBackup(
      [&](const ::admin::v1::BackupChunk& chunk) -> absl::Status {
        if (chunk.manifest().empty()) {
          return writer.Add(chunk.path(), chunk.offset(), chunk.data());
        }
        manifest = chunk.manifest();
        return absl::OkStatus();
      }));
  LEDGERD_ASSIGN_OR_RETURN(const BackupManifest whole, writer.Finish(manifest));
  LEDGERD_RETURN_IF_ERROR(made->Finish());
  context.MakePrinter().One(ToRecord(whole));
  Context::Say(absl::StrCat("The backup is whole, and in ", to, "."));
  return ExitCode::kOk;
}

// The group is to know how old its newest verified backup is.
absl::Status Record(Context& context, const BackupManifest& manifest) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  ::admin::v1::NoteVerifiedBackupRequest request;
  request.set_cluster_id(storage::ToHex(manifest.cluster));
  request.set_last_sequence(manifest.last.sequence.value());
  auto& made = *request.mutable_created_at();
  made.set_seconds(
      static_cast<int64_t>(manifest.created_at.value() / kNanosPerSecond));
  made.set_nanos(
      static_cast<int32_t>(manifest.created_at.value() % kNanosPerSecond));
  return admin->NoteVerifiedBackup(request);
}

absl::StatusOr<ExitCode> Verify(Context& context, const std::string& path,
                                bool record) {
  LEDGERD_ASSIGN_OR_RETURN(const BackupManifest manifest,
                           storage::ReadBackup(path));
  LEDGERD_RETURN_IF_ERROR(storage::VerifyBackup(path, manifest));
  if (record) LEDGERD_RETURN_IF_ERROR(Record(context, manifest));
  context.MakePrinter().One(ToRecord(manifest));
  Context::Say(
      "Every file is what the manifest says, and the entries' hash chain "
      "holds.");
  return ExitCode::kOk;
}

struct RestoreRequest {
  storage::RestoreOptions options;
  // As given; empty: not.
  std::string sequence;
  std::string time;
  uint64_t replica = 1;
};

absl::StatusOr<ExitCode> Restore(Context& context,
                                 const RestoreRequest& asked) {
  storage::RestoreOptions options = asked.options;
  if (asked.replica == 0) {
    return absl::InvalidArgumentError("--replica-id: ids begin at 1");
  }
  options.replica = ReplicaId(asked.replica);
  if (!asked.sequence.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const uint64_t sequence,
                             ParseNumber(asked.sequence, ~uint64_t{0}));
    options.target.sequence = Sequence(sequence);
  }
  if (!asked.time.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(options.target.time, ParseTime(asked.time));
  }
  LEDGERD_ASSIGN_OR_RETURN(const storage::Restored restored,
                           storage::Restore(options));
  context.MakePrinter().One(
      {Text("data_dir", options.data_dir),
       Text("cluster_id", storage::ToHex(restored.cluster)),
       Number("replica_id", asked.replica),
       Number("last_sequence", restored.last.sequence.value()),
       Text("last_hash", ToHex(restored.last.hash)),
       Text("last_timestamp", TimeText(restored.last_timestamp))});
  Context::Say(absl::StrCat(
      "A new group's first replica is in ", options.data_dir,
      ". Its payments are those of the old group up to then: do not let both "
      "take new ones."));
  return ExitCode::kOk;
}

void AddCreate(CLI::App& backup, Context& context) {
  CLI::App* create = backup.add_subcommand(
      "create",
      "Copy the state and the journal behind it, while payments go on.");
  const auto to = std::make_shared<std::string>();
  create->add_option("DIRECTORY", *to, "Where to; made, never overwritten")
      ->required();
  create->footer(
      "Asks the operators' port, --admin-address; a standby spares the "
      "primary. The directory has its name once the backup is whole and "
      "synced.\n\nExample:\n  ledgerctl backup create /backups/monday");
  create->callback(
      [&context, to] { context.Run([&] { return Create(context, *to); }); });
}

void AddVerify(CLI::App& backup, Context& context) {
  CLI::App* verify = backup.add_subcommand(
      "verify", "Read a backup, and compare it with its manifest.");
  const auto path = std::make_shared<std::string>();
  const auto record = std::make_shared<bool>(false);
  verify->add_option("DIRECTORY", *path, "The backup")->required();
  verify->add_flag("--record", *record,
                   "Tell its group, which then knows how old its newest "
                   "verified backup is");
  verify->footer(
      "Asks no server, but with --record any replica's operators' port, "
      "--admin-address. Exit code 6: it is damaged; the message names the "
      "file.\n\nExample:\n  ledgerctl backup verify /backups/monday --record");
  verify->callback([&context, path, record] {
    context.Run([&] { return Verify(context, *path, *record); });
  });
}

void AddRestore(CLI::App& backup, Context& context) {
  CLI::App* restore = backup.add_subcommand(
      "restore",
      "Make a data directory of a backup: the only replica of a new group, "
      "which has nothing to do with the old one.");
  const auto asked = std::make_shared<RestoreRequest>();
  restore->add_option("DIRECTORY", asked->options.backup, "The backup")
      ->required();
  restore
      ->add_option("--data-dir", asked->options.data_dir,
                   "Where to; made, never overwritten")
      ->required();
  restore->add_option("--archive", asked->options.archives,
                      "What journal.archive_dir of the old replicas names, for "
                      "what came after the backup; may be given for each");
  auto* sequence = restore->add_option(
      "--to-sequence", asked->sequence,
      "As of this entry; by default of the last one that there is");
  restore
      ->add_option("--to-time", asked->time,
                   "As of this time, by the ledger's clock: "
                   "2026-11-25T04:35:00Z, or nanoseconds since 1970")
      ->excludes(sequence);
  restore->add_option("--replica-id", asked->replica, "Of the new replica")
      ->capture_default_str();
  restore->footer(
      "Asks no server. The directory has its name once it is whole and "
      "synced: one that was cut short is begun again. Then: ledgerd start "
      "--data-dir. More replicas: ledgerd format --join with the cluster_id "
      "that is printed, and ledgerctl replica add.\n\nExample:\n  ledgerctl "
      "backup restore /backups/monday --archive /archive --to-time "
      "2026-11-25T04:35:00Z --data-dir /var/lib/ledgerd-restored");
  restore->callback([&context, asked] {
    context.Run([&] { return Restore(context, *asked); });
  });
}

}  // namespace

void AddBackupCommand(CLI::App& app, Context& context) {
  CLI::App* backup =
      app.add_subcommand("backup", "Make, check and restore backups.");
  backup->require_subcommand(1);
  AddCreate(*backup, context);
  AddVerify(*backup, context);
  AddRestore(*backup, context);
}

}  // namespace ledgerd::client
