// Whether RocksDB's manifest is whole.
//
//   LEDGERD_RETURN_IF_ERROR(CheckManifest(env, path + "/db"));   // before Open
//
// Why      RocksDB takes a record whose length or type does not make sense for
//          the end of the file: of a manifest damaged there it opens what
//          there was earlier, and removes all files that are newer.
// Shape    What a crash may leave passes: a last record that is cut off, or
//          zeros. Damage is a record that is not whole and has a whole one
//          after it, or all of its content.
// Errors   DATA_LOSS  names CURRENT, or the manifest and the offset in it.
// Source   RocksDB's "Write Ahead Log File Format", which manifests have too.
#ifndef LEDGERD_STORAGE_ROCKSDB_MANIFEST_H_
#define LEDGERD_STORAGE_ROCKSDB_MANIFEST_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/env.h"

namespace ledgerd::storage {

// Of the database in `db`; OK when there is none yet.
absl::Status CheckManifest(rocksdb::Env& env, const std::string& db);

// Where a manifest of these bytes is damaged.
std::optional<size_t> FindDamage(absl::string_view manifest);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_ROCKSDB_MANIFEST_H_
