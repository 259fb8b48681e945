#include "storage/faulty_state_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

using rocksdb::IOStatus;
using Kind = FileOperation::Kind;

std::string DirectoryOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// RocksDB joins paths with more slashes than one.
std::string Normal(const std::string& path) {
  return fs::path(path).lexically_normal().string();
}

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return "create";
    case Kind::kReopen:
      return "reopen";
    case Kind::kAppend:
      return "append";
    case Kind::kSync:
      return "sync";
    case Kind::kSyncDirectory:
      return "sync directory";
    case Kind::kRename:
      return "rename";
    case Kind::kLink:
      return "link";
    case Kind::kRemove:
      return "remove";
    case Kind::kMakeDirectory:
      return "make directory";
  }
  return "";
}

}  // namespace

class FaultyStateFiles::Disk final : public FileHooks {
 public:
  Disk(const std::string& directory, uint64_t seed)
      : directory_(directory), kept_(directory + ".kept"), random_(seed) {
    fs::create_directories(directory_);
    fs::create_directories(kept_);
  }

  ~Disk() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
    fs::remove_all(kept_, ignored);
  }

  IOStatus Begin(const FileOperation& operation) override;
  void End(const FileOperation& operation, const IOStatus& status) override;
  void PowerCut(Loss loss);

  bool Performs(const FileOperation& operation) const override {
    return operation.kind != Kind::kSync &&
           operation.kind != Kind::kSyncDirectory;
  }

  mutable Mutex mutex_;
  uint64_t operations_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> crash_at_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<uint64_t> fail_at_ LEDGERD_GUARDED_BY(mutex_);
  IOStatus failure_ LEDGERD_GUARDED_BY(mutex_);
  bool happened_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::string fault_point_ LEDGERD_GUARDED_BY(mutex_);
  bool lies_of_files_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool lies_of_directories_ LEDGERD_GUARDED_BY(mutex_) = false;

 private:
  // A file, whatever its names; or a directory.
  struct Node {
    bool is_directory = false;
    std::string kept;  // A name of it that nobody removes.
    uint64_t bytes = 0;
    uint64_t synced = 0;
  };

  using Names = std::map<std::string, std::shared_ptr<Node>>;

  struct NameChange {
    std::set<std::string> directories;  // Not synced since.
    std::vector<std::pair<std::string, std::shared_ptr<Node>>> names;
  };

  void NoteFault(const FileOperation& operation) LEDGERD_REQUIRES(mutex_);
  static void Apply(const NameChange& change, Names& names);
  void Change(NameChange change) LEDGERD_REQUIRES(mutex_);
  void OnCreate(const std::string& path) LEDGERD_REQUIRES(mutex_);
  void OnSyncDirectory(const std::string& path) LEDGERD_REQUIRES(mutex_);
  std::shared_ptr<Node> Find(const std::string& path) LEDGERD_REQUIRES(mutex_);
  bool Keep(Loss loss) LEDGERD_REQUIRES(mutex_);
  void LoseSome(Node& node, Loss loss) LEDGERD_REQUIRES(mutex_);
  void Rebuild() LEDGERD_REQUIRES(mutex_);

  const std::string directory_;
  const std::string kept_;
  std::mt19937_64 random_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t nodes_ LEDGERD_GUARDED_BY(mutex_) = 0;
  Names names_ LEDGERD_GUARDED_BY(mutex_);
  Names durable_names_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<NameChange> changes_ LEDGERD_GUARDED_BY(mutex_);
};

IOStatus FaultyStateFiles::Disk::Begin(const FileOperation& operation) {
  const MutexLock lock(mutex_);
  if (crash_at_.has_value() && operations_ >= *crash_at_) {
    NoteFault(operation);
    return IOStatus::IOError("crashed");
  }
  if (fail_at_.has_value() && operations_ >= *fail_at_) {
    fail_at_.reset();
    NoteFault(operation);
    return failure_;
  }
  ++operations_;
  // A file of that name that is kept keeps its bytes.
  if (operation.kind == Kind::kCreate) fs::remove(operation.path);
  return IOStatus::OK();
}

// After a crash there are more.
void FaultyStateFiles::Disk::NoteFault(const FileOperation& operation) {
  if (std::exchange(happened_, true)) return;
  fault_point_ = absl::StrCat(
      NameOf(operation.kind), " ",
      fs::path(Normal(operation.path)).lexically_relative(directory_).string());
}

void FaultyStateFiles::Disk::End(const FileOperation& operation,
                                 const IOStatus& status) {
  if (!status.ok()) return;
  const MutexLock lock(mutex_);
  const std::string path = Normal(operation.path);
  const std::shared_ptr<Node> node = Find(path);
  switch (operation.kind) {
    case Kind::kCreate:
      return OnCreate(path);
    case Kind::kReopen:
      return;
    case Kind::kAppend:
      node->bytes += operation.bytes;
      return;
    case Kind::kSync:
      if (!lies_of_files_) node->synced = node->bytes;
      return;
    case Kind::kSyncDirectory:
      if (!lies_of_directories_) OnSyncDirectory(path);
      return;
    case Kind::kRemove:
      return Change(
          {.directories = {DirectoryOf(path)}, .names = {{path, nullptr}}});
    case Kind::kLink:
    case Kind::kRename: {
      if (node == nullptr) return;  // RocksDB's own log.
      const std::string to = Normal(operation.to);
      NameChange change{.directories = {DirectoryOf(to)},
                        .names = {{to, node}}};
      if (operation.kind == Kind::kRename) {
        change.directories.insert(DirectoryOf(path));
        change.names.emplace_back(path, nullptr);
      }
      return Change(std::move(change));
    }
    case Kind::kMakeDirectory:
      if (node != nullptr || path == directory_) return;
      auto made = std::make_shared<Node>();
      made->is_directory = true;
      return Change(
          {.directories = {DirectoryOf(path)}, .names = {{path, made}}});
  }
}

std::shared_ptr<FaultyStateFiles::Disk::Node> FaultyStateFiles::Disk::Find(
    const std::string& path) {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

void FaultyStateFiles::Disk::OnCreate(const std::string& path) {
  auto node = std::make_shared<Node>();
  node->kept = absl::StrCat(kept_, "/", nodes_++);
  fs::create_hard_link(path, node->kept);
  Change({.directories = {DirectoryOf(path)}, .names = {{path, node}}});
}

void FaultyStateFiles::Disk::OnSyncDirectory(const std::string& path) {
  for (NameChange& change : changes_) change.directories.erase(path);
  for (const NameChange& change : changes_) {
    if (change.directories.empty()) Apply(change, durable_names_);
  }
  std::erase_if(changes_, [](const NameChange& change) {
    return change.directories.empty();
  });
}

void FaultyStateFiles::Disk::Apply(const NameChange& change, Names& names) {
  for (const auto& [path, node] : change.names) {
    if (node == nullptr) {
      names.erase(path);
    } else {
      names[path] = node;
    }
  }
}

void FaultyStateFiles::Disk::Change(NameChange change) {
  Apply(change, names_);
  changes_.push_back(std::move(change));
}

bool FaultyStateFiles::Disk::Keep(Loss loss) {
  return loss == Loss::kNone || (loss == Loss::kRandom && random_() % 2 == 0);
}

void FaultyStateFiles::Disk::LoseSome(Node& node, Loss loss) {
  if (node.is_directory) return;
  uint64_t end = node.bytes;
  if (!Keep(loss)) {
    const uint64_t unsynced = node.bytes - node.synced;
    end = node.synced + (loss == Loss::kAll ? 0 : random_() % (unsynced + 1));
  }
  fs::resize_file(node.kept, end);
  node.bytes = node.synced = end;
}

void FaultyStateFiles::Disk::Rebuild() {
  fs::remove_all(directory_);
  fs::create_directories(directory_);
  for (const auto& [path, node] : names_) {
    // What is in a directory that is lost is lost with it.
    if (!fs::exists(DirectoryOf(path))) continue;
    if (node->is_directory) {
      fs::create_directory(path);
    } else {
      fs::create_hard_link(node->kept, path);
    }
  }
  std::erase_if(names_,
                [](const auto& name) { return !fs::exists(name.first); });
  durable_names_ = names_;
}

void FaultyStateFiles::Disk::PowerCut(Loss loss) {
  const MutexLock lock(mutex_);
  for (const NameChange& change : changes_) {
    if (!Keep(loss)) break;
    Apply(change, durable_names_);
  }
  changes_.clear();
  names_ = durable_names_;
  std::set<Node*> nodes;
  for (const auto& [path, node] : names_) nodes.insert(node.get());
  for (Node* node : nodes) LoseSome(*node, loss);
  Rebuild();
  crash_at_.reset();
  fail_at_.reset();
}

FaultyStateFiles::FaultyStateFiles(const std::string& directory, uint64_t seed)
    : disk_(std::make_shared<Disk>(Normal(directory), seed)),
      files_(NewHookedFiles(rocksdb::FileSystem::Default(), disk_)) {}

FaultyStateFiles::~FaultyStateFiles() = default;

void FaultyStateFiles::CrashAfter(uint64_t count) {
  const MutexLock lock(disk_->mutex_);
  disk_->crash_at_ = disk_->operations_ + count;
  disk_->happened_ = false;
}

void FaultyStateFiles::FailAfter(uint64_t count, const IOStatus& error) {
  const MutexLock lock(disk_->mutex_);
  disk_->fail_at_ = disk_->operations_ + count;
  disk_->failure_ = error;
  disk_->happened_ = false;
}

bool FaultyStateFiles::happened() const {
  const MutexLock lock(disk_->mutex_);
  return disk_->happened_;
}

std::string FaultyStateFiles::fault_point() const {
  const MutexLock lock(disk_->mutex_);
  return disk_->fault_point_;
}

void FaultyStateFiles::ClearFaults() {
  const MutexLock lock(disk_->mutex_);
  disk_->crash_at_.reset();
  disk_->fail_at_.reset();
}

uint64_t FaultyStateFiles::operations() const {
  const MutexLock lock(disk_->mutex_);
  return disk_->operations_;
}

void FaultyStateFiles::LieAboutSyncs(bool files, bool directories) {
  const MutexLock lock(disk_->mutex_);
  disk_->lies_of_files_ = files;
  disk_->lies_of_directories_ = directories;
}

void FaultyStateFiles::PowerCut(Loss loss) { disk_->PowerCut(loss); }

}  // namespace ledgerd::storage
