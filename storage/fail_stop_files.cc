#include "storage/fail_stop_files.h"

#include <atomic>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/base/mutex.h"
#include "storage/hooked_files.h"

namespace ledgerd::storage {
namespace {

using Kind = FileOperation::Kind;

// A file of rows, which counts only once the manifest names it.
bool IsTable(const std::string& path) { return absl::EndsWith(path, ".sst"); }

bool IsHarmless(const FileOperation& operation,
                const rocksdb::IOStatus& status) {
  if (status.ok() || status.IsNotSupported()) return true;
  // Names that are not there, and files that are not removed, lose nothing.
  if (operation.kind == Kind::kRemove) return true;
  const bool no_space =
      status.subcode() == rocksdb::IOStatus::SubCode::kNoSpace;
  return no_space && IsTable(operation.path);
}

}  // namespace

class FailStopFiles::Hooks final : public FileHooks {
 public:
  rocksdb::IOStatus Begin(const FileOperation&) override {
    if (!failed_.load()) return rocksdb::IOStatus::OK();
    const MutexLock lock(mutex_);
    return rocksdb::IOStatus::IOError(
        "nothing is changed after a write that failed", cause_);
  }

  void End(const FileOperation& operation,
           const rocksdb::IOStatus& status) override {
    if (IsHarmless(operation, status)) return;
    const MutexLock lock(mutex_);
    if (cause_.empty()) {
      cause_ = absl::StrCat(operation.path, ": ", status.ToString());
    }
    failed_.store(true);
  }

  bool stopped() const { return failed_.load(); }

 private:
  std::atomic<bool> failed_{false};
  Mutex mutex_;
  std::string cause_ LEDGERD_GUARDED_BY(mutex_);
};

FailStopFiles::FailStopFiles(const std::shared_ptr<rocksdb::FileSystem>& below)
    : hooks_(std::make_shared<Hooks>()),
      env_(rocksdb::NewCompositeEnv(NewHookedFiles(below, hooks_))) {}

FailStopFiles::~FailStopFiles() = default;

bool FailStopFiles::stopped() const { return hooks_->stopped(); }

}  // namespace ledgerd::storage
