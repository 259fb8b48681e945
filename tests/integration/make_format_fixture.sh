#!/usr/bin/env bash
# Makes testdata/format_N.tar.xz: `data`, a data directory as this build leaves it
# after a kill -9 with entries after the last checkpoint, and `text`, what is in
# it. Once for each set of versions (format_versions.h), by a build that writes
# them; never again: a fixture that is made anew proves nothing about old disks.
# N only counts.
#
#   tests/integration/make_format_fixture.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bazel build //tests/integration:make_format_fixture
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bazel-bin/tests/integration/make_format_fixture "$work"

# The lines with versions; where there is none, it is 1.
versions() { sed -e '/^checkpoint /,$d' -e '/ 1$/d'; }
number=1
to=tests/integration/testdata/format_1.tar.xz
while [ -e "$to" ]; do
  if [ "$(tar -xJOf "$to" text | versions)" = "$(versions <"$work/text")" ]; then
    echo "$to has these versions: a fixture is made once" >&2
    exit 1
  fi
  number=$((number + 1))
  to=tests/integration/testdata/format_$number.tar.xz
done
# Most of a data directory is zeros, made ahead of need.
rm -f "$work"/data/state/db/LOG*
tar --create --sparse --hole-detection=raw --sort=name --owner=0 --group=0 \
  --numeric-owner --directory="$work" data text | xz -9e >"$to"
ls -l "$to"
