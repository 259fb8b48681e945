// Crashes of the journal on the disk at every step and at random, with an
// oracle that knows what was acknowledged.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

#include "storage/faulty_files.h"
#include "storage/journal_testing.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

constexpr uint64_t kSegmentBytes = 5 * kBlockBytes;

// A journal on a faulty disk, and what must and what may be found on it.
class CrashRun {
 public:
  explicit CrashRun(uint64_t seed) : random_(seed), files_(seed) {
    FormatTestJournal(files_, kSegmentBytes);
  }

  FaultyFiles& files() { return files_; }

  uint64_t Random(uint64_t below) { return random_() % below; }

  // Opens, and checks what is there against what must be. False: the disk
  // failed again while opening, or something is not as it must be.
  bool Reopen() {
    journal_.reset();
    auto journal =
        SegmentJournal::Open(files_, TestPaths(), TestIdentity(),
                             {.segment_bytes = kSegmentBytes,
                              .retention_bytes = Random(4) * kSegmentBytes,
                              .prepare_in_background = false});
    if (!journal.ok()) {
      EXPECT_NE(journal.status().code(), absl::StatusCode::kDataLoss)
          << "nothing was damaged: " << journal.status();
      return false;
    }
    journal_ = *std::move(journal);
    files_.ClearFaults();
    checked_ = false;
    Check();
    return checked_;
  }

  // One step of life; false when the disk failed in it.
  bool Step() {
    switch (Random(10)) {
      case 0:
        return Done(journal_->WriteFiller());
      case 1:
        return Promise();
      case 2:
        return Checkpoint();
      case 3:
        return Done(
            journal_->Release(journal_->superblock().checkpoint.sequence));
      case 4:
        return RollBack();
      default:
        return Append();
    }
  }

  // Many segments that a checkpoint at the end makes superfluous.
  bool Grow() {
    for (int i = 0; i < 40; ++i) {
      if (!Append()) return false;
    }
    Superblock next = journal_->superblock();
    next.checkpoint = possible_[certain_ - 1].id();
    return WriteSuperblock(next);
  }

  bool Release() {
    return Done(journal_->Release(journal_->superblock().checkpoint.sequence));
  }

  // The journal is replaced by the end of another history, which has the
  // checkpoint in common with this one.
  bool Install() {
    const uint64_t lowest = superblock_.checkpoint.sequence.value();
    const uint64_t common = lowest + Random(certain_ - lowest + 1);
    std::vector<Entry> history(
        possible_.begin(), possible_.begin() + static_cast<ptrdiff_t>(common));
    EntryId at = common == 0 ? EntryId{} : history.back().id();
    const auto more = MakeEntries(1 + Random(20), Random(4), at, ++variant_);
    history.insert(history.end(), more.begin(), more.end());
    installing_ = std::move(history);
    Superblock next = journal_->superblock();
    next.checkpoint = installing_->back().id();
    next.promised_epoch = next.promised_epoch.Next();
    attempted_ = next;
    if (!Done(journal_->Install(next))) return false;
    TakeInstalled();
    return true;
  }

  bool installed() const { return installed_; }

  // Power is lost, or only the process.
  void Crash() {
    journal_.reset();
    const uint64_t mode = Random(4);
    if (mode == 0) return files_.Restart();
    if (mode == 1) files_.SetKeep([] { return false; });
    if (mode == 2) files_.SetKeep([] { return true; });
    files_.PowerCut();
    files_.SetKeep(nullptr);
  }

  uint64_t acknowledged() const { return certain_; }

 private:
  static bool Done(const absl::Status& status) {
    EXPECT_FALSE(absl::IsResourceExhausted(status)) << status;
    return status.ok();
  }

  bool Append() {
    EntryId at = journal_->last();
    // A group may be longer than a segment.
    const auto entries = MakeEntries(1 + Random(Random(8) == 0 ? 60 : 6),
                                     Random(4), at, ++variant_);
    possible_.insert(possible_.end(), entries.begin(), entries.end());
    if (!Done(journal_->Append(entries, Sequence(0)))) return false;
    certain_ = possible_.size();
    return true;
  }

  bool Promise() {
    Superblock next = journal_->superblock();
    next.promised_epoch = next.promised_epoch.Next();
    return WriteSuperblock(next);
  }

  bool Checkpoint() {
    if (certain_ == 0) return true;
    Superblock next = journal_->superblock();
    const uint64_t from =
        std::max<uint64_t>(1, next.checkpoint.sequence.value());
    const uint64_t to = from + Random(certain_ - from + 1);
    next.checkpoint = possible_[to - 1].id();
    return WriteSuperblock(next);
  }

  bool WriteSuperblock(const Superblock& next) {
    attempted_ = next;
    if (!Done(journal_->WriteSuperblock(next))) return false;
    superblock_ = next;
    return true;
  }

  bool RollBack() {
    const uint64_t lowest = superblock_.checkpoint.sequence.value() + 1;
    if (lowest > certain_) return true;
    const uint64_t from = lowest + Random(certain_ - lowest + 1);
    // From here on both ends are right, and all in between.
    certain_ = from - 1;
    if (!Done(journal_->RollBack(Sequence(from)))) return false;
    possible_.erase(possible_.begin() + static_cast<ptrdiff_t>(certain_),
                    possible_.end());
    return true;
  }

  void TakeInstalled() {
    possible_ = *std::move(installing_);
    installing_.reset();
    installed_ = true;
    certain_ = possible_.size();
    superblock_ = attempted_;
  }

  void Check() {
    const EntryId last = journal_->last();
    // All of it, or nothing.
    if (installing_.has_value() && journal_->superblock() == attempted_) {
      ASSERT_EQ(journal_->base(), attempted_.checkpoint);
      ASSERT_EQ(last, attempted_.checkpoint);
      TakeInstalled();
    }
    installing_.reset();
    ASSERT_GE(last.sequence.value(), certain_) << "acknowledged, and gone";
    ASSERT_LE(last.sequence.value(), possible_.size()) << "never appended";
    const Superblock superblock = journal_->superblock();
    ASSERT_TRUE(superblock == superblock_ || superblock == attempted_);
    superblock_ = superblock;
    attempted_ = superblock;
    const Sequence first = journal_->first();
    ASSERT_LE(first.value(), superblock.checkpoint.sequence.value() + 1);
    // What was found is certain from now on.
    certain_ = last.sequence.value();
    possible_.erase(possible_.begin() + static_cast<ptrdiff_t>(certain_),
                    possible_.end());
    if (first > last.sequence) {
      checked_ = true;
      return;
    }
    EXPECT_EQ(last, possible_.back().id());
    const auto read = journal_->Read(first, uint64_t{1} << 30);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), certain_ - first.value() + 1);
    for (size_t i = 0; i < read->size(); ++i) {
      ASSERT_EQ((*read)[i].bytes(), possible_[first.value() - 1 + i].bytes());
    }
    checked_ = true;
  }

  std::mt19937_64 random_;
  FaultyFiles files_;
  std::unique_ptr<SegmentJournal> journal_;
  // All that was appended, of which the first `certain_` must be there.
  std::vector<Entry> possible_;
  size_t certain_ = 0;
  // What takes its place when the journal is replaced.
  std::optional<std::vector<Entry>> installing_;
  bool installed_ = false;
  uint64_t variant_ = 0;
  Superblock superblock_;
  Superblock attempted_;
  bool checked_ = false;
};

// The point of a crash without the numbers of its file.
std::string KindOf(const std::string& crash_point) {
  std::string kind;
  for (const char c : crash_point) {
    if (c < '0' || c > '9') kind += c;
  }
  return kind;
}

constexpr uint64_t kSteps = 60;

// A life that ends at operation `at`, and the next one.
void CrashAt(CrashRun& run, uint64_t at) {
  SCOPED_TRACE(testing::Message() << "crash after operation " << at);
  ASSERT_TRUE(run.Reopen());
  run.files().CrashAfter(at);
  for (uint64_t i = 0; i < kSteps && run.Step(); ++i) {
  }
  run.Crash();
  ASSERT_TRUE(run.Reopen());
  if (testing::Test::HasFailure()) return;
  ASSERT_TRUE(run.Step());
}

TEST(JournalCrashTest, AtEveryStep) {
  constexpr uint64_t kOperations = 400;
  std::map<std::string, int> points;
  for (uint64_t at = 0; at < kOperations; ++at) {
    CrashRun run(/*seed=*/at % 7 + 1);
    CrashAt(run, at);
    ++points[KindOf(run.files().crash_point())];
    if (testing::Test::HasFailure()) return;
  }
  for (const auto& [point, count] : points) {
    std::cout << count << " before: " << point << "\n";
  }
  // All that the journal does to the disk while it runs.
  for (const std::string& point : std::vector<std::string>{
           "write /d/superblock", "sync /d/superblock",
           "write /d/journal/.segment", "sync /d/journal/.segment",
           "create /d/journal/spare-.unfinished",
           "allocate /d/journal/spare-.unfinished",
           "write /d/journal/spare-.unfinished",
           "sync /d/journal/spare-.unfinished",
           "rename /d/journal/spare-.unfinished", "write /d/journal/spare-",
           "sync /d/journal/spare-", "rename /d/journal/spare-",
           "rename /d/journal/.segment", "sync /d/journal",
           "sync /d/rolled_back"}) {
    EXPECT_GT(points[point], 0) << "no crash before: " << point;
  }
}

// More segments are released at once than are kept for use.
TEST(JournalCrashTest, AtEveryStepOfAGreatRelease) {
  bool removed = false;
  bool released = false;
  for (uint64_t at = 0; !released; ++at) {
    SCOPED_TRACE(testing::Message() << "crash after operation " << at);
    CrashRun run(/*seed=*/at % 7 + 1);
    ASSERT_TRUE(run.Reopen());
    ASSERT_TRUE(run.Grow());
    run.files().CrashAfter(at);
    released = run.Release();
    removed |=
        KindOf(run.files().crash_point()) == "remove /d/journal/.segment";
    run.Crash();
    ASSERT_TRUE(run.Reopen());
    ASSERT_TRUE(run.Step());
  }
  EXPECT_TRUE(removed);
}

// Installs after a life of `seed`, with a crash after operation `at` of that.
// Returns whether it was done, and counts how it was found.
bool CrashInInstall(uint64_t seed, uint64_t at,
                    std::map<std::string, int>& points, int& installed) {
  SCOPED_TRACE(testing::Message()
               << "seed " << seed << ", crash after operation " << at);
  CrashRun run(seed);
  EXPECT_TRUE(run.Reopen());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run.Step());
  run.files().CrashAfter(at);
  const bool done = run.Install();
  ++points[KindOf(run.files().crash_point())];
  run.Crash();
  EXPECT_TRUE(run.Reopen());
  installed += run.installed() ? 1 : 0;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run.Step());
  return done;
}

// A checkpoint takes the place of the journal, or nothing has happened.
TEST(JournalCrashTest, AtEveryStepOfAnInstall) {
  std::map<std::string, int> points;
  int installed = 0;
  for (uint64_t seed = 1; seed <= 7; ++seed) {
    for (uint64_t at = 0; !CrashInInstall(seed, at, points, installed); ++at) {
      if (testing::Test::HasFailure()) return;
    }
  }
  for (const auto& [point, count] : points) {
    std::cout << count << " before: " << point << "\n";
  }
  EXPECT_GT(installed, 7) << "also by crashes after the superblock";
  for (const std::string& point : std::vector<std::string>{
           "create /d/journal/install.unfinished",
           "write /d/journal/install.unfinished",
           "sync /d/journal/install.unfinished",
           "rename /d/journal/install.unfinished", "sync /d/rolled_back",
           "write /d/superblock", "sync /d/superblock",
           "remove /d/journal/.segment", "sync /d/journal",
           "rename /d/journal/installing-.segment"}) {
    EXPECT_GT(points[point], 0) << "no crash before: " << point;
  }
}

// How many of a few hundred crashes lose something that was promised, on a disk
// that lies about syncs.
int CountCaught(bool files_lie, bool directories_lie) {
  int caught = 0;
  for (uint64_t at = 0; at < 300; ++at) {
    testing::TestPartResultArray failures;
    {
      const testing::ScopedFakeTestPartResultReporter reporter(&failures);
      CrashRun run(/*seed=*/at % 7 + 1);
      run.files().LieAboutSyncs(files_lie, directories_lie);
      CrashAt(run, at);
    }
    caught += failures.size() > 0;
  }
  return caught;
}

// Without syncs the same test finds what is lost.
TEST(JournalCrashTest, FindsSyncsThatAreNone) {
  const int of_files = CountCaught(true, false);
  const int of_directories = CountCaught(false, true);
  std::cout << of_files << " of 300 crashes lose what was not synced, "
            << of_directories << " a name\n";
  EXPECT_EQ(CountCaught(false, false), 0);
  EXPECT_GT(of_files, 0);
  EXPECT_GT(of_directories, 0);
}

// One process: opens, lives until the disk fails, and ends in a crash. True
// when it could open.
bool LiveOnce(CrashRun& run) {
  using Operation = FaultyFiles::Operation;
  // Now and then the disk fails while the journal is being opened.
  if (run.Random(3) == 0) run.files().CrashAfter(run.Random(20));
  const bool opened = run.Reopen();
  if (opened) {
    if (run.Random(2) == 0) {
      run.files().CrashAfter(run.Random(80));
    } else {
      run.files().FailNext(
          run.Random(2) == 0 ? Operation::kSync : Operation::kWrite,
          static_cast<int>(run.Random(30)), absl::InternalError("EIO"));
    }
    for (int i = 0; i < 40 && run.Step(); ++i) {
      if (run.Random(40) == 0 && !run.Install()) break;
    }
  }
  run.Crash();
  return opened;
}

TEST(JournalCrashTest, AtRandom) {
  for (const uint64_t seed : TestSeeds(150)) {
    SCOPED_TRACE(HowToReplay(seed));
    CrashRun run(seed);
    int opened = 0;
    for (int life = 0; life < 25; ++life) {
      if (LiveOnce(run)) ++opened;
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(opened, 5);
  }
}

}  // namespace
}  // namespace ledgerd::storage
