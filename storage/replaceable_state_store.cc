#include "storage/replaceable_state_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/state_directories.h"

namespace ledgerd::storage {
namespace {

// A plan's generation also says which store made it.
constexpr int kGenerationBits = 48;
constexpr uint64_t kRoomToOpen = uint64_t{16} << 20;
// FORMAT.md, "The data directory".
constexpr absl::string_view kRepairSuffix = "-repair";
constexpr uint64_t kGenerationMask = (uint64_t{1} << kGenerationBits) - 1;

}  // namespace

absl::StatusOr<std::unique_ptr<ReplaceableStateStore>>
ReplaceableStateStore::Open(const std::string& path,
                            const RocksDbStateStore::Options& options,
                            const StateTransferOptions& transfer) {
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(
      options.database.files != nullptr ? options.database.files
                                        : rocksdb::FileSystem::Default());
  RocksDbStateStore::Options settled = options;
  LEDGERD_ASSIGN_OR_RETURN(settled.database.name,
                           SettleStates(*env, path, transfer.checkpoint));
  LEDGERD_ASSIGN_OR_RETURN(auto store, RocksDbStateStore::Open(path, settled));
  return std::unique_ptr<ReplaceableStateStore>(
      new ReplaceableStateStore(path, settled, transfer, std::move(store)));
}

ReplaceableStateStore::ReplaceableStateStore(
    std::string path, RocksDbStateStore::Options options,
    const StateTransferOptions& transfer,
    std::shared_ptr<RocksDbStateStore> store)
    : path_(std::move(path)),
      options_(std::move(options)),
      repair_path_(absl::StrCat(transfer.incoming, kRepairSuffix)),
      receiver_(ReceiverOptions(transfer.incoming)),
      repair_receiver_(ReceiverOptions(repair_path_)),
      store_(std::move(store)),
      shared_(store_) {}

StateReceiver::Options ReplaceableStateStore::ReceiverOptions(
    const std::string& incoming) {
  return {.incoming = incoming,
          .state = path_,
          .cluster = options_.cluster,
          .files = options_.database.files,
          .check_space = [this](uint64_t bytes) {
            return Shared()->CheckSpace(bytes);
          }};
}

ReplaceableStateStore::~ReplaceableStateStore() {
  if (closer_.joinable()) closer_.join();
}

std::shared_ptr<RocksDbStateStore> ReplaceableStateStore::Shared() const {
  const MutexLock lock(mutex_);
  return shared_;
}

// ---- applying

Plan ReplaceableStateStore::MakePlan(Needs needs) {
  Plan plan = store_->MakePlan(std::move(needs));
  LEDGERD_CHECK(plan.generation <= kGenerationMask);
  plan.generation |= installs_ << kGenerationBits;
  return plan;
}

absl::StatusOr<std::unique_ptr<Fetched>> ReplaceableStateStore::Fetch(
    const Needs& missing) {
  return Shared()->Fetch(missing);
}

bool ReplaceableStateStore::Install(Plan plan,
                                    std::unique_ptr<Fetched> fetched) {
  if (plan.generation >> kGenerationBits != installs_) return false;
  plan.generation &= kGenerationMask;
  return store_->Install(std::move(plan), std::move(fetched));
}

absl::Status ReplaceableStateStore::WriteCheckpoint() {
  return Shared()->WriteCheckpoint();
}

// ---- queries

std::unique_ptr<Lookup<Account>> ReplaceableStateStore::LookupAccounts(
    std::vector<AccountId> ids) {
  return store_->LookupAccounts(std::move(ids));
}

std::unique_ptr<Lookup<Transfer>> ReplaceableStateStore::LookupTransfers(
    std::vector<TransferId> ids) {
  return store_->LookupTransfers(std::move(ids));
}

std::unique_ptr<Lookup<Account>> ReplaceableStateStore::QueryAccounts(
    const QueryFilter& filter) {
  return store_->QueryAccounts(filter);
}

std::unique_ptr<Lookup<Transfer>> ReplaceableStateStore::GetAccountTransfers(
    const AccountFilter& filter) {
  return store_->GetAccountTransfers(filter);
}

std::unique_ptr<Lookup<Transfer>> ReplaceableStateStore::QueryTransfers(
    const QueryFilter& filter) {
  return store_->QueryTransfers(filter);
}

std::unique_ptr<Lookup<AccountBalances>>
ReplaceableStateStore::GetAccountBalances(const AccountFilter& filter) {
  return store_->GetAccountBalances(filter);
}

std::unique_ptr<EventRead> ReplaceableStateStore::ReadEvents(EventPosition from,
                                                             size_t limit) {
  return store_->ReadEvents(from, limit);
}

// ---- another one in its place

absl::Status ReplaceableStateStore::VerifyRepair(const EntryId& checkpoint,
                                                 const Pace& pace) {
  absl::Status whole = LookAtRepair(checkpoint, pace);
  if (absl::IsDataLoss(whole)) {
    LEDGERD_RETURN_IF_ERROR(repair_receiver_.Discard());
  }
  return whole;
}

absl::Status ReplaceableStateStore::LookAtRepair(const EntryId& checkpoint,
                                                 const Pace& pace) const {
  LEDGERD_RETURN_IF_ERROR(Shared()->CheckSpace(kRoomToOpen));
  RocksDbStateStore::Options options = options_;
  options.database.name = std::string(StateReceiver::kFinished);
  // What is damaged there is no damage of this replica's state.
  options.database.on_read_error = nullptr;
  LEDGERD_ASSIGN_OR_RETURN(const auto store,
                           RocksDbStateStore::Open(repair_path_, options));
  if (store->applied().entry != checkpoint) {
    return absl::DataLossError("it is another checkpoint than was announced");
  }
  return store->VerifyCheckpointAt(pace);
}

absl::Status ReplaceableStateStore::PrepareFrom(StateReceiver& receiver,
                                                const EntryId& checkpoint) {
  {
    const MutexLock lock(mutex_);
    if (prepared_ != nullptr && prepared_->applied().entry == checkpoint) {
      return absl::OkStatus();
    }
  }
  // RocksDB aborts when it is opened on a device without any space.
  LEDGERD_RETURN_IF_ERROR(Shared()->CheckSpace(kRoomToOpen));
  RocksDbStateStore::Options options = options_;
  LEDGERD_ASSIGN_OR_RETURN(options.database.name, receiver.Claim(checkpoint));
  LEDGERD_ASSIGN_OR_RETURN(std::shared_ptr<RocksDbStateStore> store,
                           RocksDbStateStore::Open(path_, options));
  if (store->applied().entry != checkpoint) {
    return absl::DataLossError(absl::StrCat(
        path_, "/", options.database.name,
        " is not the checkpoint of sequence ", checkpoint.sequence.value()));
  }
  const MutexLock lock(mutex_);
  prepared_ = std::move(store);
  return absl::OkStatus();
}

void ReplaceableStateStore::FinishInstall() {
  std::shared_ptr<RocksDbStateStore> old = store_;
  {
    const MutexLock lock(mutex_);
    LEDGERD_CHECK(prepared_ != nullptr) << "nothing was prepared";
    store_ = std::exchange(prepared_, nullptr);
    shared_ = store_;
  }
  ++installs_;
  old->RemoveWhenClosed();
  if (closer_.joinable()) closer_.join();
  closer_ = std::thread([old = std::move(old)]() mutable { old.reset(); });
}

}  // namespace ledgerd::storage
