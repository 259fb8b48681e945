#include "tests/model/stores.h"

#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "proto/base/check.h"
#include "tests/model/random.h"

namespace ledgerd::model {

namespace fs = std::filesystem;

LedgerInMemory::LedgerInMemory(std::unique_ptr<storage::MemoryStateStore> store)
    : RealLedger(*store), store_(std::move(store)) {}

LedgerInRocksDb::LedgerInRocksDb(std::string path)
    : LedgerInRocksDb(path, Open(path)) {}

LedgerInRocksDb::LedgerInRocksDb(std::string path, std::unique_ptr<Store> store)
    : RealLedger(*store), path_(std::move(path)), store_(std::move(store)) {}

LedgerInRocksDb::~LedgerInRocksDb() {
  store_ = nullptr;
  fs::remove_all(path_);
}

std::string LedgerInRocksDb::NewDirectory() {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string path =
      (base != nullptr ? fs::path(base) : fs::temp_directory_path()) /
      "ledger_model_XXXXXX";
  LEDGERD_CHECK(mkdtemp(path.data()) != nullptr) << path;
  return path;
}

std::unique_ptr<LedgerInRocksDb::Store> LedgerInRocksDb::Open(
    const std::string& path) {
  Store::Options options;
  options.database.reserve_bytes = 0;
  options.rows = {.transfers_per_row = 3, .ids_per_row = 4};
  options.merges = {.fan = 2, .lowest_tier_ids = 8};
  // Fewer than a world has, so that some come back from here, some from below.
  options.account_cache_bytes = 8 * 140;
  auto opened = Store::Open(path + "/state", options);
  LEDGERD_CHECK_OK(opened.status());
  return *std::move(opened);
}

EntryResult LedgerInRocksDb::Apply(const Entry& entry) {
  entries_.push_back(entry);
  results_.push_back(RealLedger::Apply(entry));
  Random random(entry.timestamp().value());
  if (random.OneIn(2)) Advance();
  if (random.OneIn(12)) Reopen();
  return results_.back();
}

void LedgerInRocksDb::Advance() {
  switch (stage_) {
    case Stage::kNone:
      store_->Freeze();
      stage_ = Stage::kFrozen;
      break;
    case Stage::kFrozen:
      LEDGERD_CHECK_OK(store_->WriteCheckpoint());
      stage_ = Stage::kWritten;
      break;
    case Stage::kWritten:
      store_->FinishCheckpoint();
      LEDGERD_CHECK_OK(store_->VerifyCheckpoint());
      stage_ = Stage::kNone;
      break;
  }
}

void LedgerInRocksDb::Reopen() {
  store_ = nullptr;
  store_ = Open(path_);
  set_store(*store_);
  stage_ = Stage::kNone;
  Replay();
}

void LedgerInRocksDb::Replay() {
  size_t next = store_->checkpoint().entry.sequence.value();
  if (next == entries_.size()) return;
  Brought brought = Bring(entries_[next]);
  for (; next < entries_.size(); ++next) {
    Brought ahead;
    if (next + 1 < entries_.size()) ahead = Bring(entries_[next + 1]);
    const EntryResult again = ApplyBrought(entries_[next], std::move(brought));
    LEDGERD_CHECK(again.accounts == results_[next].accounts &&
                  again.transfers == results_[next].transfers)
        << "a replay answers otherwise at " << entries_[next].sequence();
    brought = std::move(ahead);
  }
}

}  // namespace ledgerd::model
