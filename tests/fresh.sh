#!/usr/bin/env bash
# Proves that both commands of the README work on a bare Debian 12: makes one in a
# chroot with nothing but apt in it, clones this repository's HEAD there, and runs
# deploy/quickstart.sh and tests/run.sh as root. Fails where it cannot do that.
#
#   tests/fresh.sh                            both commands
#   tests/fresh.sh 'deploy/setup.sh build'    other commands, one an argument
#
# Apt sources, proxies and certificates are this machine's. The chroot lives below
# ${TMPDIR:-/var/tmp} (10 GB) and is removed at the end; whatever still runs in it
# ends with its process namespace.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/lib.sh

if [ $# = 0 ]; then set -- deploy/quickstart.sh tests/run.sh; fi

if [ "$(id -u)" != 0 ] || ! command -v mmdebstrap >/dev/null; then
  echo "fresh: needs root and mmdebstrap (deploy/setup.sh installs it)" >&2
  count 0 1
  closing_line
  exit 1
fi

work=$(mktemp -d -p "${TMPDIR:-/var/tmp}" ledgerd-fresh.XXXXXX)
root=$work/root
if [ "$nested" = 0 ]; then
  trap 'rm -rf --one-file-system "$work"; rm -f "$LEDGERD_TALLY"' EXIT
else
  trap 'rm -rf --one-file-system "$work"' EXIT
fi

# The files that name this machine's Debian sources.
apt_sources() {
  grep -lsE '^(deb|Suites:).*bookworm' /etc/apt/sources.list \
    /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources |
    xargs -r grep -lE '/debian(-security)?/?( |$)' || true
}

make_root() {
  local sources
  apt-config dump --no-empty |
    grep -E '^Acquire::(Check-|http|https|Retries|ForceIPv4)' \
      >"$work/apt.conf" || true
  mapfile -t sources < <(apt_sources)
  mmdebstrap --quiet --mode=root --variant=minbase \
    --aptopt="$work/apt.conf" bookworm "$root" "${sources[@]}" || return
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  # What Debian's installer writes on every machine.
  printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n' \
    >"$root/etc/hosts"
  if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$root/opt/host-ca.crt"
  fi
  git clone --quiet --no-local . "$root/src"
}

# The environment of a new login, plus how this machine reaches its registries.
environment() {
  echo HOME=/root
  echo PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  if [ -f "$root/opt/host-ca.crt" ]; then
    echo npm_config_cafile=/opt/host-ca.crt
  fi
  env | grep -iE '^(https?_proxy|no_proxy|npm_config_registry)=' || true
}

# in_root COMMAND: runs it in the clone, with its own mounts and processes.
in_root() {
  local settings
  mapfile -t settings < <(environment)
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --pid --fork --kill-child bash -euc '
    mount -t proc proc "$0/proc"
    mount -t sysfs -o ro sysfs "$0/sys"
    mount --rbind /dev "$0/dev"
    root=$0
    shift
    exec chroot "$root" env -i "$@"' "$root" -- "${settings[@]}" \
    bash -c "cd /src && $1" </dev/null
}

heading "a bare Debian 12 ($(git rev-parse --short HEAD))"
step "a root with nothing in it" make_root
for command in "$@"; do
  step "there: $command" in_root "$command"
done
du -sh --one-file-system "$root" | sed 's/\t.*/ used/'
closing_line
