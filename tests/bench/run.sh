#!/usr/bin/env bash
# All figures of one replica, into tests/bench/RESULTS.md: builds what is measured,
# runs every line of run.py, then the comparison with PostgreSQL (compare.py). Takes
# about 40 minutes, and means something only on a machine that does nothing else.
#
#   tests/bench/run.sh            everything
#   tests/bench/run.sh --quick    a fifth of the time, without 50M transfers
#   tests/bench/run.sh --group    of three replicas (run_group.py, and PostgreSQL with a
#                                 synchronous standby), into RESULTS-group.md; may come
#                                 with --quick
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds=5 seconds=10 lines=tests/bench/run.py replicas=1 results=RESULTS.md
title='Against PostgreSQL 15'
flags=()
for flag; do
  case $flag in
  --quick) rounds=3 seconds=5 flags+=("$flag") ;;
  --group)
    lines=tests/bench/run_group.py replicas=3 results=RESULTS-group.md
    title="$title with a synchronous standby"
    ;;
  *) flags+=("$flag") ;;
  esac
done

tests/bench/postgres/setup.sh
bazel build --config=release //server:ledgerd //tests/bench:ledgerbench
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
cp -L bazel-bin/server/ledgerd bazel-bin/tests/bench/ledgerbench "$bin"
programs=("--ledgerd=$bin/ledgerd" "--ledgerbench=$bin/ledgerbench")

# A line that fails says so in the page, or ends it; so the others are not lost.
failed=0
{
  "$lines" "${programs[@]}" "${flags[@]}" || failed=1
  printf '\n## %s\n\n' "$title"
  tests/bench/compare.py "${programs[@]}" "--replicas=$replicas" \
    "--rounds=$rounds" "--seconds=$seconds" || failed=1
} >"$bin/results"
if [ "$failed" = 0 ]; then
  cp "$bin/results" "tests/bench/$results"
else
  cp "$bin/results" "tests/bench/$results.failed"
  echo "run: not all of it went well: tests/bench/$results.failed has the rest" >&2
fi
exit "$failed"
