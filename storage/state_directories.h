// What lies below state/: one RocksDB, and for a while two, when a checkpoint
// that was received takes the place of the state.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       std::string name, SettleStates(env, path, superblock.checkpoint));
//   options.name = name;   // StateDatabase::Open
//
// Shape    `db` is the state that a replica began with, `db-57` the one that a
//          checkpoint at sequence 57 brought. Beside each is a directory of
//          files on their way into it: `incoming`, `incoming-57`.
// Rule     A state db-N counts once the superblock's checkpoint is at N or
//          above: Install writes it after all of db-N is there. The highest
//          that counts is the state; all others are removed.
// Errors   Those of the file system (rocksdb_status.h).
// Threads  Any, while nobody else changes the directory.
// Source   FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_STATE_DIRECTORIES_H_
#define LEDGERD_STORAGE_STATE_DIRECTORIES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/env.h"

#include "proto/types.h"

namespace ledgerd::storage {

inline constexpr absl::string_view kFirstState = "db";

// That of a checkpoint which was received.
std::string StateNameAt(Sequence checkpoint);

// Of the files on their way into the state of this name.
std::string IncomingNameOf(absl::string_view state);

// Decides which state below `path` counts, and removes the others. The first
// one's name when there is none.
absl::StatusOr<std::string> SettleStates(rocksdb::Env& env,
                                         const std::string& path,
                                         Sequence checkpoint);

// Removes a directory of files; OK when there is none.
absl::Status RemoveFilesAndDirectory(rocksdb::Env& env,
                                     const std::string& path);

absl::Status SyncStateDirectory(rocksdb::Env& env, const std::string& path);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_DIRECTORIES_H_
