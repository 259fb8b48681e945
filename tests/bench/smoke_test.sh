#!/usr/bin/env bash
# ledgerbench runs in each of its modes, and finds the ledger correct. Tiny counts;
# nothing is said about speed.
#
#   smoke_test.sh LEDGERBENCH LEDGERD MODE [FLAG...]
set -euo pipefail

bench=$1 daemon=$2 mode=$3
shift 3
json=$TEST_TMPDIR/figures.json
# One replica is started again, those of a group are compared.
end=--restart
case " $* " in *" --replicas="*) end= ;; esac
"$bench" --daemon="$daemon" --mode="$mode" --accounts=100 --prefill=20000 \
  --warm-up=10 --settle ${end:+"$end"} --json="$json" "$@"

python3 - "$json" <<'PYTHON'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    figures = json.load(file)
assert figures["verified"] is True, figures
assert figures["transfers"] > 0 and figures["failed"] == 0, figures
names = ["rate_per_second", "latency_us_p50", "latency_us_p999",
         "cpu_us_a_transfer", "resident_mib"]
if figures["replicas"] == 1:
    assert figures["verified_after_restart"] is True, figures
    names += ["restart_ms"]
else:
    assert figures["states_equal"] is True, figures
    # CPU is counted in 10 ms: a small run may have taken none.
    roles = ["primary"] + [f"standby{n}" for n in range(1, figures["replicas"])]
    assert all(f"{role}_cpu_us_a_transfer" in figures for role in roles), figures
    names += [f"{role}_resident_mib_max" for role in roles]
for name in names:
    assert figures[name] > 0, name
PYTHON
