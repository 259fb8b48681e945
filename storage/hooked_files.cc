#include "storage/hooked_files.h"

#include <utility>

namespace ledgerd::storage {
namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::DirFsyncOptions;
using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Kind = FileOperation::Kind;

template <typename Perform>
IOStatus Hooked(FileHooks& hooks, const FileOperation& operation,
                const Perform& perform) {
  IOStatus status = hooks.Begin(operation);
  if (!status.ok()) return status;
  if (hooks.Performs(operation)) status = perform();
  hooks.End(operation, status);
  return status;
}

class HookedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  HookedFile(std::unique_ptr<FSWritableFile> file, std::string path,
             std::shared_ptr<FileHooks> hooks)
      : FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        hooks_(std::move(hooks)) {}

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    return Hooked(*hooks_, Appending(data),
                  [&] { return target()->Append(data, options, debug); });
  }

  IOStatus Append(const Slice& data, const IOOptions& options,
                  const DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return Hooked(*hooks_, Appending(data),
                  [&] { return target()->Append(data, options, info, debug); });
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Hooked(*hooks_, Syncing(),
                  [&] { return target()->Sync(options, debug); });
  }

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Hooked(*hooks_, Syncing(),
                  [&] { return target()->Fsync(options, debug); });
  }

 private:
  FileOperation Appending(const Slice& data) const {
    return {
        .kind = Kind::kAppend, .path = path_, .to = "", .bytes = data.size()};
  }

  FileOperation Syncing() const {
    return {.kind = Kind::kSync, .path = path_, .to = ""};
  }

  const std::string path_;
  const std::shared_ptr<FileHooks> hooks_;
};

class HookedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  HookedDirectory(std::unique_ptr<FSDirectory> directory, std::string path,
                  std::shared_ptr<FileHooks> hooks)
      : FSDirectoryWrapper(std::move(directory)),
        operation_{
            .kind = Kind::kSyncDirectory, .path = std::move(path), .to = ""},
        hooks_(std::move(hooks)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Hooked(*hooks_, operation_,
                  [&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }

  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const DirFsyncOptions& why) override {
    return Hooked(*hooks_, operation_, [&] {
      return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, why);
    });
  }

 private:
  const FileOperation operation_;
  const std::shared_ptr<FileHooks> hooks_;
};

class HookedFiles final : public rocksdb::FileSystemWrapper {
 public:
  HookedFiles(const std::shared_ptr<rocksdb::FileSystem>& below,
              std::shared_ptr<FileHooks> hooks)
      : FileSystemWrapper(below), hooks_(std::move(hooks)) {}

  static const char* kClassName() { return "ledgerd.HookedFiles"; }

  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* debug) override {
    const IOStatus status = Hooked(*hooks_, Of(Kind::kCreate, path), [&] {
      return target()->NewWritableFile(path, options, file, debug);
    });
    if (status.ok()) Hook(path, file);
    return status;
  }

  IOStatus ReopenWritableFile(const std::string& path,
                              const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* file,
                              IODebugContext* debug) override {
    const IOStatus status = Hooked(*hooks_, Of(Kind::kReopen, path), [&] {
      return target()->ReopenWritableFile(path, options, file, debug);
    });
    if (status.ok()) Hook(path, file);
    return status;
  }

  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* directory,
                        IODebugContext* debug) override {
    const IOStatus status =
        target()->NewDirectory(path, options, directory, debug);
    if (status.ok()) {
      *directory = std::make_unique<HookedDirectory>(std::move(*directory),
                                                     path, hooks_);
    }
    return status;
  }

  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    return Hooked(*hooks_, Of(Kind::kRemove, path),
                  [&] { return target()->DeleteFile(path, options, debug); });
  }

  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override {
    return Hooked(*hooks_, Of(Kind::kMakeDirectory, path),
                  [&] { return target()->CreateDir(path, options, debug); });
  }

  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* debug) override {
    return Hooked(*hooks_, Of(Kind::kMakeDirectory, path), [&] {
      return target()->CreateDirIfMissing(path, options, debug);
    });
  }

  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const IOOptions& options,
                      IODebugContext* debug) override {
    return Hooked(*hooks_, Of(Kind::kRename, from, to), [&] {
      return target()->RenameFile(from, to, options, debug);
    });
  }

  IOStatus LinkFile(const std::string& from, const std::string& to,
                    const IOOptions& options, IODebugContext* debug) override {
    return Hooked(*hooks_, Of(Kind::kLink, from, to),
                  [&] { return target()->LinkFile(from, to, options, debug); });
  }

 private:
  static FileOperation Of(Kind kind, const std::string& path,
                          const std::string& to = "") {
    return {.kind = kind, .path = path, .to = to};
  }

  void Hook(const std::string& path, std::unique_ptr<FSWritableFile>* file) {
    *file = std::make_unique<HookedFile>(std::move(*file), path, hooks_);
  }

  const std::shared_ptr<FileHooks> hooks_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> NewHookedFiles(
    const std::shared_ptr<rocksdb::FileSystem>& below,
    std::shared_ptr<FileHooks> hooks) {
  return std::make_shared<HookedFiles>(below, std::move(hooks));
}

}  // namespace ledgerd::storage
