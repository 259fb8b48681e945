#!/usr/bin/env bash
# The unit tests under AddressSanitizer with UBSan, and those that have threads
# under ThreadSanitizer. A test that cannot run so is tagged no_san.
#
#   tests/sanitize.sh                          both
#   tests/sanitize.sh asan|tsan [TARGET...]    one of them, of these targets
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/lib.sh

# Tests that cross processes watch the daemon, which these configs do not build.
unit="tests(//...) except tests(//tests/...)"
if [ -e tests/model/BUILD.bazel ]; then unit="($unit) union tests(//tests/model/...)"; fi
declare -A queries=(
  [asan]="($unit) union //tests/sim:simulation_short_test"
  [tsan]="($unit) intersect rdeps(//..., //proto/base:mutex)"
)

# sanitize CONFIG [TARGET...]
sanitize() {
  local config=$1 targets
  shift
  targets=("$@")
  if [ $# = 0 ]; then
    mapfile -t targets < <(
      bazel query --noshow_progress "${queries[$config]}" 2>/dev/null
    )
  fi
  # A query that fails must not count as nothing to test.
  if [ ${#targets[@]} = 0 ]; then
    echo "FAILED  $config: no targets: bazel query '${queries[$config]}'"
    count 0 1
    return
  fi
  bazel_tests "$config" --config="$config" --build_tests_only "${targets[@]}"
}

if [ $# != 0 ]; then
  sanitize "$@"
else
  sanitize asan
  sanitize tsan
fi
closing_line
