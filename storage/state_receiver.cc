#include "storage/state_receiver.h"

#include <algorithm>
#include <cstdarg>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/db.h"

#include "proto/base/status_macros.h"
#include "storage/checkpoint_record.h"
#include "storage/identity_file.h"
#include "storage/rocksdb_manifest.h"
#include "storage/rocksdb_status.h"
#include "storage/state_directories.h"
#include "storage/state_keys.h"

namespace ledgerd::storage {
namespace {

// RocksDB keeps no log of what is only looked at.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;

  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

// Names that RocksDB gives: never a path.
bool IsFileName(absl::string_view name) {
  if (name == "CURRENT") return true;
  if (!absl::EndsWith(name, ".sst") && !absl::StartsWith(name, "MANIFEST-")) {
    return false;
  }
  constexpr size_t kNameMax = 64;
  return name.size() <= kNameMax && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.';
         });
}

absl::Status Refused(absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("the checkpoint is refused: ", why));
}

// Why not `found`.
absl::Status CompareRecord(const CheckpointRecord& found,
                           const CheckpointManifest& manifest) {
  if (found.applied != manifest.applied) {
    return absl::DataLossError(absl::StrCat(
        "the checkpoint is of sequence ", found.applied.entry.sequence.value(),
        ", epoch ", found.applied.entry.epoch.value(), ", hash ",
        ledgerd::ToHex(found.applied.entry.hash),
        ", and another one was announced: ",
        manifest.applied.entry.sequence.value(), ", ",
        manifest.applied.entry.epoch.value(), ", ",
        ledgerd::ToHex(manifest.applied.entry.hash)));
  }
  if (found.state_hash != manifest.state_hash ||
      found.format_version != manifest.format_version) {
    return absl::DataLossError(
        "the checkpoint has another state hash, or format, than announced");
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckpointRecord> ReadRecord(rocksdb::Env& env,
                                            const std::string& path) {
  LEDGERD_RETURN_IF_ERROR(CheckManifest(env, path));
  rocksdb::Options options;
  options.env = &env;
  options.paranoid_checks = true;
  options.info_log = std::make_shared<NoLog>();
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(options, path, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(status, absl::StrCat("opening ", path)));
  std::string row;
  const Key key = MetaKey();
  const rocksdb::Status read =
      db->Get(rocksdb::ReadOptions(), key.slice(), &row);
  if (read.IsNotFound()) {
    return absl::DataLossError(absl::StrCat(path, " has no checkpoint"));
  }
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(read, absl::StrCat("reading ", path)));
  return DecodeCheckpoint(row);
}

absl::StatusOr<std::string> ReadWholeFile(rocksdb::Env& env,
                                          const std::string& path) {
  std::string content;
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(rocksdb::ReadFileToString(&env, path, &content),
                  absl::StrCat("reading ", path)));
  return content;
}

}  // namespace

StateReceiver::StateReceiver(Options options)
    : options_(std::move(options)),
      env_(rocksdb::NewCompositeEnv(options_.files != nullptr
                                        ? options_.files
                                        : rocksdb::FileSystem::Default())) {}

StateReceiver::~StateReceiver() = default;

std::string StateReceiver::FinishedPath() const {
  return absl::StrCat(options_.incoming, "/", kFinished);
}

std::string StateReceiver::PathOf(const CheckpointFile& file) const {
  return absl::StrCat(options_.incoming, "/", file.name);
}

// ---- the beginning

absl::StatusOr<CheckpointPosition> StateReceiver::Begin(
    const CheckpointManifest& manifest) {
  const MutexLock lock(mutex_);
  if (manifest_ == manifest) return position_;
  if (finished_ == manifest) {
    manifest_.reset();
    file_.reset();
    return CheckpointPosition{manifest.files.size(), 0};
  }
  LEDGERD_RETURN_IF_ERROR(CheckFits(manifest));
  manifest_.reset();
  file_.reset();
  LEDGERD_RETURN_IF_ERROR(TakeOver(manifest));
  uint64_t missing = 0;
  for (size_t i = 0; i < manifest.files.size(); ++i) {
    if (!whole_[i]) missing += manifest.files[i].bytes;
  }
  LEDGERD_RETURN_IF_ERROR(options_.check_space(missing));
  manifest_ = manifest;
  GoTo(0);
  return position_;
}

absl::Status StateReceiver::CheckFits(
    const CheckpointManifest& manifest) const {
  if (manifest.cluster != options_.cluster) {
    return Refused(absl::StrCat("it is of cluster ", ToHex(manifest.cluster),
                                ", this replica's is ",
                                ToHex(options_.cluster)));
  }
  if (manifest.format_version > kStateFormatVersion) {
    return Refused(
        absl::StrCat("its state has format ", manifest.format_version,
                     ", this build reads up to ", kStateFormatVersion,
                     ": upgrade this replica first"));
  }
  if (manifest.files.empty() ||
      manifest.files.size() > CheckpointManifest::kFilesMax) {
    return Refused(absl::StrCat("it has ", manifest.files.size(), " files"));
  }
  std::set<absl::string_view> names;
  for (const CheckpointFile& file : manifest.files) {
    if (!IsFileName(file.name) || !names.insert(file.name).second ||
        file.bytes == 0) {
      return Refused("one of its files has no size, or no name of a state's");
    }
  }
  return absl::OkStatus();
}

// What is here already and whole stays; all else goes.
absl::Status StateReceiver::TakeOver(const CheckpointManifest& manifest) {
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(env_->CreateDirIfMissing(options_.incoming),
                  absl::StrCat("make ", options_.incoming)));
  if (!finished_.has_value()) LEDGERD_RETURN_IF_ERROR(TakeBackFinished());
  std::vector<std::string> names;
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(env_->GetChildren(options_.incoming, &names),
                  absl::StrCat("list ", options_.incoming)));
  const std::set<std::string> here(names.begin(), names.end());
  std::set<std::string> stays;
  whole_.assign(manifest.files.size(), false);
  for (size_t i = 0; i < manifest.files.size(); ++i) {
    const CheckpointFile& file = manifest.files[i];
    if (!here.contains(file.name)) continue;
    LEDGERD_ASSIGN_OR_RETURN(whole_[i], IsWhole(file));
    if (whole_[i]) stays.insert(file.name);
  }
  for (const std::string& name : names) {
    if (stays.contains(name) || name == kFinished) continue;
    // Who looked at what was finished has left it.
    if (name == IncomingNameOf(kFinished)) {
      LEDGERD_RETURN_IF_ERROR(RemoveFilesAndDirectory(
          *env_, absl::StrCat(options_.incoming, "/", name)));
      continue;
    }
    LEDGERD_RETURN_IF_ERROR(FromRocksDb(
        env_->DeleteFile(absl::StrCat(options_.incoming, "/", name)),
        absl::StrCat("remove ", name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> StateReceiver::IsWhole(const CheckpointFile& file) const {
  uint64_t bytes = 0;
  const std::string path = PathOf(file);
  LEDGERD_RETURN_IF_ERROR(FromRocksDb(env_->GetFileSize(path, &bytes),
                                      absl::StrCat("size of ", path)));
  if (bytes != file.bytes) return false;
  LEDGERD_ASSIGN_OR_RETURN(const std::string content,
                           ReadWholeFile(*env_, path));
  return Sha256(content) == file.hash;
}

void StateReceiver::GoTo(size_t file) {
  while (file < whole_.size() && whole_[file]) ++file;
  position_ = {file, 0};
}

// ---- chunks

absl::StatusOr<CheckpointPosition> StateReceiver::Add(
    const CheckpointPosition& at, absl::string_view chunk,
    const Hash256& hash) {
  const MutexLock lock(mutex_);
  if (!manifest_.has_value() || at != position_ ||
      at.file >= manifest_->files.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("file ", at.file, ", offset ", at.offset,
                     " is not what comes next: file ", position_.file,
                     ", offset ", position_.offset));
  }
  const CheckpointFile& file = manifest_->files[at.file];
  if (chunk.empty() || chunk.size() > file.bytes - at.offset) {
    return absl::InvalidArgumentError(
        absl::StrCat("a chunk of ", chunk.size(), " bytes at ", at.offset,
                     " is not within the ", file.bytes, " of ", file.name));
  }
  if (Sha256(chunk) != hash) {
    return absl::InvalidArgumentError(
        absl::StrCat("a chunk of ", file.name, " at ", at.offset,
                     " is not what its hash says: it was damaged on the way"));
  }
  absl::Status status = Append(file, chunk);
  if (status.ok()) {
    position_.offset += chunk.size();
    if (position_.offset < file.bytes) return position_;
    status = FinishFile(file);
  }
  if (!status.ok()) {
    // How much of it is there is not known.
    file_.reset();
    env_->DeleteFile(PathOf(file)).PermitUncheckedError();
    position_ = {at.file, 0};
    return status;
  }
  whole_[at.file] = true;
  GoTo(at.file + 1);
  return position_;
}

absl::Status StateReceiver::Append(const CheckpointFile& file,
                                   absl::string_view chunk) {
  rocksdb::Status status;
  if (file_ == nullptr) {
    status = env_->NewWritableFile(PathOf(file), &file_, rocksdb::EnvOptions());
  }
  if (status.ok()) {
    status = file_->Append(rocksdb::Slice(chunk.data(), chunk.size()));
  }
  return FromRocksDb(status, absl::StrCat("writing ", PathOf(file)));
}

absl::Status StateReceiver::FinishFile(const CheckpointFile& file) {
  rocksdb::Status status = file_->Sync();
  if (status.ok()) status = file_->Close();
  file_.reset();
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(status, absl::StrCat("syncing ", PathOf(file))));
  LEDGERD_ASSIGN_OR_RETURN(const bool whole, IsWhole(file));
  if (whole) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(file.name, " is not what was announced: its hash differs"));
}

// ---- the end

absl::Status StateReceiver::Finish() {
  const MutexLock lock(mutex_);
  // Asked for again: the replica did not take it the first time.
  if (!manifest_.has_value() && finished_.has_value()) return absl::OkStatus();
  if (!manifest_.has_value() || position_.file < manifest_->files.size()) {
    return absl::InvalidArgumentError("the checkpoint is not all here");
  }
  CheckpointManifest manifest = *std::exchange(manifest_, std::nullopt);
  LEDGERD_RETURN_IF_ERROR(SyncStateDirectory(*env_, options_.incoming));
  if (absl::Status status = Verify(manifest); !status.ok()) {
    for (const CheckpointFile& file : manifest.files) {
      if (absl::IsDataLoss(status)) {
        env_->DeleteFile(PathOf(file)).PermitUncheckedError();
      }
    }
    return status;
  }
  // One that was finished before, and that the replica did not want.
  finished_.reset();
  LEDGERD_RETURN_IF_ERROR(RemoveFilesAndDirectory(*env_, FinishedPath()));
  LEDGERD_RETURN_IF_ERROR(MoveFiles(options_.incoming, FinishedPath()));
  finished_ = std::move(manifest);
  return absl::OkStatus();
}

absl::Status StateReceiver::Verify(const CheckpointManifest& manifest) const {
  LEDGERD_ASSIGN_OR_RETURN(const CheckpointRecord record,
                           ReadRecord(*env_, options_.incoming));
  return CompareRecord(record, manifest);
}

absl::Status StateReceiver::MoveFiles(const std::string& from,
                                      const std::string& to) const {
  std::vector<std::string> names;
  rocksdb::Status status = env_->CreateDirIfMissing(to);
  if (status.ok()) status = env_->GetChildren(from, &names);
  for (size_t i = 0; status.ok() && i < names.size(); ++i) {
    if (names[i] == kFinished || names[i] == IncomingNameOf(kFinished)) {
      continue;
    }
    status = env_->RenameFile(absl::StrCat(from, "/", names[i]),
                              absl::StrCat(to, "/", names[i]));
  }
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(status, absl::StrCat("moving files to ", to)));
  LEDGERD_RETURN_IF_ERROR(SyncStateDirectory(*env_, to));
  return SyncStateDirectory(*env_, from);
}

absl::Status StateReceiver::TakeBackFinished() {
  const std::string finished = FinishedPath();
  if (env_->FileExists(finished).IsNotFound()) return absl::OkStatus();
  LEDGERD_RETURN_IF_ERROR(MoveFiles(finished, options_.incoming));
  return RemoveFilesAndDirectory(*env_, finished);
}

absl::Status StateReceiver::Discard() {
  const MutexLock lock(mutex_);
  finished_.reset();
  return RemoveFilesAndDirectory(*env_, FinishedPath());
}

absl::StatusOr<std::string> StateReceiver::Claim(const EntryId& checkpoint) {
  const MutexLock lock(mutex_);
  std::string name = StateNameAt(checkpoint.sequence);
  if (claimed_ == checkpoint) return name;
  if (!finished_.has_value() || finished_->applied.entry != checkpoint) {
    return absl::NotFoundError(absl::StrCat("no checkpoint of sequence ",
                                            checkpoint.sequence.value(),
                                            " was received"));
  }
  LEDGERD_RETURN_IF_ERROR(
      MoveFiles(FinishedPath(), absl::StrCat(options_.state, "/", name)));
  LEDGERD_RETURN_IF_ERROR(SyncStateDirectory(*env_, options_.state));
  finished_.reset();
  claimed_ = checkpoint;
  return name;
}

}  // namespace ledgerd::storage
