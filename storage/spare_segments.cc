#include "storage/spare_segments.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/segment.h"

namespace ledgerd::storage {
namespace {

constexpr absl::string_view kPrefix = "spare-";
constexpr absl::string_view kUnfinished = ".unfinished";

}  // namespace

SpareSegments::SpareSegments(FileSystem& files, std::string directory,
                             uint64_t bytes, bool in_background)
    : files_(files),
      directory_(std::move(directory)),
      bytes_(bytes),
      in_background_(in_background) {}

SpareSegments::~SpareSegments() {
  stop_.store(true);
  if (thread_.joinable()) {
    {
      const MutexLock lock(mutex_);
      changed_.SignalAll();
    }
    thread_.join();
  }
}

absl::Status SpareSegments::Open(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(directory_, "/", name);
    absl::string_view number_text = name;
    uint64_t number = 0;
    if (absl::EndsWith(name, kUnfinished)) {
      LEDGERD_RETURN_IF_ERROR(files_.Remove(path));
    } else if (absl::ConsumePrefix(&number_text, kPrefix) &&
               absl::SimpleAtoi(number_text, &number)) {
      {
        const MutexLock lock(mutex_);
        next_name_ = std::max(next_name_, number + 1);
      }
      LEDGERD_RETURN_IF_ERROR(Adopt(path));
    }
  }
  if (in_background_) {
    {
      const MutexLock lock(mutex_);
      wanted_ = true;
    }
    thread_ = std::thread([this] { RunInBackground(); });
  }
  return absl::OkStatus();
}

absl::Status SpareSegments::Adopt(const std::string& path) {
  uint64_t bytes = 0;
  {
    LEDGERD_ASSIGN_OR_RETURN(const auto file, files_.Open(path));
    LEDGERD_ASSIGN_OR_RETURN(bytes, file->Size());
  }
  const MutexLock lock(mutex_);
  if (bytes != bytes_ || spares_.size() >= kSparesMax) {
    return files_.Remove(path);
  }
  spares_.push_back({.path = path, .used_again = true});
  return absl::OkStatus();
}

std::string SpareSegments::NextPath() {
  return absl::StrCat(directory_, "/", kPrefix, next_name_++);
}

absl::Status SpareSegments::Make(const std::string& path) {
  const std::string unfinished = absl::StrCat(path, kUnfinished);
  LEDGERD_RETURN_IF_ERROR(CreateZeroed(files_, unfinished, bytes_, stop_));
  LEDGERD_RETURN_IF_ERROR(files_.Rename(unfinished, path));
  return files_.SyncDirectory(directory_);
}

absl::Status SpareSegments::Ensure(size_t count) {
  mutex_.Lock();
  while (making_ && spares_.size() < count) changed_.Wait(mutex_);
  absl::Status status = failure_;
  while (status.ok() && spares_.size() < count) {
    const std::string path = NextPath();
    mutex_.Unlock();
    status = Make(path);
    mutex_.Lock();
    if (status.ok()) spares_.push_back({.path = path});
  }
  mutex_.Unlock();
  return status;
}

SpareSegments::Spare SpareSegments::Take() {
  const MutexLock lock(mutex_);
  LEDGERD_CHECK(!spares_.empty());
  Spare spare = std::move(spares_.front());
  spares_.erase(spares_.begin());
  wanted_ = spares_.empty();
  changed_.SignalAll();
  return spare;
}

absl::Status SpareSegments::Recycle(const std::string& path, bool reusable) {
  std::string to;
  {
    const MutexLock lock(mutex_);
    if (reusable && spares_.size() < kSparesMax) to = NextPath();
  }
  if (to.empty()) {
    LEDGERD_RETURN_IF_ERROR(files_.Remove(path));
    return files_.SyncDirectory(directory_);
  }
  LEDGERD_RETURN_IF_ERROR(files_.Rename(path, to));
  LEDGERD_RETURN_IF_ERROR(files_.SyncDirectory(directory_));
  const MutexLock lock(mutex_);
  spares_.push_back({.path = to, .used_again = true});
  return absl::OkStatus();
}

void SpareSegments::RunInBackground() {
  mutex_.Lock();
  while (!stop_.load()) {
    if (!wanted_) {
      changed_.Wait(mutex_);
      continue;
    }
    wanted_ = false;
    if (!spares_.empty()) continue;
    making_ = true;
    const std::string path = NextPath();
    mutex_.Unlock();
    absl::Status status = Make(path);
    mutex_.Lock();
    making_ = false;
    if (status.ok()) {
      spares_.push_back({.path = path});
    } else if (!absl::IsResourceExhausted(status) &&
               !absl::IsCancelled(status)) {
      failure_ = std::move(status);
    }
    changed_.SignalAll();
  }
  mutex_.Unlock();
}

}  // namespace ledgerd::storage
