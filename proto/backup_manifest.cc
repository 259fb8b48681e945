#include "proto/backup_manifest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

#include "proto/base/status_macros.h"

namespace ledgerd {
namespace {

using google::protobuf::Struct;

constexpr char kFormat[] = "ledgerd backup";

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the backup's manifest is damaged: ", what));
}

std::string HexOf(Uint128 value) {
  return absl::StrCat(absl::Hex(High(value), absl::kZeroPad16),
                      absl::Hex(Low(value), absl::kZeroPad16));
}

void Put(Struct& object, const std::string& key, std::string text) {
  (*object.mutable_fields())[key].set_string_value(std::move(text));
}

void Put(Struct& object, const std::string& key, uint64_t number) {
  Put(object, key, absl::StrCat(number));
}

void Put(Struct& object, const std::string& key, const EntryId& id) {
  Struct& entry = *(*object.mutable_fields())[key].mutable_struct_value();
  Put(entry, "epoch", id.epoch.value());
  Put(entry, "sequence", id.sequence.value());
  Put(entry, "hash", ToHex(id.hash));
}

absl::StatusOr<std::string> TextOf(const Struct& object,
                                   const std::string& key) {
  const auto found = object.fields().find(key);
  if (found == object.fields().end() || !found->second.has_string_value()) {
    return Damaged(absl::StrCat("it has no ", key));
  }
  return found->second.string_value();
}

absl::StatusOr<uint64_t> NumberOf(const Struct& object,
                                  const std::string& key) {
  LEDGERD_ASSIGN_OR_RETURN(const std::string text, TextOf(object, key));
  uint64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) return number;
  return Damaged(absl::StrCat(key, " is \"", text, "\", which is no number"));
}

// `bytes` of them.
absl::StatusOr<std::string> BytesOf(const Struct& object,
                                    const std::string& key, size_t bytes) {
  LEDGERD_ASSIGN_OR_RETURN(const std::string text, TextOf(object, key));
  if (text.size() == 2 * bytes &&
      std::all_of(text.begin(), text.end(),
                  [](unsigned char c) { return absl::ascii_isxdigit(c); })) {
    return absl::HexStringToBytes(text);
  }
  return Damaged(
      absl::StrCat(key, " has not ", 2 * bytes, " hexadecimal digits"));
}

absl::StatusOr<Uint128> WideOf(const Struct& object, const std::string& key) {
  LEDGERD_ASSIGN_OR_RETURN(const std::string bytes, BytesOf(object, key, 16));
  Uint128 value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

absl::StatusOr<Hash256> HashOf(const Struct& object, const std::string& key) {
  Hash256 hash = {};
  LEDGERD_ASSIGN_OR_RETURN(const std::string bytes,
                           BytesOf(object, key, hash.size()));
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

absl::StatusOr<EntryId> EntryOf(const Struct& object, const std::string& key) {
  const auto found = object.fields().find(key);
  if (found == object.fields().end() || !found->second.has_struct_value()) {
    return Damaged(absl::StrCat("it has no ", key));
  }
  const Struct& entry = found->second.struct_value();
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t epoch, NumberOf(entry, "epoch"));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t sequence,
                           NumberOf(entry, "sequence"));
  LEDGERD_ASSIGN_OR_RETURN(const Hash256 hash, HashOf(entry, "hash"));
  return EntryId{Epoch(epoch), Sequence(sequence), hash};
}

absl::StatusOr<BackupFile> FileOf(const Struct& object) {
  BackupFile file;
  LEDGERD_ASSIGN_OR_RETURN(file.path, TextOf(object, "path"));
  LEDGERD_ASSIGN_OR_RETURN(file.bytes, NumberOf(object, "bytes"));
  LEDGERD_ASSIGN_OR_RETURN(file.hash, HashOf(object, "sha256"));
  if (IsBackupPath(file.path)) return file;
  return Damaged(absl::StrCat("\"", absl::CHexEscape(file.path),
                              "\" is no file of a backup"));
}

absl::Status CheckVersion(const Struct& object) {
  LEDGERD_ASSIGN_OR_RETURN(const std::string format, TextOf(object, "format"));
  if (format != kFormat) return Damaged("it is of something else");
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t version, NumberOf(object, "version"));
  if (version <= kBackupVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the backup has format ", version, ", this build reads up to ",
      kBackupVersion, ": take the ledgerctl of the build that made it"));
}

}  // namespace

bool IsBackupPath(absl::string_view path) {
  constexpr size_t kNameMax = 64;
  if (!absl::ConsumePrefix(&path, "state/") &&
      !absl::ConsumePrefix(&path, "journal/")) {
    return false;
  }
  return !path.empty() && path.size() <= kNameMax && path.front() != '.' &&
         std::all_of(path.begin(), path.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.';
         });
}

std::string ToJson(const BackupManifest& manifest) {
  Struct object;
  Put(object, "format", std::string(kFormat));
  Put(object, "version", kBackupVersion);
  Put(object, "cluster_id", HexOf(manifest.cluster.value()));
  Put(object, "replica_id", manifest.replica.value());
  Put(object, "created_at", manifest.created_at.value());
  Put(object, "state_format", uint64_t{manifest.state_format});
  Put(object, "state_hash", HexOf(manifest.state_hash));
  Put(object, "checkpoint", manifest.checkpoint);
  Put(object, "checkpoint_timestamp", manifest.checkpoint_timestamp.value());
  Put(object, "last", manifest.last);
  auto& files = *(*object.mutable_fields())["files"].mutable_list_value();
  for (const BackupFile& file : manifest.files) {
    Struct& added = *files.add_values()->mutable_struct_value();
    Put(added, "path", file.path);
    Put(added, "bytes", file.bytes);
    Put(added, "sha256", ToHex(file.hash));
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  // A Struct of texts has nothing that JSON cannot say.
  const auto printed =
      google::protobuf::util::MessageToJsonString(object, &json, options);
  return printed.ok() ? json : std::string();
}

absl::StatusOr<BackupManifest> ParseBackupManifest(absl::string_view json) {
  Struct object;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      {json.data(), json.size()}, &object);
  if (!parsed.ok()) return Damaged("it is no JSON");
  LEDGERD_RETURN_IF_ERROR(CheckVersion(object));
  BackupManifest manifest;
  LEDGERD_ASSIGN_OR_RETURN(const Uint128 cluster, WideOf(object, "cluster_id"));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t replica,
                           NumberOf(object, "replica_id"));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t created,
                           NumberOf(object, "created_at"));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t format,
                           NumberOf(object, "state_format"));
  LEDGERD_ASSIGN_OR_RETURN(manifest.state_hash, WideOf(object, "state_hash"));
  LEDGERD_ASSIGN_OR_RETURN(manifest.checkpoint, EntryOf(object, "checkpoint"));
  LEDGERD_ASSIGN_OR_RETURN(manifest.last, EntryOf(object, "last"));
  LEDGERD_ASSIGN_OR_RETURN(const uint64_t checkpoint_timestamp,
                           NumberOf(object, "checkpoint_timestamp"));
  manifest.checkpoint_timestamp = Timestamp(checkpoint_timestamp);
  manifest.cluster = ClusterId(cluster);
  manifest.replica = ReplicaId(replica);
  manifest.created_at = Timestamp(created);
  manifest.state_format = static_cast<uint32_t>(format);
  const auto files = object.fields().find("files");
  if (files == object.fields().end()) return Damaged("it has no files");
  for (const auto& value : files->second.list_value().values()) {
    LEDGERD_ASSIGN_OR_RETURN(BackupFile file, FileOf(value.struct_value()));
    manifest.files.push_back(std::move(file));
  }
  return manifest;
}

}  // namespace ledgerd
