// Backups and archives on a real file system become data directories: which
// entries these have, and what is refused. Without a state below; that is
// tests/integration:backup_test.
#include "storage/restore.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/incident.h"
#include "proto/kept_incidents.h"
#include "storage/backup_files.h"
#include "storage/data_dir.h"
#include "storage/incident_file.h"
#include "storage/journal_testing.h"
#include "storage/posix_file.h"
#include "storage/segment_archive.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSegmentBytes = 4 * kBlockBytes;
constexpr ClusterId kCluster{0xC1};

// A group's journal of 11 entries, three in a segment; the archive has the
// first three segments, a backup the first two entries.
class RestoreTest : public testing::Test {
 protected:
  RestoreTest() {
    std::string name = testing::TempDir() + "/restoreXXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directory(root_ + "/archive");
    EntryId at;
    entries_ = MakeEntries(11, 1, at);
  }

  ~RestoreTest() override { fs::remove_all(root_); }

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Archive(ReplicaId(1), 11, root_ + "/archive"));
    Backup();
  }

  // What a replica that has so many entries archives of them.
  void Archive(ReplicaId replica, size_t count, const std::string& archive) {
    const std::string path = absl::StrCat(root_, "/old-", replica.value());
    ASSERT_TRUE(DataDir::Format(path, {.cluster = kCluster,
                                       .replica = replica,
                                       .segment_bytes = kSegmentBytes,
                                       .reserve_bytes = kBlockBytes})
                    .ok());
    const auto dir = DataDir::Open(path, {});
    ASSERT_TRUE(dir.ok()) << dir.status();
    auto journal = (*dir)->OpenJournal({.segment_bytes = kSegmentBytes,
                                        .keep_until_archived = true,
                                        .prepare_in_background = false});
    ASSERT_TRUE(journal.ok()) << journal.status();
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE((*journal)->Append({&entries_[i], 1}, Sequence(0)).ok());
    }
    Superblock superblock = (*journal)->superblock();
    superblock.checkpoint = (*journal)->last();
    ASSERT_TRUE((*journal)->WriteSuperblock(superblock).ok());
    SegmentArchive stored(PosixFiles(), archive);
    while (const auto next = (*journal)->NextToArchive()) {
      ASSERT_TRUE(stored.Store((*dir)->identity(), *next).ok());
      (*journal)->SetArchived(next->end.sequence);
    }
  }

  void Backup() {
    const std::string content = absl::StrCat(std::string(entries_[0].bytes()),
                                             std::string(entries_[1].bytes()));
    BackupManifest manifest;
    manifest.cluster = kCluster;
    manifest.replica = ReplicaId(1);
    manifest.last = entries_[1].id();
    manifest.files = {{"journal/1", content.size(), Sha256(content)}};
    BackupWriter writer(Path("backup"));
    ASSERT_TRUE(writer.Add("journal/1", 0, content).ok());
    ASSERT_TRUE(writer.Finish(ToJson(manifest)).ok());
  }

  std::string Path(const std::string& name) const {
    return absl::StrCat(root_, "/", name);
  }

  RestoreOptions Options(RestoreTarget target) const {
    return {.backup = Path("backup"),
            .archives = {Path("archive")},
            .data_dir = Path("new"),
            .replica = ReplicaId(5),
            .target = target,
            .segment_bytes = kSegmentBytes,
            .reserve_bytes = kBlockBytes};
  }

  // The last entry of what was restored, read back.
  EntryId LastOf(const Restored& restored) const {
    const auto dir =
        DataDir::Open(Path("new"), {restored.cluster, ReplicaId(5)});
    EXPECT_TRUE(dir.ok()) << dir.status();
    if (!dir.ok()) return {};
    const auto journal = (*dir)->OpenJournal({.prepare_in_background = false});
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? (*journal)->last() : EntryId();
  }

  std::string root_;
  std::vector<Entry> entries_;
};

TEST_F(RestoreTest, ToEachSequenceThatThereIs) {
  for (uint64_t to = 0; to <= 9; ++to) {
    const auto restored = Restore(Options({.sequence = Sequence(to)}));
    ASSERT_TRUE(restored.ok()) << to << ": " << restored.status();
    EXPECT_EQ(restored->last.sequence, Sequence(to));
    EXPECT_EQ(LastOf(*restored), restored->last);
    EXPECT_EQ(restored->last, to == 0 ? EntryId() : entries_[to - 1].id());
    fs::remove_all(Path("new"));
  }
}

TEST_F(RestoreTest, WithoutATargetToTheEndOfAll) {
  const auto restored = Restore(Options({}));
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(LastOf(*restored), entries_[8].id());
  fs::remove_all(Path("new"));
  RestoreOptions alone = Options({});
  alone.archives.clear();
  const auto of_backup = Restore(alone);
  ASSERT_TRUE(of_backup.ok()) << of_backup.status();
  EXPECT_EQ(LastOf(*of_backup), entries_[1].id());
}

TEST_F(RestoreTest, ToATimeIsToTheLastEntryThatIsNotLater) {
  for (const uint64_t after : {0, 1}) {
    const Timestamp time(entries_[5].timestamp().value() + after);
    const auto restored = Restore(Options({.time = time}));
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ(restored->last, entries_[5].id());
    fs::remove_all(Path("new"));
  }
}

TEST_F(RestoreTest, ATargetAfterTheEndIsRefusedAndNothingIsMade) {
  EXPECT_TRUE(absl::IsOutOfRange(
      Restore(Options({.sequence = Sequence(10)})).status()));
  EXPECT_TRUE(absl::IsOutOfRange(
      Restore(Options({.time = Timestamp(~uint64_t{0})})).status()));
  EXPECT_FALSE(fs::exists(Path("new")));
  EXPECT_FALSE(fs::exists(Path("new.unfinished")));
}

TEST_F(RestoreTest, ItIsAnotherGroupEachTime) {
  const auto restored = Restore(Options({.sequence = Sequence(3)}));
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_NE(restored->cluster, kCluster);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      DataDir::Open(Path("new"), {.cluster = kCluster}).status()));
  fs::remove_all(Path("new"));
  const auto again = Restore(Options({.sequence = Sequence(3)}));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(again->cluster, restored->cluster);
}

TEST_F(RestoreTest, TheFirstStartFindsItToBeCounted) {
  ASSERT_TRUE(Restore(Options({.sequence = Sequence(3)})).ok());
  const auto file = IncidentFile::Open(PosixFiles(), Path("new"), "incidents");
  ASSERT_TRUE(file.ok()) << file.status();
  const auto kept = DecodeKeptIncidents((*file)->contents());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_FALSE(kept->running);
  ASSERT_EQ(kept->open.size(), 1u);
  EXPECT_EQ(kept->unsent, kept->open);
  EXPECT_EQ(kept->open[0].kind, IncidentKind::kRestore);
  EXPECT_EQ(kept->open[0].outcome, IncidentOutcome::kInProgress);
  EXPECT_EQ(kept->open[0].id.replica, ReplicaId(5));
  EXPECT_EQ(kept->open[0].id.number, kept->last_number);
  EXPECT_TRUE(absl::StrContains(kept->open[0].cause, "sequence 3"));
}

TEST_F(RestoreTest, WhatOneReplicaLacksAnothersArchiveHas) {
  fs::remove(Path("archive/") + ArchivedName({.cluster = kCluster,
                                              .replica = ReplicaId(1),
                                              .incarnation = 1},
                                             Sequence(3)));
  // Not the end of all, though nobody asked for more.
  const absl::Status gap = Restore(Options({})).status();
  EXPECT_TRUE(absl::IsDataLoss(gap)) << gap;
  EXPECT_TRUE(absl::StrContains(gap.message(), "after entry 3,")) << gap;
  EXPECT_TRUE(Restore(Options({.sequence = Sequence(3)})).ok());
  fs::remove_all(Path("new"));
  RestoreOptions options = Options({.sequence = Sequence(8)});
  EXPECT_TRUE(absl::IsDataLoss(Restore(options).status()));
  fs::create_directory(Path("other"));
  ASSERT_NO_FATAL_FAILURE(Archive(ReplicaId(2), 7, Path("other")));
  options.archives.push_back(Path("other"));
  const auto restored = Restore(options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(LastOf(*restored), entries_[7].id());
}

TEST_F(RestoreTest, ADamagedArchiveIsNamedAndNothingIsMade) {
  const std::string name =
      Path("archive/") +
      ArchivedName(
          {.cluster = kCluster, .replica = ReplicaId(1), .incarnation = 1},
          Sequence(3));
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(kBlockBytes + 200);
  file.put('\xff');
  file.close();
  const absl::Status status =
      Restore(Options({.sequence = Sequence(5)})).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), name)) << status;
  EXPECT_FALSE(fs::exists(Path("new")));
}

TEST_F(RestoreTest, WhatIsThereIsNotOverwritten) {
  fs::create_directories(Path("new/mine"));
  EXPECT_TRUE(absl::IsAlreadyExists(Restore(Options({})).status()));
}

}  // namespace
}  // namespace ledgerd::storage
