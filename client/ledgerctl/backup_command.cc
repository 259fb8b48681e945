// backup: a copy of the ledger that is whole, and can be proved so.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/values.h"
#include "proto/backup_manifest.h"
#include "proto/base/status_macros.h"
#include "storage/backup_files.h"
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

absl::StatusOr<ExitCode> Verify(Context& context, const std::string& path) {
  LEDGERD_ASSIGN_OR_RETURN(const BackupManifest manifest,
                           storage::ReadBackup(path));
  LEDGERD_RETURN_IF_ERROR(storage::VerifyBackup(path, manifest));
  context.MakePrinter().One(ToRecord(manifest));
  Context::Say(
      "Every file is what the manifest says, and the entries' hash chain "
      "holds.");
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
  verify->add_option("DIRECTORY", *path, "The backup")->required();
  verify->footer(
      "Asks no server. Exit code 6: it is damaged; the message names the "
      "file.\n\nExample:\n  ledgerctl backup verify /backups/monday");
  verify->callback([&context, path] {
    context.Run([&] { return Verify(context, *path); });
  });
}

}  // namespace

void AddBackupCommand(CLI::App& app, Context& context) {
  CLI::App* backup =
      app.add_subcommand("backup", "Make and check backups.");
  backup->require_subcommand(1);
  AddCreate(*backup, context);
  AddVerify(*backup, context);
}

}  // namespace ledgerd::client
