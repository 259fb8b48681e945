#!/usr/bin/env bash
# A ledger in one command: sets the machine up, builds, starts three replicas on
# this machine in a temporary directory, makes payments of every kind, and, while
# many more are made, kills the primary with -9, and later all three. Shows who
# takes over, how long clients had to wait, what is rolled back, and in the end
# that every acknowledged payment is there, once, that the books balance, and that
# all three replicas have the same state.
#
#   deploy/quickstart.sh
#   QUICKSTART_RATE=5000 deploy/quickstart.sh    payments a second (default 2000)
#
# It builds without optimization, which is quick; what it prints is no measure of
# speed. It leaves nothing behind, and ends only processes that it started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/quickstart_group.sh

rate=${QUICKSTART_RATE:-2000}
payer=""

die() {
  local log
  echo "quickstart: $*" >&2
  for log in "$dir"/replica?.log; do
    if [ -n "$dir" ] && [ -f "$log" ]; then
      echo "quickstart: the end of $log:" >&2
      tail -n 10 "$log" >&2
    fi
  done
  exit 1
}

heading() {
  printf '\n== %s\n' "$*"
}

# Whatever has become of them: the directory goes, too.
clean_up() {
  local process
  for process in "$payer" "${pid[@]}"; do
    if [ -n "$process" ]; then end "$process"; fi
  done
  if [ -n "$dir" ]; then rm -rf "$dir"; fi
}
trap clean_up EXIT

build() {
  bazel build --noshow_progress --ui_event_filters=-info \
    //server:ledgerd //client/ledgerctl //tests/load:payer \
    //tests/load:state_hash
  ledgerd=$PWD/bazel-bin/server/ledgerd
  ledgerctl=$PWD/bazel-bin/client/ledgerctl/ledgerctl
  payer_program=$PWD/bazel-bin/tests/load/payer
  state_hash=$PWD/bazel-bin/tests/load/state_hash
}

# Shows a command of ledgerctl and runs it.
ctl() {
  printf '\n$ ledgerctl %s\n' "$*"
  "$ledgerctl" "$@"
}

# refused ...: a command that the ledger must refuse (exit code 1).
refused() {
  local code=0
  ctl "$@" || code=$?
  [ "$code" = 1 ] || die "that should have been refused, and ended with $code"
}

# has ACCOUNT NET: its balance is NET.
has() {
  local shown
  shown=$("$ledgerctl" account show "$1" -o json)
  grep -Eq "\"net\": ?\"?$2\"?[,}]" <<<"$shown" ||
    die "account $1 should have $2: $shown"
}

balances_are_right() {
  has 1001 7705 # 10000 - 995 - 300 - 1000
  has 1002 2265 # 995 + 300 + 1000 - 30
}

make_payments() {
  ctl account create --id 1
  ctl account create --id 1001 --flags debits_must_not_exceed_credits
  ctl account create --id 1002

  heading "a deposit, and a payment"
  ctl transfer --id 1 --debit 1 --credit 1001 --amount 10000
  ctl transfer --id 2 --debit 1001 --credit 1002 --amount 995
  echo "The same again, as after a time-out, moves nothing:"
  ctl transfer --id 2 --debit 1001 --credit 1002 --amount 995

  heading "two phases: hold 500, take 300, release the rest"
  ctl transfer --id 3 --debit 1001 --credit 1002 --amount 500 --pending
  ctl transfer --id 4 --post 3 --amount 300

  heading "linked: the payment and its fee happen together, or not at all"
  cat >"$dir/transfers.csv" <<'CSV'
id,debit_account_id,credit_account_id,amount,ledger,code,flags
5,1001,1002,1000,1,1,linked
6,1002,1,30,1,1,
CSV
  cat "$dir/transfers.csv"
  ctl import "$dir/transfers.csv"

  heading "refused: more than account 1001 has"
  refused transfer --id 7 --debit 1001 --credit 1002 --amount 1000000

  ctl account show 1 1001 1002
  balances_are_right
}

# ---- many payments

acknowledged() {
  wc -l <"$dir/acknowledged"
}

start_payer() {
  : >"$dir/acknowledged"
  "$payer_program" pay --address="$LEDGERCTL_ADDRESS" --rate="$rate" \
    --acknowledged="$dir/acknowledged" >"$dir/payer.out" 2>&1 &
  payer=$!
}

# has_paid COUNT: so many are acknowledged.
has_paid() {
  kill -0 "$payer" 2>/dev/null || die "the payer ended: $(cat "$dir/payer.out")"
  [ "$(acknowledged)" -ge "$1" ]
}

# pay COUNT: so many more.
pay() {
  wait_for "$1 more payments" has_paid $(($(acknowledged) + $1))
}

# Remembers what was acknowledged by now, in whole lines.
remember() {
  head -n "$(acknowledged)" "$dir/acknowledged" >"$dir/before"
}

# The longest time without an acknowledgement since a moment.
gap_since() {
  awk -v since="$1" '
    $2 >= since && last && $2 - last > gap { gap = $2 - last }
    { last = $2 }
    END { print gap + 0 }' "$dir/acknowledged"
}

# check FILE [--complete]: whether all that it names is there, once.
check() {
  local file=$1
  shift
  found=$("$payer_program" check --address="$LEDGERCTL_ADDRESS" \
    --acknowledged="$file" "$@") ||
    die "the ledger does not have what was acknowledged: $found"
}

# value KEY TEXT: of "key=value key=value".
value() {
  tr ' ' '\n' <<<"$2" | sed -n "s/^$1=//p"
}

# What replica I has cut off its journal; a few of the entries are enough.
show_rolled_back() {
  printf '\n$ ledgerctl rolled-back --admin-address %s\n' "$(admin_address "$1")"
  "$ledgerctl" rolled-back --admin-address "$(admin_address "$1")" \
    >"$dir/rolled_back" 2>"$dir/rolled_back.words"
  rolled_back=$(tail -n +2 "$dir/rolled_back" | wc -l)
  head -n 4 "$dir/rolled_back"
  if [ "$rolled_back" -gt 3 ]; then echo "..."; fi
  cat "$dir/rolled_back.words"
}

# rejoin I: starts it again, and shows what it rolls back.
rejoin() {
  local from committed
  from=$(now_ms)
  start_replicas "$1"
  echo "replica $1 is started again: it follows replica $primary after" \
    "$(($(now_ms) - from)) ms"
  committed=$(field committed "$(status_of "$primary")")
  wait_for "replica $1 catches up" has_applied "$1" "$committed"
  echo "and has applied all that was committed after $(($(now_ms) - from)) ms"
  show_rolled_back "$1"
}

# 5: it serves no writes, as one that is the primary no more.
show_status() {
  local code=0
  ctl status --admin-address "$(admin_address "$primary")" || code=$?
  [ "$code" = 0 ] || [ "$code" = 5 ] || die "status ended with $code"
}

show_successor() {
  echo "replica $primary is the primary now, of epoch $epoch"
  show_status
  printf '\nthe longest that clients waited for an acknowledgement: %s ms\n' "$1"
  check "$dir/before"
  echo "acknowledged before the kill: $found"
}

# ---- the primary ends

kill_the_primary() {
  local old killed_at
  pay "$rate"
  wait_for "a primary" find_primary
  old=$primary
  echo "kill -9 of replica $old, the primary of epoch $epoch: process ${pid[old]}"
  killed_at=$(now_ms)
  kill_replicas "$old"
  remember
  wait_for "another primary" find_primary
  pay $((rate / 2))
  gap_of_one=$(gap_since "$killed_at")
  show_successor "$gap_of_one"
  rejoin "$old"
}

# ---- all three end, the primary last

# Whether replica I's journal goes on after what it knows to be committed, by
# entries that came after its standbys; or it has found out that it is alone.
has_a_tail() {
  local status
  status=$(status_of "$1")
  uncommitted=$(($(field journal_last "$status") - $(field committed "$status")))
  [ "$uncommitted" -gt 10 ] || [ "$(field role "$status")" = standby ]
}

# What a primary has alone must be rolled back. That is rare, since the standbys
# have an entry as soon as it has. So they go first, and it last.
kill_all() {
  local last others=() i killed_at
  pay "$rate"
  wait_for "a primary" find_primary
  last=$primary
  for i in 1 2 3; do
    if [ "$i" != "$last" ]; then others+=("$i"); fi
  done
  echo "kill -9 of both standbys, replicas ${others[*]}: processes" \
    "${pid[others[0]]} ${pid[others[1]]}"
  killed_at=$(now_ms)
  kill_replicas "${others[@]}"
  wait_for "entries that the primary has alone" has_a_tail "$last"
  echo "replica $last is left: its journal has $uncommitted entries that are not" \
    "committed, and nobody was told that they are"
  echo "kill -9 of replica $last, too: process ${pid[last]}"
  kill_replicas "$last"
  remember
  start_replicas "${others[@]}"
  wait_for "a primary" find_primary
  echo "replicas ${others[*]} are started again: two of three are a majority"
  pay $((rate / 2))
  gap_of_all=$(gap_since "$killed_at")
  show_successor "$gap_of_all"
  rejoin "$last"
  [ "$rolled_back" -gt 0 ] || die "replica $last has rolled nothing back"
}

# ---- the end

end_payer() {
  kill -TERM "$payer"
  wait "$payer" || die "the payer failed: $(cat "$dir/payer.out")"
  payer=""
  echo "its client asked again, with the same ids, until all had an answer:" \
    "$(cat "$dir/payer.out")"
  check "$dir/acknowledged" --complete
  all=$found
  echo "acknowledged in all: $all"
}

compare_states() {
  # All at once: one that misses another writes that down.
  kill -STOP "${pid[@]:1}"
  kill_replicas 1 2 3
  "$state_hash" "$dir"/replica1 "$dir"/replica2 "$dir"/replica3 \
    >"$dir/states" || die "the states differ: $(cat "$dir/states")"
  sed "s|^$dir/||" "$dir/states"
}

figures() {
  cat <<TEXT
acknowledged in all               $(value acknowledged "$all")
of these found                    $(value found "$all")
lost                              $(value missing "$all")
money moved twice                 $(($(value debited "$all") - $(value money "$all")))
primary killed, clients waited    $gap_of_one ms
all three killed, clients waited  $gap_of_all ms
entries rolled back               $rolled_back
states                            equal
TEXT
}

heading "set up, build"
deploy/setup.sh build
build

heading "three replicas, in empty directories"
dir=$(mktemp -d -t ledgerd-quickstart.XXXXXX)
make_group
start_replicas 1 2 3
wait_for "a primary" find_primary
show_status

heading "accounts: a bank, a customer who may not overdraw, a shop"
make_payments

heading "$rate payments a second, and kill -9 of the primary"
start_payer
kill_the_primary

heading "kill -9 of all three, the primary last"
kill_all

heading "the payer ends"
end_payer

heading "all three are equal, and the books balance"
wait_for "three equal replicas" are_equal
wait_for "a primary" find_primary
show_replicas
ctl account show 1 1001 1002
balances_are_right
ctl verify --books --admin-address "$(admin_address "$primary")"

heading "all three are killed at once, and the states as they are on the disks"
compare_states

heading "figures"
figures
