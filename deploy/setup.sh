#!/usr/bin/env bash
# Installs what ledgerd needs on a Debian 12 machine, and nothing that is there
# already: a second run takes a second and touches neither apt nor npm.
#
#   deploy/setup.sh          to build, and to run all tests
#   deploy/setup.sh build    to build and run only
#
# Debian's packages are listed in deploy/packages.txt, npm's (for tests only) in
# tests/tools/package-lock.json. Nothing else is ever downloaded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:-all}
case $what in
  all | build) ;;
  *)
    echo "setup: unknown argument '$what'; say nothing, or 'build'" >&2
    exit 2
    ;;
esac

fail() {
  echo "setup: $*" >&2
  exit 1
}

# Prints the packages of one kind.
listed() {
  awk -v kind="$1" '$1 == kind { print $2 }' deploy/packages.txt
}

# Reads package names, prints those that are not installed.
not_installed() {
  sort -u | comm -23 - <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
    sed -n 's/^installed //p' | sort -u)
}

check_system() {
  local id="" version=""
  if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  if [ "$id" != debian ] || [ "$version" != 12 ]; then
    fail "this is '${id:-unknown} $version'; ledgerd is built from the" \
      "libraries of Debian 12, and only there. Use a Debian 12 machine or chroot."
  fi
}

install_packages() {
  local missing
  mapfile -t missing < <({
    listed build
    if [ "$what" = all ]; then
      listed check
      # Debian's npm conflicts with a nodejs that came from somewhere else.
      if ! command -v npm >/dev/null; then listed node; fi
    fi
  } | not_installed)
  [ ${#missing[@]} != 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    fail "these packages are missing, and only root can install them:" \
      "${missing[@]}"
  fi
  echo "setup: installing ${#missing[@]} packages" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq -o Acquire::Retries=3
  apt-get install -y -qq --no-install-recommends \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    "${missing[@]}" >&2
}

install_npm_tools() {
  local lock=tests/tools/package-lock.json
  local done_mark=tests/tools/node_modules/.installed-from
  if cmp -s "$lock" "$done_mark"; then return 0; fi
  echo "setup: installing the npm packages of tests/tools" >&2
  (cd tests/tools && npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$lock" "$done_mark"
}

check_system
install_packages
if [ "$what" = all ]; then install_npm_tools; fi
