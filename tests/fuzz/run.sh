#!/usr/bin/env bash
# Runs the fuzz targets under libFuzzer, AddressSanitizer and UBSan, each for
# SECONDS (600 by default) from the seeds that this build writes. An input that
# breaks one is left in .cache/fuzz/NAME/.
#
#   tests/fuzz/run.sh [SECONDS] [TARGET...]      default: all four
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib.sh

seconds=${1:-600}
shift || true
if [ $# = 0 ]; then set -- disk request config replication; fi

# fuzz NAME
fuzz() {
  local work=$PWD/.cache/fuzz/$1 seeds
  seeds=$(mktemp -d) || return 1
  mkdir -p "$work/corpus"
  "bazel-bin/tests/fuzz/$1_fuzz" --write-seeds="$seeds" || return 1
  bazel build --config=fuzz "//tests/fuzz:$1_libfuzzer" || return 1
  "bazel-bin/tests/fuzz/$1_libfuzzer" -max_total_time="$seconds" -timeout=25 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work/corpus" "$seeds"
}

heading fuzz
for name in "$@"; do
  bazel build "//tests/fuzz:${name}_fuzz" || exit 1
  step "$name for $seconds s" fuzz "$name"
done
closing_line
