// A BackupStream sends a backup of this replica to whoever asked for it, while
// it serves.
//
//   absl::Status sent = BackupStream(group, why_to_end, writer).Send(now);
//
// Shape    The newest checkpoint, as it would go to another replica, and the
//          committed entries after it: these first, since the journal lets go
//          of them while the checkpoint's files are held. The last message is
//          the manifest alone (proto/backup_manifest.h).
// Errors   FAILED_PRECONDITION  a witness has no state.
//          ABORTED              the journal has let go, again and again, of
//                               what comes after the checkpoint.
//          What `why_to_end` says, and those of reading.
// Threads  The call's own, which waits for disks and for the reader.
#ifndef LEDGERD_SERVER_GRPC_BACKUP_STREAM_H_
#define LEDGERD_SERVER_GRPC_BACKUP_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "admin/v1/admin.pb.h"
#include "proto/backup_manifest.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "server/served_group.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

class BackupStream {
 public:
  // False: its reader is gone.
  using Write = std::function<bool(const admin::v1::CreateBackupResponse&)>;

  BackupStream(const ServedGroup& group,
               std::function<absl::Status()> why_to_end, Write write)
      : group_(group),
        why_to_end_(std::move(why_to_end)),
        write_(std::move(write)) {}

  absl::Status Send(Timestamp now);

 private:
  // The checkpoint and, of the journal, what follows it; OUT_OF_RANGE when that
  // is not in the journal any more.
  absl::Status Begin();
  absl::Status SendJournal();
  // One file of the journal: what one read gives.
  absl::Status SendEntries(Sequence through);
  absl::Status SendState();
  absl::Status SendFile(size_t file);
  absl::Status SendChunk(const std::string& path, uint64_t offset,
                         absl::string_view data);

  const ServedGroup& group_;
  const std::function<absl::Status()> why_to_end_;
  const Write write_;
  // Null: there is no checkpoint yet.
  std::shared_ptr<const storage::ExportedCheckpoint> checkpoint_;
  BackupManifest manifest_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_BACKUP_STREAM_H_
