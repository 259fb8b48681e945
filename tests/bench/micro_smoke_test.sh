#!/usr/bin/env bash
# A benchmark runs, and has at least one that the pattern chooses.
#
#   micro_smoke_test.sh BENCHMARK PATTERN
set -euo pipefail

"$1" --benchmark_min_time=0.001 --benchmark_filter="${2:-.}" | tee "$TEST_TMPDIR/out"
grep -q '^BM_' "$TEST_TMPDIR/out"
