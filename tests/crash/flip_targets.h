// What of a data directory a bit can be flipped in: each part of each file, by
// what it is to the ledger.
//
//   const FlipTargets targets = FlipTargetsIn(path);
//   const Flip flip = DrawFlip(targets, random);    // each kind equally often
//   FlipBit(flip, copy);
//
// Shape    A kind is "journal frames", "accounts index", "MANIFEST types", ...;
//          its places are in one file or in many.
#ifndef LEDGERD_TESTS_CRASH_FLIP_TARGETS_H_
#define LEDGERD_TESTS_CRASH_FLIP_TARGETS_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace ledgerd::crash {

// Bytes begin .. end - 1 of a file.
struct FlipPlace {
  std::filesystem::path file;  // Below the data directory.
  uint64_t begin = 0;
  uint64_t end = 0;
};

using FlipTargets = std::map<std::string, std::vector<FlipPlace>>;

struct Flip {
  std::string kind;
  std::filesystem::path file;
  uint64_t offset = 0;
  int bit = 0;

  std::string Text() const;
};

// testdata/flips.tar.xz: a data directory with something of everything, in
// `directory`/data, and its text beside it.
void UnpackFlipFixture(const std::filesystem::path& directory);

FlipTargets FlipTargetsIn(const std::filesystem::path& directory);

// Anywhere in a kind.
Flip DrawFlip(const std::string& kind, const std::vector<FlipPlace>& places,
              std::mt19937_64& random);

void FlipBit(const Flip& flip, const std::filesystem::path& directory);

}  // namespace ledgerd::crash

#endif  // LEDGERD_TESTS_CRASH_FLIP_TARGETS_H_
