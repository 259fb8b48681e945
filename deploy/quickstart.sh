#!/usr/bin/env bash
# A ledger in one command: sets the machine up, builds, starts ledgerd on a
# temporary data directory, makes payments of every kind, kills the daemon with -9
# in the middle of many more, starts it again, and shows that every acknowledged
# payment is there, once, and that the books balance.
#
#   deploy/quickstart.sh
#   LEDGERD_PAYMENTS=500000 deploy/quickstart.sh       more of them (default 50000)
#
# It builds without optimization, which is quick; what it prints is no measure of
# speed. It leaves nothing behind, and ends only processes that it started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

payments=${LEDGERD_PAYMENTS:-50000}
ready_timeout_s=60
dir=""
daemon=""
payer=""

die() {
  echo "quickstart: $*" >&2
  if [ -n "$dir" ] && [ -f "$dir/ledgerd.log" ]; then
    echo "quickstart: the end of the daemon's log:" >&2
    tail -n 20 "$dir/ledgerd.log" >&2
  fi
  exit 1
}

heading() {
  printf '\n== %s\n' "$*"
}

# Ends one process of ours, if it still runs, and waits for it.
end() {
  local signal=$1 pid=$2
  kill "-$signal" "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

clean_up() {
  if [ -n "$payer" ]; then end TERM "$payer"; fi
  if [ -n "$daemon" ]; then end TERM "$daemon"; fi
  if [ -n "$dir" ]; then rm -rf "$dir"; fi
}
trap clean_up EXIT

now_ms() {
  echo $(($(date +%s%N) / 1000000))
}

build() {
  bazel build --noshow_progress --ui_event_filters=-info \
    //server:ledgerd //client/ledgerctl //tests/load:payer
  ledgerd=$PWD/bazel-bin/server/ledgerd
  ledgerctl=$PWD/bazel-bin/client/ledgerctl/ledgerctl
  payer_program=$PWD/bazel-bin/tests/load/payer
}

# A line of the ready file: address client_address.
address() {
  sed -n "s/^$1: *\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" "$dir/ready"
}

# start CLIENT_ADDRESS ADMIN_ADDRESS: returns when the daemon serves.
start() {
  local from
  from=$(now_ms)
  rm -f "$dir/ready"
  "$ledgerd" start --data-dir="$dir/data" --client-address="$1" \
    --admin-address="$2" --ready-file="$dir/ready" 2>>"$dir/ledgerd.log" &
  daemon=$!
  until [ -s "$dir/ready" ]; do
    kill -0 "$daemon" 2>/dev/null || die "ledgerd ended before it was ready"
    if [ $(($(now_ms) - from)) -gt $((ready_timeout_s * 1000)) ]; then
      die "ledgerd was not ready within $ready_timeout_s s"
    fi
    sleep 0.01
  done
  start_ms=$(($(now_ms) - from))
  LEDGERCTL_ADDRESS=$(address client_address)
  LEDGERCTL_ADMIN_ADDRESS=$(address admin_address)
  export LEDGERCTL_ADDRESS LEDGERCTL_ADMIN_ADDRESS
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

acknowledged() {
  wc -l <"$dir/acknowledged"
}

kill_in_the_middle() {
  local third=$((payments / 3))
  : >"$dir/acknowledged"
  "$payer_program" pay --address="$LEDGERCTL_ADDRESS" --payments="$payments" \
    --acknowledged="$dir/acknowledged" >"$dir/payer.out" &
  payer=$!
  until [ "$(acknowledged)" -ge "$third" ]; do
    kill -0 "$payer" 2>/dev/null || die "the payer ended: $(cat "$dir/payer.out")"
    sleep 0.01
  done
  echo "kill -9 of ledgerd, process $daemon"
  end KILL "$daemon"
  cp "$dir/acknowledged" "$dir/before"
  before=$(wc -l <"$dir/before")
  [ "$before" -lt "$payments" ] || die "all was paid before the kill;" \
    "try with a larger LEDGERD_PAYMENTS"
  echo "$before of $payments payments were acknowledged by then"
  start "$LEDGERCTL_ADDRESS" "$LEDGERCTL_ADMIN_ADDRESS"
  restart_ms=$start_ms
  echo "started again: it serves after $restart_ms ms"
}

# value KEY TEXT: of "key=value key=value".
value() {
  tr ' ' '\n' <<<"$2" | sed -n "s/^$1=//p"
}

look_for_what_was_acknowledged() {
  local found
  found=$("$payer_program" check --address="$LEDGERCTL_ADDRESS" \
    --acknowledged="$dir/before") ||
    die "acknowledged payments are not there: $found"
  echo "acknowledged before the kill: $found"
  found_before=$(value found "$found")
  wait "$payer" || die "the payer failed: $(cat "$dir/payer.out")"
  payer=""
  echo "the payer went on with the same ids: $(cat "$dir/payer.out")"
  all=$("$payer_program" check --address="$LEDGERCTL_ADDRESS" \
    --acknowledged="$dir/acknowledged" --complete) ||
    die "the ledger does not have exactly what was acknowledged: $all"
  echo "acknowledged in all: $all"
}

figures() {
  cat <<TEXT
acknowledged before kill -9   $before
of these found after it       $found_before
acknowledged in all           $(value acknowledged "$all")
of these found                $(value found "$all")
lost                          $(value missing "$all")
money moved twice             $(($(value debited "$all") - $(value money "$all")))
restart                       $restart_ms ms
TEXT
}

heading "set up, build"
deploy/setup.sh build
build

heading "a ledger in an empty directory"
dir=$(mktemp -d -t ledgerd-quickstart.XXXXXX)
"$ledgerd" format --data-dir="$dir/data"
start 127.0.0.1:0 127.0.0.1:0
echo "ledgerd serves at $LEDGERCTL_ADDRESS"

heading "accounts: a bank, a customer who may not overdraw, a shop"
make_payments

heading "$payments payments, and kill -9 in the middle"
kill_in_the_middle
look_for_what_was_acknowledged
ctl account show 1 1001 1002
balances_are_right
ctl verify --books

heading "a clean stop"
kill -TERM "$daemon"
wait "$daemon" || die "ledgerd ended with $?"
daemon=""
echo "ledgerd has stopped"

heading "figures"
figures
