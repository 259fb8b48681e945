// A data directory with one bit flipped, anywhere: it opens and every answer is
// right, or what is refused says which file is at fault. Never a wrong answer,
// and none that lacks something. One in each part of each kind of file;
// LEDGERD_FLIPS sets how many at least (in tests/long.sh 20,000).
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "proto/types.h"
#include "tests/crash/flip_targets.h"
#include "tests/crash/full_reading.h"
#include "tests/crash/table_parts.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::crash {
namespace {

namespace fs = std::filesystem;

using integration::OfflineLedger;
using integration::ReadFile;
using integration::WriteFile;

size_t Flips() {
  const char* flips = std::getenv("LEDGERD_FLIPS");
  return flips == nullptr ? 1 : std::strtoul(flips, nullptr, 10);
}

// What came of opening and reading.
struct Outcome {
  // Errors that were answered; one for all when nothing opened.
  std::vector<std::string> errors;
  // Answers that are not the right ones.
  std::vector<std::string> wrong;
};

class BitFlipTest : public testing::Test {
 protected:
  void SetUp() override {
    UnpackFlipFixture(directory_.path());
    known_ = KnownIdsIn(ReadFile(directory_.Path("text")));
    targets_ = FlipTargetsIn(whole());
    MakeCopy();
    auto ledger = OfflineLedger::Open(copy().string());
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    right_ = ReadEverything(**ledger, known_);
    for (const auto& [name, answer] : right_) {
      ASSERT_TRUE(answer.ok()) << name << ": " << answer.status();
    }
  }

  fs::path whole() const { return directory_.Path("data"); }

  fs::path copy() const { return directory_.Path("copy"); }

  void MakeCopy() const {
    fs::remove_all(copy());
    fs::copy(whole(), copy(), fs::copy_options::recursive);
  }

  // Of the copy.
  Outcome OpenAndRead() const {
    Outcome outcome;
    auto ledger = OfflineLedger::Open(copy().string());
    if (!ledger.ok()) {
      outcome.errors.push_back(ledger.status().ToString());
      return outcome;
    }
    for (const auto& [name, answer] : ReadEverything(**ledger, known_)) {
      if (!answer.ok()) {
        outcome.errors.push_back(
            absl::StrCat(name, ": ", answer.status().ToString()));
      } else if (*answer != *right_.at(name)) {
        outcome.wrong.push_back(name);
      }
    }
    return outcome;
  }

  Outcome OutcomeOf(const Flip& flip) const {
    MakeCopy();
    FlipBit(flip, copy());
    return OpenAndRead();
  }

  // True when something was refused.
  static bool ExpectRightOrRefused(const Outcome& outcome, const Flip& flip) {
    for (const std::string& name : outcome.wrong) {
      ADD_FAILURE() << "wrong answer: " << name;
    }
    for (const std::string& error : outcome.errors) {
      EXPECT_TRUE(absl::StrContains(error, flip.file.filename().string()))
          << "does not name the file: " << error;
    }
    return !outcome.errors.empty();
  }

  // Of each kind as many as of the others, `count` or some more.
  std::vector<Flip> Draw(size_t count, std::mt19937_64& random) const {
    std::vector<Flip> flips;
    while (flips.size() < count) {
      for (const auto& [kind, places] : targets_) {
        flips.push_back(DrawFlip(kind, places, random));
      }
    }
    return flips;
  }

  const integration::TestDirectory directory_{"flips"};
  KnownIds known_;
  FlipTargets targets_;
  Readings right_;
};

// What nothing works without: it cannot be right when it is damaged.
bool MustBeRefused(const std::string& kind) {
  for (const char* part : {" data", " index", " properties", " metaindex",
                           "MANIFEST", "CURRENT"}) {
    if (absl::StrContains(kind, part)) return true;
  }
  return kind == "/IDENTITY";
}

TEST_F(BitFlipTest, EndsRightOrRefused) {
  std::mt19937_64 random(TestSeed());
  std::map<std::string, std::pair<int, int>> counts;
  for (const Flip& flip : Draw(Flips(), random)) {
    SCOPED_TRACE(flip.Text());
    const bool refused = ExpectRightOrRefused(OutcomeOf(flip), flip);
    EXPECT_TRUE(refused || !MustBeRefused(flip.kind));
    ++counts[flip.kind].first;
    counts[flip.kind].second += refused;
  }
  for (const auto& [kind, count] : counts) {
    std::cout << kind << ": " << count.first << " flips, " << count.second
              << " refused\n";
  }
}

// Every table of FORMAT.md is there to be damaged, and everything else is.
TEST_F(BitFlipTest, DamagesEverything) {
  for (const char* table : {"accounts", "account_times", "expiries", "filters",
                            "history", "ids", "meta", "pending", "runs",
                            "transfers", "event_runs", "indexes", "events"}) {
    for (const char* part :
         {"data", "filter", "index", "properties", "metaindex", "footer"}) {
      EXPECT_EQ(targets_.count(absl::StrCat(table, " ", part)), 1U)
          << table << " " << part;
    }
  }
  for (const char* kind :
       {"/IDENTITY", "superblock first copy", "superblock second copy",
        "journal headers", "journal frames", "journal entries", "journal tails",
        "MANIFEST lengths", "MANIFEST types", "db/CURRENT", "db/OPTIONS"}) {
    EXPECT_EQ(targets_.count(kind), 1U) << kind;
  }
}

// A damage that has a right checksum: nothing can refuse it at once, and it
// must be seen as wrong here, else this test sees nothing.
TEST_F(BitFlipTest, AWrongBalanceIsSeen) {
  MakeCopy();
  // Of an account that nothing has changed after the checkpoint.
  const Uint128 mark = MakeUint128(90, ~uint64_t{90});
  const std::string row_mark(reinterpret_cast<const char*>(&mark),
                             sizeof(mark));
  int changed = 0;
  for (const FlipPlace& place : targets_.at("accounts data")) {
    std::string bytes = ReadFile((whole() / place.file).string());
    const size_t at = bytes.find(row_mark);
    if (at == std::string::npos) continue;
    const TablePart block = {"data", place.begin, place.end};
    ASSERT_EQ(ComputedChecksum(bytes, block), StoredChecksum(bytes, block));
    bytes[at - offsetof(Account, user_data_128) +
          offsetof(Account, debits_posted)] ^= 4;
    FixChecksum(block, bytes);
    WriteFile((copy() / place.file).string(), bytes);
    ++changed;
  }
  ASSERT_GT(changed, 0);
  const Outcome outcome = OpenAndRead();
  EXPECT_FALSE(outcome.wrong.empty());
  // And by the daemon's own recomputation.
  ASSERT_EQ(outcome.errors.size(), 1U);
  EXPECT_TRUE(absl::StrContains(outcome.errors[0], "verify"))
      << outcome.errors[0];
}

}  // namespace
}  // namespace ledgerd::crash
