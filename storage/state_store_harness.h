// The state stores that the contract suite runs over, each able to crash.
//
//   for (const StoreKind& kind : AllStoreKinds()) {
//     std::unique_ptr<TestedStore> tested = kind.make();
//     ...
//   }
#ifndef LEDGERD_STORAGE_STATE_STORE_HARNESS_H_
#define LEDGERD_STORAGE_STATE_STORE_HARNESS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "storage/memory_state_store.h"
#include "storage/rocksdb_state_store.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {

// A directory that does not exist yet, below TEST_TMPDIR.
std::string NewStateDirectory();

// Few records a row, few ids a run, so that little data makes many of them; no
// reserve on the disk.
RocksDbStateStore::Options TinyStateOptions();

class TestedMemoryStore final : public TestedStore {
 public:
  explicit TestedMemoryStore(MemoryStateStore::Options options)
      : memory(options) {}

  StateStore& get() override { return memory; }

  void Crash() override { memory.Crash(); }

  MemoryStateStore memory;
};

class TestedRocksDbStore final : public TestedStore {
 public:
  // In a new directory, which goes with it.
  explicit TestedRocksDbStore(RocksDbStateStore::Options options);
  ~TestedRocksDbStore() override;

  StateStore& get() override { return *store_; }

  RocksDbStateStore& rocksdb() { return *store_; }

  // Without finishing anything, and opened again.
  void Crash() override;

  void Close() { store_ = nullptr; }

  absl::Status Open();

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const RocksDbStateStore::Options options_;
  std::unique_ptr<RocksDbStateStore> store_;
};

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<TestedStore>()> make;
};

std::vector<StoreKind> AllStoreKinds();

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_STORE_HARNESS_H_
