#include "storage/faulty_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace ledgerd::storage {
namespace {

std::string DirectoryOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

void WriteInto(std::string& bytes, uint64_t offset, absl::string_view what) {
  if (bytes.size() < offset + what.size()) bytes.resize(offset + what.size());
  bytes.replace(offset, what.size(), what.data(), what.size());
}

}  // namespace

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyFiles& files, std::string path,
             std::shared_ptr<FaultyFiles::Node> node, uint64_t boot)
      : files_(files),
        path_(std::move(path)),
        node_(std::move(node)),
        boot_(boot) {}

  absl::Status Read(uint64_t offset, absl::Span<char> into) const override {
    const MutexLock lock(files_.mutex_);
    LEDGERD_RETURN_IF_ERROR(Begin(FaultyFiles::Operation::kRead, "read"));
    if (offset + into.size() > node_->seen.size()) {
      return absl::OutOfRangeError(absl::StrCat("read past end of ", path_));
    }
    std::copy_n(node_->seen.begin() + static_cast<ptrdiff_t>(offset),
                into.size(), into.begin());
    return absl::OkStatus();
  }

  absl::Status Write(uint64_t offset, absl::string_view bytes) override {
    LEDGERD_CHECK((offset | bytes.size()) % kBlockBytes == 0);
    const MutexLock lock(files_.mutex_);
    const absl::Status status = Begin(FaultyFiles::Operation::kWrite, "write");
    if (!status.ok() && files_.boot_ != boot_) return status;
    for (size_t at = 0; at < bytes.size(); at += FaultyFiles::kSectorBytes) {
      if (!status.ok() && !files_.Keep()) continue;
      const absl::string_view sector =
          bytes.substr(at, FaultyFiles::kSectorBytes);
      WriteInto(node_->seen, offset + at, sector);
      node_->unsynced.push_back({offset + at, std::string(sector)});
    }
    return status;
  }

  absl::Status Sync() override {
    const MutexLock lock(files_.mutex_);
    const absl::Status status = Begin(FaultyFiles::Operation::kSync, "sync");
    if (!status.ok()) {
      if (files_.boot_ == boot_ && !files_.Crashed()) {
        files_.LoseSome(*node_);
        node_->cache_lies = true;
      }
      return status;
    }
    if (files_.lies_of_files_) return absl::OkStatus();
    for (const auto& write : node_->unsynced) {
      WriteInto(node_->device, write.offset, write.bytes);
    }
    node_->device.resize(node_->seen.size());
    node_->unsynced.clear();
    return absl::OkStatus();
  }

  absl::Status Allocate(uint64_t bytes) override {
    const MutexLock lock(files_.mutex_);
    LEDGERD_RETURN_IF_ERROR(
        Begin(FaultyFiles::Operation::kAllocate, "allocate"));
    if (bytes <= node_->seen.size()) return absl::OkStatus();
    LEDGERD_RETURN_IF_ERROR(files_.CheckSpace(bytes - node_->seen.size()));
    node_->seen.resize(bytes);
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override {
    const MutexLock lock(files_.mutex_);
    return node_->seen.size();
  }

 private:
  absl::Status Begin(FaultyFiles::Operation operation,
                     absl::string_view what) const
      LEDGERD_REQUIRES(files_.mutex_) {
    if (files_.boot_ != boot_) {
      return absl::InternalError("a file of before the crash");
    }
    return files_.Begin(operation, absl::StrCat(what, " ", path_));
  }

  FaultyFiles& files_;
  const std::string path_;
  const std::shared_ptr<FaultyFiles::Node> node_;
  const uint64_t boot_;
};

absl::StatusOr<std::unique_ptr<File>> FaultyFiles::Open(
    const std::string& path) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(Begin(Operation::kName, absl::StrCat("open ", path)));
  const auto found = names_.find(path);
  if (found == names_.end()) {
    return absl::NotFoundError(absl::StrCat("open ", path, ": no such file"));
  }
  Node& node = *found->second;
  if (node.cache_lies) {
    node.seen = node.device;
    node.cache_lies = false;
  }
  return std::make_unique<FaultyFile>(*this, path, found->second, boot_);
}

absl::StatusOr<std::unique_ptr<File>> FaultyFiles::Create(
    const std::string& path) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(
      Begin(Operation::kName, absl::StrCat("create ", path)));
  LEDGERD_CHECK(directories_.contains(DirectoryOf(path))) << path;
  if (names_.contains(path)) {
    return absl::AlreadyExistsError(absl::StrCat("create ", path));
  }
  LEDGERD_RETURN_IF_ERROR(CheckSpace(0));
  auto node = std::make_shared<Node>();
  Change({.directories = {DirectoryOf(path)}, .names = {{path, node}}});
  return std::make_unique<FaultyFile>(*this, path, node, boot_);
}

absl::Status FaultyFiles::Rename(const std::string& from,
                                 const std::string& to) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(
      Begin(Operation::kName, absl::StrCat("rename ", from)));
  const auto found = names_.find(from);
  if (found == names_.end()) {
    return absl::NotFoundError(absl::StrCat("rename ", from));
  }
  const std::shared_ptr<Node> node = found->second;
  Change({.directories = {DirectoryOf(from), DirectoryOf(to)},
          .names = {{from, nullptr}, {to, node}}});
  return absl::OkStatus();
}

absl::Status FaultyFiles::Remove(const std::string& path) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(
      Begin(Operation::kName, absl::StrCat("remove ", path)));
  if (!names_.contains(path)) {
    return absl::NotFoundError(absl::StrCat("remove ", path));
  }
  Change({.directories = {DirectoryOf(path)}, .names = {{path, nullptr}}});
  return absl::OkStatus();
}

absl::Status FaultyFiles::SyncDirectory(const std::string& path) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(Begin(Operation::kSync, absl::StrCat("sync ", path)));
  if (lies_of_directories_) return absl::OkStatus();
  for (NameChange& change : changes_) change.directories.erase(path);
  for (const NameChange& change : changes_) {
    if (change.directories.empty()) Apply(change, durable_names_);
  }
  std::erase_if(changes_, [](const NameChange& change) {
    return change.directories.empty();
  });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FaultyFiles::List(
    const std::string& path) {
  const MutexLock lock(mutex_);
  LEDGERD_RETURN_IF_ERROR(Begin(Operation::kName, absl::StrCat("list ", path)));
  std::vector<std::string> names;
  for (const auto& [name, node] : names_) {
    if (DirectoryOf(name) == path) {
      names.push_back(name.substr(path.size() + 1));
    }
  }
  return names;
}

void FaultyFiles::MakeDirectory(const std::string& path) {
  const MutexLock lock(mutex_);
  directories_.insert(path);
}

void FaultyFiles::FailNext(Operation operation, int skip, absl::Status error) {
  const MutexLock lock(mutex_);
  faults_[operation] = {.skip = skip, .error = std::move(error)};
}

void FaultyFiles::CrashAfter(uint64_t count) {
  const MutexLock lock(mutex_);
  crash_at_ = operations_ + count;
}

void FaultyFiles::ClearFaults() {
  const MutexLock lock(mutex_);
  crash_at_.reset();
  faults_.clear();
}

void FaultyFiles::SetCapacity(uint64_t bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

void FaultyFiles::SetKeep(std::function<bool()> keep) {
  const MutexLock lock(mutex_);
  keep_ = std::move(keep);
}

uint64_t FaultyFiles::operations() const {
  const MutexLock lock(mutex_);
  return operations_;
}

std::string FaultyFiles::crash_point() const {
  const MutexLock lock(mutex_);
  return crash_point_;
}

void FaultyFiles::LieAboutSyncs(bool files, bool directories) {
  const MutexLock lock(mutex_);
  lies_of_files_ = files;
  lies_of_directories_ = directories;
}

void FaultyFiles::PowerCut() {
  const MutexLock lock(mutex_);
  // Sectors first, of all files that have a name or could get it back.
  std::set<Node*> nodes;
  for (const auto& [path, node] : names_) nodes.insert(node.get());
  for (const auto& [path, node] : durable_names_) nodes.insert(node.get());
  for (const NameChange& change : changes_) {
    for (const auto& [path, node] : change.names) {
      if (node != nullptr) nodes.insert(node.get());
    }
  }
  for (Node* node : nodes) {
    LoseSome(*node);
    node->seen = node->device;
    node->cache_lies = false;
  }
  for (const NameChange& change : changes_) {
    if (!Keep()) break;
    Apply(change, durable_names_);
  }
  changes_.clear();
  names_ = durable_names_;
  ForgetProcess();
}

void FaultyFiles::Restart() {
  const MutexLock lock(mutex_);
  ForgetProcess();
}

std::string* FaultyFiles::Device(const std::string& path) {
  const MutexLock lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return nullptr;
  // Whoever opens it next sees the device.
  found->second->cache_lies = true;
  return &found->second->device;
}

void FaultyFiles::Rot(const std::string& path, uint64_t offset, char mask) {
  const MutexLock lock(mutex_);
  Node& node = *names_.at(path);
  for (std::string* bytes : {&node.device, &node.seen}) {
    (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ mask);
  }
}

absl::Status FaultyFiles::Begin(Operation operation, const std::string& what) {
  if (Crashed()) {
    if (crash_point_.empty()) crash_point_ = what;
    return absl::InternalError(absl::StrCat(what, ": crashed"));
  }
  ++operations_;
  const auto fault = faults_.find(operation);
  if (fault == faults_.end() || fault->second.skip-- > 0) {
    return absl::OkStatus();
  }
  absl::Status error = fault->second.error;
  faults_.erase(fault);
  return error;
}

bool FaultyFiles::Crashed() const {
  return crash_at_.has_value() && operations_ >= *crash_at_;
}

bool FaultyFiles::Keep() {
  return keep_ != nullptr ? keep_() : (random_() & 1) != 0;
}

void FaultyFiles::Apply(const NameChange& change, Names& names) {
  for (const auto& [path, node] : change.names) {
    if (node == nullptr) {
      names.erase(path);
    } else {
      names[path] = node;
    }
  }
}

void FaultyFiles::Change(NameChange change) {
  Apply(change, names_);
  changes_.push_back(std::move(change));
}

void FaultyFiles::LoseSome(Node& node) {
  if (Keep()) node.device.resize(node.seen.size());
  for (const SectorWrite& write : node.unsynced) {
    if (Keep()) WriteInto(node.device, write.offset, write.bytes);
  }
  node.unsynced.clear();
}

absl::Status FaultyFiles::CheckSpace(uint64_t more) {
  uint64_t used = more;
  for (const auto& [path, node] : names_) used += node->seen.size();
  // At the limit there is no room for another name either.
  if (!capacity_.has_value() || used < *capacity_) return absl::OkStatus();
  return absl::ResourceExhaustedError("no space left on device");
}

void FaultyFiles::ForgetProcess() {
  ++boot_;
  crash_at_.reset();
  faults_.clear();
}

}  // namespace ledgerd::storage
