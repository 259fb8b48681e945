# shellcheck shell=bash
# What the scripts of tests/ share: steps, counting, and the closing line.
#
#   . tests/lib.sh
#   step "clang-format" clang-format --dry-run -Werror a.cc
#   bazel_tests "unit tests" --config=asan //storage/...
#   closing_line
#
# A script that another one calls with the same LEDGERD_TALLY adds its counts
# there and leaves the closing line to its caller.

failures() {
  awk '{ f += $2 } END { print f + 0 }' "$LEDGERD_TALLY"
}

if [ -n "${LEDGERD_TALLY:-}" ]; then nested=1; else nested=0; fi
if [ "$nested" = 0 ]; then
  LEDGERD_TALLY=$(mktemp)
  export LEDGERD_TALLY
  trap 'rm -f "$LEDGERD_TALLY"' EXIT
fi
failed_before=$(failures)

heading() {
  printf '== %s\n' "$*"
}

# count PASSED FAILED [SKIPPED]: adds to what the closing line tells.
count() {
  echo "$1 $2 ${3:-0}" >>"$LEDGERD_TALLY"
}

# step NAME COMMAND...: one check, passed when the command exits 0.
step() {
  local name=$1 start=$SECONDS
  shift
  if "$@"; then
    count 1 0
    printf 'ok      %s (%d s)\n' "$name" $((SECONDS - start))
  else
    count 0 1
    printf 'FAILED  %s (%d s): %s\n' "$name" $((SECONDS - start)) "$*"
  fi
}

# bazel_tests NAME ARGUMENT...: bazel test, every test case counted. Where CI is
# set, every test runs: its seeds and its luck with threads are new each time.
bazel_tests() {
  local name=$1 start=$SECONDS events counts
  shift
  if [ -n "${CI:-}" ]; then set -- --nocache_test_results "$@"; fi
  heading "$name"
  events=$(mktemp)
  bazel test --keep_going --noshow_progress --build_event_json_file="$events" "$@" || true
  counts=$(tests/tally.py "$events")
  rm -f "$events"
  # shellcheck disable=SC2086  # three numbers
  count $counts
  # shellcheck disable=SC2086  # three numbers
  printf '%s: %d ok, %d bad, %d skipped (%d s)\n' "$name" $counts \
    $((SECONDS - start))
}

# part SCRIPT...: a script of ours that counts for itself. One that ends badly
# without having said why is one failure.
part() {
  local before after
  before=$(failures)
  if ! "$@"; then
    after=$(failures)
    if [ "$before" = "$after" ]; then
      echo "FAILED  $*"
      count 0 1
    fi
  fi
}

# closing_line: prints "N passed, N failed"; the exit code tells whether all of this
# script's did.
closing_line() {
  local passed failed skipped
  read -r passed failed skipped < <(
    awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' \
      "$LEDGERD_TALLY"
  )
  if [ "$nested" = 0 ]; then
    if [ "$skipped" = 0 ]; then
      printf '%d passed, %d failed\n' "$passed" "$failed"
    else
      printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    fi
  fi
  [ "$failed" = "$failed_before" ]
}
