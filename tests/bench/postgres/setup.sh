#!/usr/bin/env bash
# Installs what tests/bench/compare.py needs and nothing else here does. No cluster is
# created or started: compare.py has one of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -x /usr/lib/postgresql/15/bin/pgbench ]; then exit 0; fi
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
  echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
apt-get update -qq
xargs -a packages.txt apt-get install -y -qq --no-install-recommends >&2
