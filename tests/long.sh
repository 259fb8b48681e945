#!/usr/bin/env bash
# What takes hours: the tests tagged `long` (hundreds of kills, 10,000 random
# batches, ...) beside all others, clang-tidy over tests too, and a bare machine.
# Run it before a release and every night.
#
#   tests/long.sh [tests|sanitize|fuzz|analyze|fresh]...      default: all
#   tests/long.sh group [WORDS]   the long tests of groups alone, one after the
#                                 other, of those whose names have these words; and
#                                 their figures (100 kills, 20 partitions, ...), into
#                                 tests/integration/RESULTS.md where all have passed.
#                                 40 minutes, on a machine that does nothing else;
#                                 a figure that is not what is wanted is a failure
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

deploy/setup.sh || exit 1
. tests/lib.sh

log_of() {
  echo "bazel-testlogs/tests/integration/${1##*:}/test.log"
}

# figures TEST...: the table of what they printed, in this order.
figures() {
  local test
  echo "| test | of | figure | is | wanted | reached |"
  echo "| --- | --- | --- | --- | --- | --- |"
  for test; do
    sed -n "s/^figure |/| ${test##*:} |/p" "$(log_of "$test")"
  done
}

# results LOAD TEST...: the page of all figures.
results() {
  local load=$1
  shift
  cat <<TEXT
# Results: groups of replicas under faults

- Date: $(date +%F); commit $(git rev-parse --short HEAD); built without optimization
- Machine: $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1); all replicas
  and clients share it; load before: $load
- Made by \`tests/long.sh group\`. README.md says what each test does;
  ../bench/RESULTS-group.md how fast a group is

TEXT
  figures "$@"
}

# long_tests [WORDS]: those of groups.
long_tests() {
  bazel query --noshow_progress 2>/dev/null \
    "filter(':group_.*${1:-}.*_long_test$', tests(//tests/integration:all))"
}

# all_reached PAGE
all_reached() {
  ! grep '| no |$' "$1"
}

# group [WORDS]: a test that fails leaves the page as it was.
group() {
  local before load tests
  load=$(cut -d ' ' -f 1 /proc/loadavg)
  mapfile -t tests < <(long_tests "${1:-}")
  if [ ${#tests[@]} = 0 ]; then
    echo "FAILED  no long test of groups has '${1:-}' in its name"
    count 0 1
    return
  fi
  before=$(failures)
  bazel_tests "groups of replicas, long" --config=long \
    --nocache_test_results "${tests[@]}"
  results "$load" "${tests[@]}" >"$LEDGERD_TALLY.results"
  cat "$LEDGERD_TALLY.results"
  step "every figure is what is wanted" all_reached "$LEDGERD_TALLY.results"
  if [ "$(failures)" = "$before" ] && [ -z "${1:-}" ]; then
    cp "$LEDGERD_TALLY.results" tests/integration/RESULTS.md
  fi
  rm -f "$LEDGERD_TALLY.results"
}

if [ "${1:-}" = group ]; then
  group "${2:-}"
  closing_line
  exit
fi
if [ $# = 0 ]; then set -- tests sanitize fuzz analyze fresh; fi
for what in "$@"; do
  case $what in
    tests) bazel_tests "all tests, long ones too" --config=long \
      --nocache_test_results //... ;;
    sanitize) part tests/sanitize.sh ;;
    fuzz) part tests/fuzz/run.sh ;;
    analyze) part tests/analyze.sh all ;;
    fresh) part tests/fresh.sh ;;
    *)
      echo "long: unknown part '$what'" >&2
      count 0 1
      ;;
  esac
done
closing_line
