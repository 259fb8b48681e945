#!/usr/bin/env bash
# Makes testdata/format_N.tar.xz: `data`, a data directory as this build leaves it
# after a kill -9 with entries after the last checkpoint, and `text`, what is in
# it. Once for each format, by the last build that writes it; then
# never again: a fixture that is made anew proves nothing about old disks.
#
#   tests/integration/make_format_fixture.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bazel build //tests/integration:make_format_fixture
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bazel-bin/tests/integration/make_format_fixture "$work"

format=$(sed -n 's/^format //p' "$work/text")
to=tests/integration/testdata/format_$format.tar.xz
if [ -e "$to" ]; then
  echo "$to exists: the fixture of a format is made once" >&2
  exit 1
fi
# Most of a data directory is zeros, made ahead of need.
rm -f "$work"/data/state/db/LOG*
tar --create --sparse --hole-detection=raw --sort=name --owner=0 --group=0 \
  --numeric-owner --directory="$work" data text | xz -9e >"$to"
ls -l "$to"
