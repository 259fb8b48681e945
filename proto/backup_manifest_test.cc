#include "proto/backup_manifest.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace ledgerd {
namespace {

BackupManifest Some() {
  BackupManifest manifest;
  manifest.cluster = ClusterId(MakeUint128(0xAB, 1));
  manifest.replica = ReplicaId(2);
  // More than a double can tell apart.
  manifest.created_at = Timestamp((uint64_t{1} << 60) + 1);
  manifest.state_format = 3;
  manifest.state_hash = MakeUint128(7, ~uint64_t{0});
  manifest.checkpoint = {Epoch(1), Sequence((uint64_t{1} << 53) + 1),
                         Sha256("checkpoint")};
  manifest.checkpoint_timestamp = Timestamp(1'800'000'000'000'000'001);
  manifest.last = {Epoch(2), Sequence((uint64_t{1} << 53) + 9), Sha256("last")};
  manifest.files = {{"state/CURRENT", 17, Sha256("a")},
                    {"journal/00000000000000000017", 208, Sha256("b")}};
  return manifest;
}

TEST(BackupManifestTest, ComesBackAsItWas) {
  const auto parsed = ParseBackupManifest(ToJson(Some()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, Some());
}

TEST(BackupManifestTest, ANewerOneIsRefusedAndNotCalledDamaged) {
  const std::string json = absl::StrReplaceAll(
      ToJson(Some()), {{"\"version\": \"1\"", "\"version\": \"2\""}});
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseBackupManifest(json).status()));
}

TEST(BackupManifestTest, WhatIsNoneIsDamaged) {
  const std::string whole = ToJson(Some());
  EXPECT_TRUE(absl::IsDataLoss(ParseBackupManifest("").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseBackupManifest("{}").status()));
  EXPECT_TRUE(absl::IsDataLoss(
      ParseBackupManifest(whole.substr(0, whole.size() / 2)).status()));
  for (const auto& [from, to] : {std::pair("state/CURRENT", "state/../../x"),
                                 {"\"17\"", "\"x\""},
                                 {"\"replica_id\"", "\"replica\""},
                                 {"ledgerd backup", "backup"}}) {
    EXPECT_TRUE(absl::IsDataLoss(
        ParseBackupManifest(absl::StrReplaceAll(whole, {{from, to}})).status()))
        << to;
  }
}

TEST(BackupManifestTest, NoPathLeadsOutOfTheBackup) {
  EXPECT_TRUE(IsBackupPath("state/000012.sst"));
  for (const char* path : {"", "/etc/passwd", "state/", "state/..", "state/a/b",
                           "other/a", "manifest.json", "journal/.hidden"}) {
    EXPECT_FALSE(IsBackupPath(path)) << path;
  }
}

}  // namespace
}  // namespace ledgerd
