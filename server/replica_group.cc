#include "server/replica_group.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "proto/membership.h"
#include "storage/replaceable_state_store.h"
#include "storage/rocksdb_state_store.h"
#include "storage/segment.h"
#include "storage/superblock.h"

namespace ledgerd::server {
namespace {

constexpr uint64_t kRoomToOpen = uint64_t{16} << 20;

replication::ReplicaThreadsOptions ThreadsOptions(
    const ReplicaGroupOptions& options,
    const storage::JournalIdentity& identity) {
  const config::v1::Config& config = options.config;
  replication::ReplicaThreadsOptions threads;
  threads.replica.self = identity.replica;
  threads.replica.incarnation = Incarnation(identity.incarnation);
  threads.replica.checkpoint.delta_bytes = config.state().delta_bytes();
  threads.replica.checkpoint.events = config.state().replay_events();
  threads.inbox_bytes = config.requests().inbox_bytes();
  threads.inbox_proposals = config.requests().inbox_requests();
  threads.reads_max = config.requests().inbox_requests();
  threads.on_halt = options.on_halt;
  return threads;
}

storage::SegmentJournalOptions JournalOptions(
    const config::v1::Config& config) {
  storage::SegmentJournalOptions journal;
  journal.segment_bytes = config.journal().segment_bytes();
  journal.retention_bytes = config.journal().retention_bytes();
  return journal;
}

storage::RocksDbStateStore::Options StateOptions(
    const ReplicaGroupOptions& options, ClusterId cluster) {
  const config::v1::Config& config = options.config;
  storage::RocksDbStateStore::Options state;
  state.database.block_cache_bytes = config.state().cache_bytes();
  state.account_cache_bytes = config.state().account_cache_bytes();
  state.filter_bytes_max = config.state().filter_bytes();
  state.events = {.age_seconds = config.state().event_age_seconds(),
                  .bytes = config.state().event_bytes()};
  state.say = options.say;
  state.cluster = cluster;
  state.database.on_read_error = options.on_read_error;
  return state;
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

}  // namespace

absl::StatusOr<std::unique_ptr<ReplicaGroup>> ReplicaGroup::Open(
    const ReplicaGroupOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(
      auto dir, storage::DataDir::Open(options.config.data_dir(),
                                       {options.cluster, options.replica}));
  LEDGERD_ASSIGN_OR_RETURN(auto journal,
                           dir->OpenJournal(JournalOptions(options.config)));
  if (const uint32_t found = journal->found_superblock_version();
      found < storage::kSuperblockVersion && options.say) {
    options.say(absl::StrCat("upgraded the superblock from version ", found,
                             " to ", storage::kSuperblockVersion));
  }
  LEDGERD_RETURN_IF_ERROR(MakeRoom(*dir));
  LEDGERD_ASSIGN_OR_RETURN(
      auto store,
      storage::ReplaceableStateStore::Open(
          dir->state_path(), StateOptions(options, dir->identity().cluster),
          {.incoming = dir->incoming_path(),
           .checkpoint = journal->superblock().checkpoint.sequence}));
  return std::unique_ptr<ReplicaGroup>(new ReplicaGroup(
      options, std::move(dir), std::move(journal), std::move(store)));
}

ReplicaGroup::ReplicaGroup(const ReplicaGroupOptions& options,
                           std::unique_ptr<storage::DataDir> dir,
                           std::unique_ptr<storage::SegmentJournal> journal,
                           std::unique_ptr<storage::StateStore> store)
    : dir_(std::move(dir)),
      journal_(std::move(journal)),
      store_(std::move(store)),
      replica_(ThreadsOptions(options, dir_->identity()), *journal_, *store_,
               machine_, clock_) {}

}  // namespace ledgerd::server
