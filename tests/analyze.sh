#!/usr/bin/env bash
# Static analysis: clang-tidy with .clang-tidy, and clang's thread-safety
# annotations, as cached build actions (deploy/bazel/tidy.bzl).
#
#   tests/analyze.sh          what is shipped
#   tests/analyze.sh all      the tests too
#   tests/analyze.sh LABEL... these targets
#
# LEDGERD_ANALYZE_SECONDS: how long it may take (.ci/run).
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
    "$@" bazel build --keep_going --noshow_progress \
      --aspects=//deploy/bazel:tidy.bzl%clang_tidy \
      --output_groups=clang_tidy "${targets[@]}"
}

# tidy_within SECONDS: what is not looked at by then is told, and is no failure. The
# cache keeps what was found to be clean, so the next run gets further.
tidy_within() {
  local seconds=$1 said code
  said=$(mktemp)
  tidy timeout --signal=INT --kill-after=120 "$seconds" 2>&1 | tee "$said"
  code=${PIPESTATUS[0]}
  if [ "$code" = 124 ] && ! grep -q '^ERROR: .*ClangTidy' "$said"; then
    echo "SKIPPED the rest of it: $seconds s are over"
    code=0
  fi
  rm -f "$said"
  return "$code"
}

heading "static analysis"
if [ -n "${LEDGERD_ANALYZE_SECONDS:-}" ]; then
  step "clang-tidy, thread safety: ${#targets[@]} targets" \
    tidy_within "$LEDGERD_ANALYZE_SECONDS"
else
  step "clang-tidy, thread safety: ${#targets[@]} targets" tidy
fi
closing_line
