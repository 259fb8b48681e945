#!/usr/bin/env bash
# Sets the machine up, then lints, builds and runs all tests. Ends with the line
# "N passed, N failed", and exits 0 when none failed.
#
#   tests/run.sh [TARGET...]      default: //...
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

deploy/setup.sh || exit 1
. tests/lib.sh

if [ $# = 0 ]; then
  part tests/lint.sh
  set -- //...
fi
bazel_tests "tests" "$@"
closing_line
