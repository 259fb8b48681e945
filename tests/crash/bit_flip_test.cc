// A data directory with one bit flipped, anywhere: it opens and everything in
// it is right, or it is refused with an error that names the file. Never a
// wrong balance. LEDGERD_FLIPS sets how many (150; in tests/long.sh 3,000).
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "proto/base/test_seed.h"
#include "tests/integration/final_state.h"
#include "tests/integration/ledger_text.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::crash {
namespace {

namespace fs = std::filesystem;

using integration::LedgerIds;
using integration::LiveLedger;
using integration::OfflineLedger;
using integration::ReadFile;

// Exit codes: not usable as it is, damaged, cannot be read.
const std::vector<int> kRefusals = {3, 6, 7};

int Flips() {
  const char* flips = std::getenv("LEDGERD_FLIPS");
  return flips == nullptr ? 150 : std::atoi(flips);
}

// What a file is to the ledger, whatever its number.
std::string KindOf(const fs::path& file) {
  std::string kind;
  for (const char c : file.filename().string()) {
    if (c < '0' || c > '9') kind += c;
  }
  return file.parent_path().filename().string() + "/" + kind;
}

struct Flip {
  fs::path file;
  uint64_t offset = 0;
  int bit = 0;

  std::string Text() const {
    return absl::StrCat("bit ", bit, " of byte ", offset, " in ",
                        file.filename().string());
  }
};

class BitFlipTest : public testing::Test {
 protected:
  // The fixture of another test, as this build goes on with it.
  void SetUp() override {
    const auto unpacked = integration::RunToEnd(
        {"/bin/tar", "-xJf",
         integration::Runfile("tests/integration/testdata/format_1.tar.xz"),
         "-C", directory_.path()});
    ASSERT_EQ(unpacked.exit_code, 0) << unpacked.errors;
    text_ = ReadFile(directory_.Path("text"));
    ids_ = integration::IdsIn(text_);
    auto ledger = OfflineLedger::Open(whole().string());
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    // What an upgrade wrote becomes part of what is damaged.
    ASSERT_TRUE((*ledger)->VerifyAll().ok());
    state_hash_ = (*ledger)->state_hash();
    ledger->reset();
    fs::remove(whole() / "reserve");
    FindTargets();
  }

  fs::path whole() const { return directory_.Path("data"); }

  std::string damaged() const { return directory_.Path("damaged"); }

  // The parts of each file where something is: of the others a flip is seen, if
  // at all, as one of these.
  void FindTargets() {
    for (const auto& file : fs::recursive_directory_iterator(whole())) {
      const std::string name = file.path().filename().string();
      if (!file.is_regular_file() || file.file_size() == 0 ||
          absl::StartsWith(name, "spare-") || absl::StartsWith(name, "LOG")) {
        continue;
      }
      const std::string bytes = ReadFile(file.path().string());
      std::vector<uint64_t> offsets;
      for (uint64_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != 0) offsets.push_back(i);
      }
      const fs::path relative = fs::relative(file.path(), whole());
      if (!offsets.empty()) targets_[KindOf(relative)][relative] = offsets;
    }
  }

  // Each kind of file as often as the others.
  Flip Draw() {
    auto kind = targets_.begin();
    std::advance(kind, random_() % targets_.size());
    auto file = kind->second.begin();
    std::advance(file, random_() % kind->second.size());
    ++drawn_[kind->first];
    const auto& offsets = file->second;
    return {.file = file->first,
            .offset = offsets[random_() % offsets.size()],
            .bit = static_cast<int>(random_() % 8)};
  }

  void Damage(const Flip& flip) {
    fs::remove_all(damaged());
    for (const auto& entry : fs::recursive_directory_iterator(whole())) {
      const fs::path to = damaged() / fs::relative(entry.path(), whole());
      fs::create_directories(entry.is_directory() ? to : to.parent_path());
      if (entry.is_regular_file()) fs::copy_file(entry.path(), to);
    }
    std::fstream file(damaged() / flip.file,
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(flip.offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(flip.offset));
    file.put(static_cast<char>(byte ^ (1 << flip.bit)));
    ASSERT_TRUE(file.good());
  }

  std::string ExpectedText() const {
    std::string expected;
    for (const std::string name : {"account", "transfer"}) {
      for (const std::string& line : integration::LinesOf(text_, name)) {
        absl::StrAppend(&expected, name, " ", line, "\n");
      }
    }
    return expected;
  }

  // OK when all is right; else what refused it.
  absl::Status OpenAndCompare() {
    auto ledger = OfflineLedger::Open(damaged());
    if (!ledger.ok()) return ledger.status();
    const auto state = (*ledger)->Read(ids_.transfers, ids_.accounts);
    if (!state.ok()) return state.status();
    EXPECT_TRUE((*ledger)->state_hash() == state_hash_);
    EXPECT_TRUE(integration::LedgerText(*state) == ExpectedText());
    // Balances and transfers are right. What only the recomputation of the
    // whole state finds (an index) has no file to name.
    const absl::Status verified = (*ledger)->VerifyAll();
    found_by_verifying_ += !verified.ok();
    return absl::OkStatus();
  }

  static void ExpectNames(const std::string& message, const Flip& flip) {
    const std::string name = flip.file.filename().string();
    // CURRENT says which manifest there is.
    const bool named =
        absl::StrContains(message, name) ||
        (name == "CURRENT" && absl::StrContains(message, "MANIFEST"));
    EXPECT_TRUE(named) << message;
  }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  const integration::TestDirectory directory_{"flips"};
  std::string text_;
  LedgerIds ids_;
  Uint128 state_hash_ = 0;
  // By kind: files, and where in them something is.
  std::map<std::string, std::map<fs::path, std::vector<uint64_t>>> targets_;
  std::map<std::string, int> drawn_;
  int found_by_verifying_ = 0;
};

TEST_F(BitFlipTest, EndsRightOrRefused) {
  std::map<std::string, int> refused;
  for (int i = 0; i < Flips() && !HasFailure(); ++i) {
    const Flip flip = Draw();
    SCOPED_TRACE(flip.Text());
    ASSERT_NO_FATAL_FAILURE(Damage(flip));
    const absl::Status status = OpenAndCompare();
    if (status.ok()) continue;
    ++refused[KindOf(flip.file)];
    ExpectNames(std::string(status.message()), flip);
  }
  int refusals = 0;
  for (const auto& [kind, count] : drawn_) {
    std::cout << kind << ": " << count << " flips, " << refused[kind]
              << " refused\n";
    refusals += refused[kind];
  }
  std::cout << found_by_verifying_ << " found by verifying alone\n";
  for (const char* kind :
       {"/IDENTITY", "/superblock", "journal/.segment", "db/CURRENT",
        "db/MANIFEST-", "db/OPTIONS-", "db/.sst"}) {
    EXPECT_GT(drawn_[kind], 0) << kind;
  }
  EXPECT_GT(refusals, 0);
}

// RocksDB itself would go on without a table's properties, and read rows that
// were replaced long ago.
TEST_F(BitFlipTest, DamagedPropertiesOfATableAreRefused) {
  int flipped = 0;
  for (const auto& [file, offsets] : targets_["db/.sst"]) {
    const std::string bytes = ReadFile((whole() / file).string());
    const size_t at = bytes.find("BytewiseComparator");
    ASSERT_NE(at, std::string::npos);
    const Flip flip{.file = file, .offset = at, .bit = 3};
    SCOPED_TRACE(flip.Text());
    ASSERT_NO_FATAL_FAILURE(Damage(flip));
    const absl::Status status = OpenAndCompare();
    EXPECT_FALSE(status.ok());
    ExpectNames(std::string(status.message()), flip);
    ++flipped;
  }
  EXPECT_GT(flipped, 10);
}

TEST_F(BitFlipTest, TheDaemonEndsRightOrRefuses) {
  for (int i = 0; i < 8 && !HasFailure(); ++i) {
    const Flip flip = Draw();
    SCOPED_TRACE(flip.Text());
    ASSERT_NO_FATAL_FAILURE(Damage(flip));
    LiveLedger live;
    if (!live.StartOn(damaged()).ok()) {
      const int exit_code = live.daemon().process().Wait();
      EXPECT_NE(std::find(kRefusals.begin(), kRefusals.end(), exit_code),
                kRefusals.end())
          << exit_code;
      ExpectNames(live.daemon().Log(), flip);
      continue;
    }
    client::LedgerClient client({.addresses = {live.address()}});
    const auto state =
        integration::ReadState(client, ids_.transfers, ids_.accounts);
    if (state.ok()) {
      EXPECT_TRUE(integration::LedgerText(*state) == ExpectedText());
    } else {
      // Found when it was read: that read is refused, as its client is told.
      std::cout << flip.Text() << ": " << state.status() << "\n";
    }
  }
}

}  // namespace
}  // namespace ledgerd::crash
