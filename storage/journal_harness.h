// One way to drive every implementation of Journal, for the contract suite.
#ifndef LEDGERD_STORAGE_JOURNAL_HARNESS_H_
#define LEDGERD_STORAGE_JOURNAL_HARNESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

#include "storage/faulty_files.h"
#include "storage/journal.h"
#include "storage/memory_journal.h"
#include "storage/segment_journal.h"

namespace ledgerd::storage {

class JournalHarness {
 public:
  virtual ~JournalHarness() = default;

  // Closes the journal if it is open, and opens it.
  virtual absl::Status Open() = 0;

  Journal& journal() { return *journal_; }

  // ---- faults; RealDisk has none of them

  virtual void FailNextSync() = 0;
  // The next Append fails with everything written and nothing synced.
  virtual void CrashInAppend() = 0;
  virtual void SetFull(bool full) = 0;
  // Closes the journal and loses what was not synced, each sector or record as
  // `keep` says.
  virtual void PowerCut(std::function<bool()> keep) = 0;
  // Makes an entry unreadable, with the journal closed or open.
  virtual void Rot(Sequence sequence) = 0;
  virtual void RotSuperblock() = 0;

 protected:
  std::unique_ptr<Journal> journal_;
};

// Segments so small that every test goes through several.
inline constexpr uint64_t kTestSegmentBytes = 8 * kBlockBytes;

std::unique_ptr<JournalHarness> MakeMemoryHarness();
// SegmentJournal over FaultyFiles.
std::unique_ptr<JournalHarness> MakeFaultyHarness();
// SegmentJournal over files in a new directory below $TEST_TMPDIR.
std::unique_ptr<JournalHarness> MakeRealHarness();

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_JOURNAL_HARNESS_H_
