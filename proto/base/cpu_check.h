// Whether this machine's processor can run this build: the release build is for
// x86-64-v3 (.bazelrc), and ends elsewhere in SIGILL, which tells nobody why.
//
//   deps = ["//proto/base:cpu_check"],   // of a program, and it is checked
//
// Shape    A program that is linked with it looks before its first static
//          object is made, says what is missing, and ends with exit code 3.
//          cpu_check.cc is compiled for any x86-64, also in the release build.
#ifndef LEDGERD_PROTO_BASE_CPU_CHECK_H_
#define LEDGERD_PROTO_BASE_CPU_CHECK_H_

namespace ledgerd {

// What a build may need of a processor.
struct CpuFeatures {
  bool sse42 = false;
  bool avx2 = false;
  bool bmi2 = false;
  bool fma = false;
  bool f16c = false;
  bool lzcnt = false;
  bool movbe = false;
};

// Those of this machine, as far as the system lets programs use them.
CpuFeatures ReadCpuFeatures();

// The name of one that is missing for x86-64-v3, or for every build of ours;
// null when there is none.
const char* MissingForV3(const CpuFeatures& cpu);
const char* MissingForAll(const CpuFeatures& cpu);

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_BASE_CPU_CHECK_H_
