#!/usr/bin/env bash
# Makes testdata/flips.tar.xz: a data directory of this build with something of
# every table in it, and `text`, what is in it. Made again when a table is added;
# bytes that stay the same make the flips of a seed the same.
#
#   tests/crash/make_flip_fixture.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bazel build //tests/integration:make_format_fixture
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bazel-bin/tests/integration/make_format_fixture "$work"

# RocksDB's log is for people; the reserve has nothing in it.
rm -f "$work"/data/state/db/LOG* "$work/data/reserve"
tar --create --sparse --hole-detection=raw --sort=name --owner=0 --group=0 \
  --numeric-owner --directory="$work" data text |
  xz -9e >tests/crash/testdata/flips.tar.xz
ls -l tests/crash/testdata/flips.tar.xz
