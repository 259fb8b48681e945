#include "proto/base/cpu_check.h"

#include "gtest/gtest.h"

namespace ledgerd {
namespace {

constexpr CpuFeatures kV3 = {.sse42 = true,
                             .avx2 = true,
                             .bmi2 = true,
                             .fma = true,
                             .f16c = true,
                             .lzcnt = true,
                             .movbe = true};

TEST(CpuCheckTest, NothingIsMissingWhereAllIsThere) {
  EXPECT_EQ(MissingForAll(kV3), nullptr);
  EXPECT_EQ(MissingForV3(kV3), nullptr);
}

TEST(CpuCheckTest, EachThatIsMissingIsNamed) {
  struct Case {
    bool CpuFeatures::*feature;
    const char* name;
  };

  for (const Case& tried :
       {Case{&CpuFeatures::avx2, "AVX2"}, Case{&CpuFeatures::bmi2, "BMI2"},
        Case{&CpuFeatures::fma, "FMA"}, Case{&CpuFeatures::f16c, "F16C"},
        Case{&CpuFeatures::lzcnt, "LZCNT"},
        Case{&CpuFeatures::movbe, "MOVBE"}}) {
    CpuFeatures cpu = kV3;
    cpu.*tried.feature = false;
    EXPECT_STREQ(MissingForV3(cpu), tried.name);
    EXPECT_EQ(MissingForAll(cpu), nullptr);
  }
  EXPECT_STREQ(MissingForAll({.avx2 = true}), "SSE4.2");
}

// The tests run on it, so it has what all builds need.
TEST(CpuCheckTest, ThisMachineRunsThisBuild) {
  EXPECT_TRUE(ReadCpuFeatures().sse42);
}

}  // namespace
}  // namespace ledgerd
