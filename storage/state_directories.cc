#include "storage/state_directories.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "proto/base/status_macros.h"
#include "storage/rocksdb_status.h"

namespace ledgerd::storage {
namespace {

// Of the state db-N, or 0 of the first one; nothing of other names.
std::optional<Sequence> SequenceOf(absl::string_view name) {
  if (name == kFirstState) return Sequence(0);
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&name, kFirstState) ||
      !absl::ConsumePrefix(&name, "-") || !absl::SimpleAtoi(name, &number)) {
    return std::nullopt;
  }
  return Sequence(number);
}

absl::Status RemoveState(rocksdb::Env& env, const std::string& path,
                         const std::string& name) {
  LEDGERD_RETURN_IF_ERROR(RemoveFilesAndDirectory(
      env, absl::StrCat(path, "/", IncomingNameOf(name))));
  return RemoveFilesAndDirectory(env, absl::StrCat(path, "/", name));
}

}  // namespace

std::string StateNameAt(Sequence checkpoint) {
  return absl::StrCat(kFirstState, "-", checkpoint.value());
}

std::string IncomingNameOf(absl::string_view state) {
  absl::ConsumePrefix(&state, kFirstState);
  return absl::StrCat("incoming", state);
}

absl::StatusOr<std::string> SettleStates(rocksdb::Env& env,
                                         const std::string& path,
                                         Sequence checkpoint) {
  std::string counts(kFirstState);
  if (env.FileExists(path).IsNotFound()) return counts;
  std::vector<std::string> names;
  LEDGERD_RETURN_IF_ERROR(
      FromRocksDb(env.GetChildren(path, &names), absl::StrCat("list ", path)));
  Sequence highest;
  for (const std::string& name : names) {
    const auto sequence = SequenceOf(name);
    if (!sequence.has_value() || *sequence > checkpoint) continue;
    if (*sequence >= highest) {
      highest = *sequence;
      counts = name;
    }
  }
  for (const std::string& name : names) {
    if (!SequenceOf(name).has_value() || name == counts) continue;
    LEDGERD_RETURN_IF_ERROR(RemoveState(env, path, name));
  }
  return counts;
}

absl::Status RemoveFilesAndDirectory(rocksdb::Env& env,
                                     const std::string& path) {
  if (env.FileExists(path).IsNotFound()) return absl::OkStatus();
  std::vector<std::string> names;
  rocksdb::Status status = env.GetChildren(path, &names);
  for (size_t i = 0; status.ok() && i < names.size(); ++i) {
    status = env.DeleteFile(absl::StrCat(path, "/", names[i]));
  }
  if (status.ok()) status = env.DeleteDir(path);
  return FromRocksDb(status, absl::StrCat("remove ", path));
}

absl::Status SyncStateDirectory(rocksdb::Env& env, const std::string& path) {
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = env.NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return FromRocksDb(status, absl::StrCat("sync ", path));
}

}  // namespace ledgerd::storage
