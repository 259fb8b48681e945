#include "storage/state_store_harness.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "proto/base/check.h"

namespace ledgerd::storage {

namespace fs = std::filesystem;

std::string NewStateDirectory() {
  static std::atomic<int> count{0};
  const char* base = std::getenv("TEST_TMPDIR");
  fs::path path = base != nullptr ? base : fs::temp_directory_path();
  path /= "state" + std::to_string(++count);
  fs::remove_all(path);
  return path.string();
}

RocksDbStateStore::Options TinyStateOptions() {
  RocksDbStateStore::Options options;
  options.database.reserve_bytes = 0;
  options.rows = {
      .transfers_per_row = 3, .ids_per_row = 4, .index_row_bytes = 3};
  options.merges = {.fan = 2, .lowest_tier_ids = 8};
  options.account_cache_bytes = 3 * 140;
  return options;
}

TestedRocksDbStore::TestedRocksDbStore(RocksDbStateStore::Options options)
    : path_(NewStateDirectory()), options_(std::move(options)) {
  LEDGERD_CHECK_OK(Open());
}

TestedRocksDbStore::~TestedRocksDbStore() {
  store_ = nullptr;
  std::error_code ignored;  // The test's folder is removed anyway.
  fs::remove_all(path_, ignored);
}

void TestedRocksDbStore::Crash() {
  Close();
  LEDGERD_CHECK_OK(Open());
}

absl::Status TestedRocksDbStore::Open() {
  auto opened = RocksDbStateStore::Open(path_, options_);
  if (opened.ok()) store_ = *std::move(opened);
  return opened.status();
}

std::vector<StoreKind> AllStoreKinds() {
  const auto memory = [](bool cold) {
    return [cold] {
      return std::make_unique<TestedMemoryStore>(
          MemoryStateStore::Options{.cold = cold});
    };
  };
  const auto rocksdb = [](RocksDbStateStore::Options options) {
    options.database.reserve_bytes = 0;
    return [options] { return std::make_unique<TestedRocksDbStore>(options); };
  };
  RocksDbStateStore::Options without_filters = TinyStateOptions();
  without_filters.filter_bytes_max = 0;
  without_filters.account_cache_bytes = 0;
  return {{"Memory", memory(false)},
          {"ColdMemory", memory(true)},
          {"RocksDb", rocksdb({})},
          {"TinyRocksDb", rocksdb(TinyStateOptions())},
          {"RocksDbWithoutFilters", rocksdb(without_filters)}};
}

}  // namespace ledgerd::storage
