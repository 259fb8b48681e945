#include <limits>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/little_endian.h"
#include "proto/base/mutex.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "proto/base/strong_int.h"
#include "proto/base/uint128.h"

namespace ledgerd {
namespace {

using Apples = StrongInt<struct ApplesTag>;
using Atoms = StrongInt<struct AtomsTag, Uint128>;

TEST(StrongIntTest, ComparesStepsAndPrints) {
  EXPECT_LT(Apples(1), Apples(2));
  EXPECT_EQ(Apples(1).Next(), Apples(2));
  EXPECT_EQ(testing::PrintToString(Atoms(kUint128Max)),
            "340282366920938463463374607431768211455");
}

TEST(StrongIntTest, HashesAllOfItsBits) {
  const absl::flat_hash_set<Atoms> atoms = {Atoms(1), Atoms(MakeUint128(1, 0)),
                                            Atoms(MakeUint128(1, 1)), Atoms(1)};
  EXPECT_EQ(atoms.size(), 3u);
}

TEST(Uint128Test, ParsesWhatItPrints) {
  for (const Uint128 value :
       {Uint128{0}, Uint128{9}, MakeUint128(1, 0), kUint128Max}) {
    EXPECT_EQ(ParseUint128(ToString(value)), value) << ToString(value);
  }
}

TEST(Uint128Test, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-1", "1 ", "0x10", "1.0",
                           "340282366920938463463374607431768211456"}) {
    EXPECT_FALSE(ParseUint128(text).has_value()) << text;
  }
}

TEST(Uint128Test, AddsOnlyWhatFits) {
  EXPECT_EQ(CheckedAdd(kUint128Max - 1, 1), kUint128Max);
  EXPECT_FALSE(CheckedAdd(kUint128Max, 1).has_value());
}

TEST(Crc32cTest, MeetsTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(Crc32cTest, BothWaysAgreeAndPartsAddUp) {
  std::string data;
  for (int i = 0; i < 100; ++i) {
    data.push_back(static_cast<char>(i * 37));
    EXPECT_EQ(Crc32c(data), Crc32cPortable(data));
    EXPECT_EQ(Crc32c(data.substr(i / 2), Crc32c(data.substr(0, i / 2))),
              Crc32c(data));
  }
}

TEST(Sha256Test, MeetsTheVectorOfFips180) {
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(LittleEndianTest, ReadsWhatItWroteAtAnyAddress) {
  char bytes[16] = {};
  PutLittle<uint64_t>(bytes + 3, 0x0102030405060708);
  EXPECT_EQ(bytes[3], 8);
  EXPECT_EQ(GetLittle<uint64_t>(bytes + 3), 0x0102030405060708u);
}

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  LEDGERD_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST(StatusMacrosTest, HandTheErrorOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(3).status().message(), "odd");
}

TEST(CheckDeathTest, SaysWhatDoesNotHold) {
  EXPECT_DEATH(LEDGERD_CHECK(1 > 2) << "value " << 7,
               "check failed: 1 > 2 value 7");
}

TEST(MutexTest, WaitForEndsWithoutASignal) {
  Mutex mutex;
  CondVar changed;
  const MutexLock lock(mutex);
  while (changed.WaitFor(mutex, std::chrono::nanoseconds(1))) {
  }
}

}  // namespace
}  // namespace ledgerd
