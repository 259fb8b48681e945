#include "storage/journal_harness.h"

#include <cstdlib>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/data_dir.h"
#include "storage/journal_testing.h"
#include "storage/posix_file.h"

namespace ledgerd::storage {
namespace {

SegmentJournalOptions TestOptions() {
  return {.segment_bytes = kTestSegmentBytes,
          .retention_bytes = 0,
          .prepare_in_background = false};
}

class MemoryHarness final : public JournalHarness {
 public:
  ~MemoryHarness() override { journal_.reset(); }

  absl::Status Open() override {
    journal_.reset();
    LEDGERD_ASSIGN_OR_RETURN(journal_, MemoryJournal::Open(disk_, {}));
    return absl::OkStatus();
  }

  void FailNextSync() override { disk_.FailNextSync(); }

  void CrashInAppend() override { disk_.CrashInAppend(); }

  void SetFull(bool full) override { disk_.SetFull(full); }

  void PowerCut(std::function<bool()> keep) override {
    journal_.reset();
    disk_.SetKeep(std::move(keep));
    disk_.PowerCut();
    disk_.SetKeep(nullptr);
  }

  void Rot(Sequence sequence) override { disk_.Rot(sequence); }

  void RotSuperblock() override { disk_.RotSuperblock(); }

 private:
  MemoryJournalDisk disk_;
};

class FaultyHarness final : public JournalHarness {
 public:
  FaultyHarness() { FormatTestJournal(files_, kTestSegmentBytes); }

  ~FaultyHarness() override { journal_.reset(); }

  absl::Status Open() override {
    journal_.reset();
    files_.Restart();
    LEDGERD_ASSIGN_OR_RETURN(
        journal_,
        SegmentJournal::Open(files_, paths_, TestIdentity(), TestOptions()));
    return absl::OkStatus();
  }

  void FailNextSync() override {
    files_.FailNext(FaultyFiles::Operation::kSync, 0,
                    absl::InternalError("sync: input/output error"));
  }

  void CrashInAppend() override {
    files_.SetKeep([] { return true; });
    files_.FailNext(FaultyFiles::Operation::kWrite, 0,
                    absl::InternalError("crashed in append"));
  }

  void SetFull(bool full) override {
    files_.SetCapacity(full ? 0 : uint64_t{1} << 40);
  }

  void PowerCut(std::function<bool()> keep) override {
    journal_.reset();
    files_.SetKeep(std::move(keep));
    files_.PowerCut();
    files_.SetKeep(nullptr);
  }

  void Rot(Sequence sequence) override {
    // Finds the record by its entry's bytes, in whatever segment it is.
    const auto entries = journal_->Read(sequence, 1);
    LEDGERD_CHECK_OK(entries.status());
    const std::string wanted(entries->front().bytes());
    const auto names = files_.List(paths_.journal);
    for (const std::string& name : *names) {
      std::string& bytes = *files_.Device(paths_.journal + "/" + name);
      const size_t at = bytes.find(wanted);
      if (at == std::string::npos) continue;
      bytes[at + wanted.size() / 2] =
          static_cast<char>(bytes[at + wanted.size() / 2] ^ 4);
    }
  }

  void RotSuperblock() override {
    std::string& bytes = *files_.Device(paths_.superblock);
    for (size_t at = 100; at < bytes.size(); at += kSuperblockCopyBytes) {
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
    }
  }

 private:
  FaultyFiles files_;
  const JournalPaths paths_ = TestPaths();
};

class RealHarness final : public JournalHarness {
 public:
  RealHarness() {
    // Single-threaded here. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* base = std::getenv("TEST_TMPDIR");
    std::string pattern =
        std::string(base != nullptr ? base : "/tmp") + "/journalXXXXXX";
    LEDGERD_CHECK(mkdtemp(pattern.data()) != nullptr) << pattern;
    LEDGERD_CHECK_OK(
        DataDir::Format(pattern, {.cluster = ClusterId(0xC1),
                                  .replica = ReplicaId(1),
                                  .segment_bytes = kTestSegmentBytes,
                                  .reserve_bytes = kBlockBytes}));
    auto dir = DataDir::Open(pattern, {});
    LEDGERD_CHECK_OK(dir.status());
    dir_ = *std::move(dir);
  }

  ~RealHarness() override { journal_.reset(); }

  absl::Status Open() override {
    journal_.reset();
    SegmentJournalOptions options = TestOptions();
    options.prepare_in_background = true;
    LEDGERD_ASSIGN_OR_RETURN(
        journal_, SegmentJournal::Open(PosixFiles(), dir_->journal_paths(),
                                       dir_->identity(), options));
    return absl::OkStatus();
  }

  void FailNextSync() override { NoFaults(); }

  void CrashInAppend() override { NoFaults(); }

  void SetFull(bool) override { NoFaults(); }

  void PowerCut(std::function<bool()>) override { NoFaults(); }

  void Rot(Sequence) override { NoFaults(); }

  void RotSuperblock() override { NoFaults(); }

 private:
  static void NoFaults() {
    LEDGERD_CHECK(false) << "the real disk has no faults to switch on";
  }

  std::unique_ptr<DataDir> dir_;
};

}  // namespace

std::unique_ptr<JournalHarness> MakeMemoryHarness() {
  return std::make_unique<MemoryHarness>();
}

std::unique_ptr<JournalHarness> MakeFaultyHarness() {
  return std::make_unique<FaultyHarness>();
}

std::unique_ptr<JournalHarness> MakeRealHarness() {
  return std::make_unique<RealHarness>();
}

}  // namespace ledgerd::storage
