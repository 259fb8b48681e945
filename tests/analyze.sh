#!/usr/bin/env bash
# Static analysis: clang-tidy with .clang-tidy, and clang's thread-safety
# annotations, as cached build actions (deploy/bazel/tidy.bzl).
#
#   tests/analyze.sh          what is shipped
#   tests/analyze.sh all      the tests too
#   tests/analyze.sh LABEL... these targets
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/lib.sh

case "${1:-shipped}" in
  all) targets=(//...) ;;
  shipped)
    mapfile -t targets < <(bazel query --noshow_progress 2>/dev/null \
      'kind("cc_(library|binary) rule", //...) except attr(testonly, 1, //...)')
    ;;
  *) targets=("$@") ;;
esac

tidy() {
  [ ${#targets[@]} != 0 ] &&
    bazel build --keep_going --noshow_progress \
      --aspects=//deploy/bazel:tidy.bzl%clang_tidy \
      --output_groups=clang_tidy "${targets[@]}"
}

heading "static analysis"
step "clang-tidy, thread safety: ${#targets[@]} targets" tidy
closing_line
