// The real ledger over each of its stores, for the comparison.
//
//   RunWorld(options, [] { return std::make_unique<LedgerInMemory>(true); },
//            coverage);
//
// Threads  Not thread-safe.
#ifndef LEDGERD_TESTS_MODEL_STORES_H_
#define LEDGERD_TESTS_MODEL_STORES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/entry.h"
#include "proto/results.h"
#include "storage/memory_state_store.h"
#include "storage/rocksdb_state_store.h"
#include "tests/model/subject.h"

namespace ledgerd::model {

// A cold store proves that NeedsOf names all that Apply looks at.
class LedgerInMemory : public RealLedger {
 public:
  explicit LedgerInMemory(bool cold)
      : LedgerInMemory(std::make_unique<storage::MemoryStateStore>(
            storage::MemoryStateStore::Options{.cold = cold})) {}

 private:
  explicit LedgerInMemory(std::unique_ptr<storage::MemoryStateStore> store);

  std::unique_ptr<storage::MemoryStateStore> store_;
};

// Over RocksDB, in a new directory below $TEST_TMPDIR, with rows and runs so
// small that there are many. After an entry, drawn from its timestamp and so
// the same for the same entry: a checkpoint begins, is written or ends, or the
// store is dropped wherever that stands, opened, and brought up to date from
// the entries after its checkpoint, each brought in before the one ahead of it
// is applied. Checks that a replay gives the answers that were given, and every
// checkpoint what it was made of.
class LedgerInRocksDb final : public RealLedger {
 public:
  LedgerInRocksDb() : LedgerInRocksDb(NewDirectory()) {}

  ~LedgerInRocksDb() override;

  EntryResult Apply(const Entry& entry) override;

 private:
  using Store = storage::RocksDbStateStore;

  explicit LedgerInRocksDb(std::string path);
  LedgerInRocksDb(std::string path, std::unique_ptr<Store> store);

  static std::string NewDirectory();
  static std::unique_ptr<Store> Open(const std::string& path);

  void Advance();
  void Reopen();
  void Replay();

  const std::string path_;
  std::unique_ptr<Store> store_;
  // How far a checkpoint is.
  enum class Stage { kNone, kFrozen, kWritten } stage_ = Stage::kNone;
  std::vector<Entry> entries_;
  std::vector<EntryResult> results_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_STORES_H_
