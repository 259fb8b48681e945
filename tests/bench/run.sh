#!/usr/bin/env bash
# All figures of one replica, into tests/bench/RESULTS.md: builds what is measured,
# runs every line of run.py, then the comparison with PostgreSQL (compare.py). Takes
# about 40 minutes, and means something only on a machine that does nothing else.
#
#   tests/bench/run.sh            everything
#   tests/bench/run.sh --quick    a fifth of the time, without 50M transfers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds=5 seconds=10
if [ "${1:-}" = --quick ]; then rounds=3 seconds=5; fi

tests/bench/postgres/setup.sh
bazel build --config=release //server:ledgerd //tests/bench:ledgerbench
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
cp -L bazel-bin/server/ledgerd bazel-bin/tests/bench/ledgerbench "$bin"
programs=("--ledgerd=$bin/ledgerd" "--ledgerbench=$bin/ledgerbench")

{
  tests/bench/run.py "${programs[@]}" "$@"
  printf '\n## Against PostgreSQL 15\n\n'
  tests/bench/compare.py "${programs[@]}" "--rounds=$rounds" "--seconds=$seconds"
} >"$bin/results"
cp "$bin/results" tests/bench/RESULTS.md
