// Directories of every format that there ever was open in this build, with all
// that is in them; one of a newer format is refused, and stays as it is.
//
// testdata/format_N.tar.xz has a directory and a text that says what is in it,
// and of which versions; make_format_fixture.sh made both. N only counts.
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "storage/file.h"
#include "storage/identity_file.h"
#include "storage/segment.h"
#include "tests/integration/books.h"
#include "tests/integration/format_versions.h"
#include "tests/integration/ledger_text.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

namespace fs = std::filesystem;

constexpr int kUsage = 3;  // "starting again will not help"

std::string FixturePath(uint32_t number) {
  return Runfile(
      absl::StrCat("tests/integration/testdata/format_", number, ".tar.xz"));
}

// Of one of the formats, in a fixture's text.
uint32_t VersionIn(const std::string& text, const std::string& format) {
  uint32_t version = 1;
  const std::string line = LineOf(text, format);
  EXPECT_TRUE(line.empty() || absl::SimpleAtoi(line, &version)) << line;
  return version;
}

// Every file's checksum, by its path.
std::map<std::string, std::string> Contents(const std::string& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& file : fs::recursive_directory_iterator(directory)) {
    const std::string path = file.path().string();
    contents[path] = file.is_regular_file()
                         ? absl::StrCat(file.file_size(), " bytes, checksum ",
                                        Crc32c(ReadFile(path)))
                         : "directory";
  }
  return contents;
}

std::vector<uint32_t> Fixtures() {
  std::vector<uint32_t> numbers;
  for (uint32_t number = 1; fs::exists(FixturePath(number)); ++number) {
    numbers.push_back(number);
  }
  return numbers;
}

class FormatFixtureTest : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    const Finished unpacked = RunToEnd(
        {"/bin/tar", "-xJf", FixturePath(GetParam()), "-C", directory_.path()});
    ASSERT_EQ(unpacked.exit_code, 0) << unpacked.errors;
    text_ = ReadFile(directory_.Path("text"));
  }

  std::string data() const { return directory_.Path("data"); }

  void ExpectAllThere(const FinalState& state) const {
    std::string expected;
    for (const std::string name : {"account", "transfer"}) {
      for (const std::string& line : LinesOf(text_, name)) {
        absl::StrAppend(&expected, name, " ", line, "\n");
      }
    }
    EXPECT_EQ(LedgerText(state), expected);
    for (const std::string& violation : CheckBooks(state)) {
      ADD_FAILURE() << violation;
    }
  }

  // How many entries of incidents; before state 3 there were none.
  size_t Incidents() const {
    size_t count = 0;
    const std::string line = LineOf(text_, "incidents");
    EXPECT_TRUE(line.empty() || absl::SimpleAtoi(line, &count)) << line;
    return count;
  }

  // The first by its name, which is its number.
  std::string FirstSegment() const {
    std::set<std::string> segments;
    for (const auto& file : fs::directory_iterator(data() + "/journal")) {
      if (file.path().extension() == ".segment") {
        segments.insert(file.path().string());
      }
    }
    return segments.empty() ? "" : *segments.begin();
  }

  // The directory is refused in these words, and `unchanged` stays as it is.
  void ExpectRefused(const std::vector<std::string>& words,
                     const std::string& unchanged) const {
    const auto before = Contents(unchanged);
    const auto refused = OfflineLedger::Open(data());
    EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()))
        << refused.status();
    LiveLedger live;
    ASSERT_TRUE(live.LaunchOn(data()).ok());
    EXPECT_EQ(live.daemon().process().Wait(), kUsage);
    for (const std::string& said : words) {
      EXPECT_NE(live.daemon().Log().find(said), std::string::npos)
          << said << "\n"
          << live.daemon().Log();
    }
    EXPECT_TRUE(Contents(unchanged) == before) << "the refusal changed a file";
  }

  // Those that are kept as failed, and why.
  std::map<TransferId, std::string> Failed() const {
    std::map<TransferId, std::string> failed;
    for (const std::string& line : LinesOf(text_, "failed")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      failed[TransferId(*ParseUint128(words[0]))] = words[1];
    }
    return failed;
  }

  const TestDirectory directory_{"fixture"};
  std::string text_;
};

TEST_P(FormatFixtureTest, HoldsWhatItHeld) {
  auto ledger = OfflineLedger::Open(data());
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_EQ(ToString((*ledger)->state_hash()), LineOf(text_, "state_hash"));
  EXPECT_EQ(std::to_string((*ledger)->last().sequence.value()),
            LineOf(text_, "last"));
  EXPECT_EQ(
      (*ledger)->store().ReadIncidents(Sequence(0))->Finish()->rows.size(),
      Incidents());
  const LedgerIds ids = IdsIn(text_);
  const auto state = (*ledger)->Read(ids.transfers, ids.accounts);
  ASSERT_TRUE(state.ok()) << state.status();
  ExpectAllThere(*state);
  for (const auto& [id, status] : Failed()) {
    const auto failed = (*ledger)->FailedStatus(id);
    ASSERT_TRUE(failed.ok()) << failed.status();
    EXPECT_EQ(Name(*failed), status);
  }
  const absl::Status verified = (*ledger)->VerifyAll();
  EXPECT_TRUE(verified.ok()) << verified;
}

// The same over the daemon, which goes on with it and starts again.
TEST_P(FormatFixtureTest, ServesWhatItHeld) {
  const LedgerIds ids = IdsIn(text_);
  LiveLedger live;
  for (uint64_t start = 0; start < 2; ++start) {
    const absl::Status started = live.StartOn(data());
    ASSERT_TRUE(started.ok()) << started;
    client::LedgerClient client({.addresses = {live.address()}});
    const auto state = ReadState(client, ids.transfers, ids.accounts);
    ASSERT_TRUE(state.ok()) << state.status();
    ExpectAllThere(*state);
    for (const auto& [id, status] : Failed()) {
      const auto again = client.CreateTransfer({.id = id});
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ(again->status, TransferStatus::kIdAlreadyFailed);
      EXPECT_EQ(Name(again->original_status), status);
    }
    // An account of its own, so that the others stay as they are.
    const auto created = client.CreateAccounts(
        {{.id = AccountId(7'000 + start), .ledger = 1, .code = 1}});
    ASSERT_TRUE(created.ok()) << created.status();
    EXPECT_EQ(created->results[0].status, AccountStatus::kCreated);
    EXPECT_EQ(live.daemon().Terminate(), 0) << live.daemon().Log();
  }
}

TEST_P(FormatFixtureTest, OfANewerFormatIsRefusedAndStaysAsItIs) {
  const std::string path = data() + "/IDENTITY";
  std::string identity = ReadFile(path);
  const std::string newer =
      absl::StrCat("format_version ", storage::kFormatVersion + 1);
  const std::string older =
      absl::StrCat("format_version ", VersionIn(text_, "format"));
  ASSERT_NE(identity.find(older), std::string::npos);
  identity.replace(identity.find(older), older.size(), newer);
  const size_t checksum_at = identity.find("checksum ");
  const std::string checksum = absl::StrCat(
      "checksum ",
      absl::Hex(Crc32c(identity.substr(0, checksum_at)), absl::kZeroPad8));
  identity.replace(checksum_at, checksum.size(), checksum);
  WriteFile(path, identity);
  ExpectRefused(
      {path, absl::StrCat("format version ", storage::kFormatVersion + 1),
       absl::StrCat("reads up to ", storage::kFormatVersion)},
      data());
}

TEST_P(FormatFixtureTest, OfANewerSegmentIsRefusedAndStaysAsItIs) {
  const std::string path = FirstSegment();
  std::string bytes = ReadFile(path);
  ASSERT_GT(bytes.size(), storage::kBlockBytes);
  char* const header = bytes.data();
  PutLittle<uint32_t>(header + 8, storage::kSegmentVersion + 1);
  PutLittle(header + 4, Crc32c({header + 8, storage::kBlockBytes - 8}));
  WriteFile(path, bytes);
  // The superblock before it is this build's already.
  ExpectRefused(
      {path, absl::StrCat("segment of version ", storage::kSegmentVersion + 1),
       absl::StrCat("reads up to ", storage::kSegmentVersion)},
      data() + "/journal");
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatFixtureTest,
                         testing::ValuesIn(Fixtures()));

// Of each format that has a version, every version before this build's is in a
// fixture: made while a build still wrote it.
TEST(FormatFixturesTest, HaveEveryVersionThatIsOver) {
  std::map<std::string, std::set<uint32_t>> there;
  for (const uint32_t number : Fixtures()) {
    const Finished text =
        RunToEnd({"/bin/tar", "-xJOf", FixturePath(number), "text"});
    ASSERT_EQ(text.exit_code, 0) << text.errors;
    for (const FormatVersion& format : FormatVersions()) {
      there[format.name].insert(VersionIn(text.output, format.name));
    }
  }
  for (const FormatVersion& format : FormatVersions()) {
    for (uint32_t version = 1; version < format.version; ++version) {
      EXPECT_EQ(there[format.name].count(version), 1)
          << "no fixture has " << format.name << " " << version
          << ": check out the last commit that wrote it, and run "
             "tests/integration/make_format_fixture.sh there";
    }
  }
}

// The next one who raises a version has made its fixture already.
TEST(FormatFixturesTest, TheLastIsOfThisBuildsVersions) {
  ASSERT_FALSE(Fixtures().empty());
  const Finished text =
      RunToEnd({"/bin/tar", "-xJOf", FixturePath(Fixtures().back()), "text"});
  ASSERT_EQ(text.exit_code, 0) << text.errors;
  for (const FormatVersion& format : FormatVersions()) {
    EXPECT_EQ(VersionIn(text.output, format.name), format.version)
        << format.name << ": run tests/integration/make_format_fixture.sh";
  }
}

}  // namespace
}  // namespace ledgerd::integration
