#include "proto/base/cpu_check.h"

#include <cpuid.h>
#include <unistd.h>

#include <cstring>

namespace ledgerd {
namespace {

constexpr int kUsage = 3;  // server/exit_code.h: starting again will not help.

// Neither streams nor strings: nothing of the program is there yet.
void Say(const char* text) {
  const auto ignored = write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

// Before all static objects, which are compiled for the build's processor.
__attribute__((constructor(101))) void CheckCpu() {
  const CpuFeatures cpu = ReadCpuFeatures();
  const char* missing = MissingForAll(cpu);
#ifdef LEDGERD_NEEDS_X86_64_V3
  if (missing == nullptr) missing = MissingForV3(cpu);
#endif
  if (missing == nullptr) return;
  Say("this build cannot run here: the processor, or the machine that imitates "
      "one, has no ");
  Say(missing);
  Say(". A release build needs x86-64-v3 (Intel since 2013, AMD since 2015); "
      "deploy/README.md says how to build for less\n");
  _exit(kUsage);
}

}  // namespace

CpuFeatures ReadCpuFeatures() {
  CpuFeatures cpu;
  __builtin_cpu_init();
  cpu.sse42 = __builtin_cpu_supports("sse4.2");
  cpu.avx2 = __builtin_cpu_supports("avx2");
  cpu.bmi2 = __builtin_cpu_supports("bmi2");
  cpu.fma = __builtin_cpu_supports("fma");
  // Clang 14's __builtin_cpu_supports does not know these.
  constexpr unsigned kExtended = 0x80000001;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
    cpu.f16c = (c & bit_F16C) != 0;
    cpu.movbe = (c & bit_MOVBE) != 0;
  }
  if (__get_cpuid(kExtended, &a, &b, &c, &d) != 0) {
    cpu.lzcnt = (c & bit_LZCNT) != 0;
  }
  return cpu;
}

const char* MissingForAll(const CpuFeatures& cpu) {
  return cpu.sse42 ? nullptr : "SSE4.2";
}

const char* MissingForV3(const CpuFeatures& cpu) {
  if (!cpu.avx2) return "AVX2";
  if (!cpu.bmi2) return "BMI2";
  if (!cpu.fma) return "FMA";
  if (!cpu.f16c) return "F16C";
  if (!cpu.lzcnt) return "LZCNT";
  return cpu.movbe ? nullptr : "MOVBE";
}

}  // namespace ledgerd
