# shellcheck shell=bash
# Three replicas on this machine, as processes of the script that sources this:
#
#   make_group
#   start_replicas 1 2 3
#   wait_for "a primary" find_primary    # sets primary, epoch
#   kill_replicas "$primary"             # with -9
#
# Replica i has the directory $dir/replica<i>, a log beside it, and three ports of
# its own. The pid of one that does not run is "". That script sets these three,
# and has a die, which ends it:
dir=""
ledgerd=""
ledgerctl=""

wait_limit_s=60
pid=("" "" "" "")
base_port=0
members=""
primary=""
epoch=0

now_ms() {
  echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
  local what=$1 from
  shift
  from=$(now_ms)
  until "$@"; do
    if [ $(($(now_ms) - from)) -gt $((wait_limit_s * 1000)) ]; then
      die "not within $wait_limit_s s: $what"
    fi
    sleep 0.01
  done
}

client_address() {
  echo "127.0.0.1:$((base_port + 10 * $1))"
}

admin_address() {
  echo "127.0.0.1:$((base_port + 10 * $1 + 1))"
}

replication_address() {
  echo "127.0.0.1:$((base_port + 10 * $1 + 2))"
}

# Whether nobody takes connections at any of the group's ports.
ports_are_free() {
  local i at
  for i in 1 2 3; do
    for at in 0 1 2; do
      if (: <"/dev/tcp/127.0.0.1/$((base_port + 10 * i + at))") 2>/dev/null; then
        return 1
      fi
    done
  done
}

# Below those that Linux gives away by itself. The replicas' addresses must be
# known before the first one starts, so the system cannot be asked for free ones.
choose_ports() {
  local attempt
  for attempt in {1..50}; do
    base_port=$((20000 + RANDOM % 12000))
    if ports_are_free; then return 0; fi
  done
  die "found no nine free ports below 32768 in $attempt tries"
}

make_group() {
  local i cluster
  choose_ports
  cluster=$(</proc/sys/kernel/random/uuid)
  members="1@$(replication_address 1),2@$(replication_address 2)"
  members="$members,3@$(replication_address 3)"
  for i in 1 2 3; do
    "$ledgerd" format --data-dir="$dir/replica$i" --cluster-id="$cluster" \
      --replica-id="$i" --members="$members" >/dev/null ||
      die "replica $i could not be formatted"
  done
  LEDGERCTL_ADDRESS=$(client_address 1),$(client_address 2),$(client_address 3)
  LEDGERCTL_ADMIN_ADDRESS=$(admin_address 1),$(admin_address 2),$(admin_address 3)
  export LEDGERCTL_ADDRESS LEDGERCTL_ADMIN_ADDRESS
}

start_replica() {
  rm -f "$dir/ready$1"
  "$ledgerd" start --data-dir="$dir/replica$1" --members="$members" \
    --client-address="$(client_address "$1")" \
    --admin-address="$(admin_address "$1")" \
    --ready-file="$dir/ready$1" >>"$dir/replica$1.log" 2>&1 &
  pid[$1]=$!
}

# It is primary, or follows one.
is_ready() {
  kill -0 "${pid[$1]}" 2>/dev/null || die "replica $1 ended before it was ready"
  [ -s "$dir/ready$1" ]
}

# start_replicas I...: until all are ready, since the first needs a second.
start_replicas() {
  local i
  for i in "$@"; do start_replica "$i"; done
  for i in "$@"; do wait_for "replica $i is ready" is_ready "$i"; done
}

# Ends one process of ours, if it still runs, and waits for it.
end() {
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# kill_replicas I...: with -9, all of them before any is waited for.
kill_replicas() {
  local i
  for i in "$@"; do
    kill -KILL "${pid[i]}" || die "replica $i had ended by itself"
  done
  for i in "$@"; do
    end "${pid[i]}"
    pid[i]=""
  done
}

# status_of I: one object of JSON; nothing when it does not answer.
status_of() {
  "$ledgerctl" status -o json --timeout 2s \
    --admin-address "$(admin_address "$1")" 2>/dev/null || true
}

# field NAME STATUS: the first that is named so; nothing when there is none.
field() {
  if [[ $2 =~ \"$1\":\"?([^\",}]*) ]]; then echo "${BASH_REMATCH[1]}"; fi
}

# Sets primary and epoch to who says that it is the primary of the highest one.
find_primary() {
  local i status
  primary=""
  epoch=0
  for i in 1 2 3; do
    if [ -z "${pid[i]}" ]; then continue; fi
    status=$(status_of "$i")
    if [ "$(field role "$status")" = primary ] &&
      [ "$(field epoch "$status")" -gt "$epoch" ]; then
      primary=$i
      epoch=$(field epoch "$status")
    fi
  done
  [ -n "$primary" ]
}

# has_applied I SEQUENCE
has_applied() {
  local applied
  applied=$(field applied "$(status_of "$1")")
  [ "${applied:-0}" -ge "$2" ]
}

# Whether all have the same journal, and have applied all of it.
are_equal() {
  local i status now first=""
  for i in 1 2 3; do
    status=$(status_of "$i")
    now="$(field journal_last "$status") $(field commit_hash "$status")"
    first=${first:-$now}
    if [ -z "$status" ] || [ "$now" != "$first" ] ||
      [ "$(field applied "$status")" != "$(field journal_last "$status")" ]; then
      return 1
    fi
  done
}

# A line for each replica.
show_replicas() {
  local i status
  for i in 1 2 3; do
    status=$(status_of "$i")
    printf 'replica %s  %-7s  epoch %s  journal_last %s  applied %s  commit_hash %s\n' \
      "$i" "$(field role "$status")" "$(field epoch "$status")" \
      "$(field journal_last "$status")" "$(field applied "$status")" \
      "$(field commit_hash "$status")"
  done
}
