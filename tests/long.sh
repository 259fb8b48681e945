#!/usr/bin/env bash
# What takes hours: the tests tagged `long` (hundreds of kills, 10,000 random
# batches, ...) beside all others, clang-tidy over tests too, and a bare machine.
# Run it before a release and every night.
#
#   tests/long.sh [tests|sanitize|fuzz|analyze|fresh]...      default: all
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

deploy/setup.sh || exit 1
. tests/lib.sh

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
