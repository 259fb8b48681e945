#!/usr/bin/env bash
# Lint is a test: format, BUILD files, scripts, protos, alerts, and the rules of
# style that tests/tidy checks. A few seconds; needs deploy/setup.sh to have run.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/lib.sh
tools=$PWD/tests/tools/node_modules/.bin

# files PATTERN...: what git knows or would add, and still there.
files() {
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u |
    while IFS= read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done
}

clang_format() {
  files '*.cc' '*.h' | xargs -r clang-format-14 --dry-run -Werror
}

buildifier() {
  files '*BUILD' '*BUILD.bazel' '*.bzl' '*WORKSPACE' |
    xargs -r "$tools/buildifier" -mode=check
}

scripts() {
  files '*.sh' .ci/run tests/simulate tests/mutants | xargs -r shellcheck -x
}

buf() {
  (cd proto && "$tools/buf" "$@")
}

# What was given, and copies, stay as they are, also in their spaces.
buf_format() {
  buf format --diff --exit-code --exclude-path ledger --exclude-path admin \
    --exclude-path google --exclude-path grpc
}

# The committed image is the contract's; what it promised must hold for ever.
buf_breaking() {
  buf breaking --against contract.binpb
}

heading lint
step "clang-format" clang_format
step "buildifier" buildifier
step "shellcheck" scripts
step "buf lint" buf lint
step "buf format" buf_format
step "buf breaking against proto/contract.binpb" buf_breaking
step "alerts and the dashboard name metrics that there are" \
  python3 -B deploy/monitoring/names_test.py 2>&1
step "the rules of alerts" promtool check rules deploy/monitoring/alerts.yaml
step "alerts fire when they must" \
  promtool test rules deploy/monitoring/alerts_test.yaml
step "the tally counts every failure" python3 -B tests/tally_test.py 2>&1
step "the rules of style find what they must" \
  python3 -B tests/tidy/style_test.py 2>&1
step "the rules of style" python3 -B tests/tidy/style.py
closing_line
