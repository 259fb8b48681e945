#!/usr/bin/python3
"""Measures what a group of replicas on this machine can do, as a page of Markdown.

    tests/bench/run_group.py [--quick] [--only=WORDS] [--ledgerd=...] [--ledgerbench=...]

Each line is one call of ledgerbench on a new group. All replicas and the clients share
the machine, so rates say less than CPU does. ledgerbench checks the books on the
primary, that all replicas hold the same in the end, and that the primary of the
beginning led all the time.
"""
import datetime
import os
import shlex

import run

THREE = ["--replicas=3"]
STORED = run.stored(1)
ONE_AT_A_TIME = ["--clients=1", "--in-flight=1"]


def loads(bench):
    """Name, flags, target (stretch), and what TigerBeetle 0.17.8 does."""
    long = f"--seconds={bench.seconds(30)}"
    short = f"--seconds={bench.seconds(15)}"
    batches = [*run.BATCHES, *STORED, long, "--settle"]
    return [
        ("batches of 8,189", [*THREE, *batches],
         "150k/s, <= 10 us (220k/s, 7 us)", "136k - 149k/s; 12 us; p99 125 ms"),
        ("the same, ids in random order", [*THREE, *batches, *run.RANDOM],
         "<= 1.3 x the cost of ordered ids (1.1 x)", "62k/s; 26 us"),
        ("2 replicas, batches of 8,189", ["--replicas=2", *batches], "",
         "161k/s; 8.2 us"),
        ("1 replica, batches of 8,189", batches, "300k/s, <= 3.8 us (400k/s, 3 us)",
         "262k - 293k/s; 4.1 us"),
        ("batches of 100, one at a time",
         [*THREE, *run.BATCHES, "--batch=100", *ONE_AT_A_TIME, short],
         "30k/s, p99 <= 10 ms (50k/s)", "29k/s; 43 us; p99 58 ms"),
        ("batches of 100, 8 in flight",
         [*THREE, *run.BATCHES, "--batch=100", "--clients=1", "--in-flight=8", short],
         "60k/s (120k/s)", ""),
        ("64 clients, one transfer a call",
         [*THREE, "--mode=unary", "--clients=64", "--in-flight=1", short],
         "2.5 x PostgreSQL (3 x)", "0.24k/s"),
        ("LedgerClient, 2,000 single transfers outstanding",
         [*THREE, "--mode=coalesced", "--clients=1", "--in-flight=2000", short],
         "10 x PostgreSQL's 64 clients (100k/s)", "45k/s"),
        ("one stream, one transfer a message, window 1,000",
         [*THREE, "--mode=stream", "--clients=1", "--in-flight=1000", short],
         "20k/s (30k/s)", ""),
        ("one client, one transfer at a time", [*THREE, "--mode=one", short],
         "p50 <= PostgreSQL's (0.4 ms)", "1.1k/s; p50 0.9 ms"),
        ("ten minutes of full load", [*THREE, *run.BATCHES, f"--seconds={bench.seconds(600)}"],
         "no promotion", ""),
    ]


def row(name, figures, target, other):
    def settled(figure):
        """With checkpoints, merges and what a standby was behind, if it was waited for."""
        return figures.get(f"settled_{figure}", figures.get(figure))

    rate, p50, p99, p999, _, _, memory = (figures[column] for column in run.COLUMNS)
    client = figures["client_cpu_us_a_transfer"]
    daemons = settled("daemon_cpu_us_a_transfer")
    primary = settled("primary_cpu_us_a_transfer") or daemons
    standbys = " + ".join(f"{settled(f'standby{n}_cpu_us_a_transfer'):.2f}"
                          for n in range(1, figures["replicas"]))
    return (f"| {name} | {rate:,.0f} | {p50 / 1000:.2f} | {p99 / 1000:.2f} |"
            f" {p999 / 1000:.2f} | {client + daemons:.2f} | {primary:.2f} | {standbys} |"
            f" {client:.2f} | {settled('written_bytes_a_transfer'):.0f} | {memory:.0f} |"
            f" {figures.get('silence_ms_max', 0):.0f} | {target} | {other} |")


def cost(figures):
    """All CPU of the transfers, with checkpoints and merges that came after them."""
    return figures["client_cpu_us_a_transfer"] + figures["settled_daemon_cpu_us_a_transfer"]


def page(bench):
    yield "# Results: a group of replicas\n"
    yield f"- Date: {datetime.date.today()}; commit {run.commit()}; `--config=release`"
    yield (f"- Machine: {run.machine()}; all replicas and the clients share it; load before:"
           f" {os.getloadavg()[0]:.1f}")
    yield ("- Made by `tests/bench/run.sh --group`; how to read it: README.md. Three replicas"
           " where a line does not say another number; targets and TigerBeetle's figures:"
           " performance.md of the design, the same machine at another time\n")
    yield ("| work | transfers/s | p50 ms | p99 ms | p99.9 ms | CPU us a transfer | the primary's"
           " | the standbys' | the client's | bytes written a transfer and replica | memory MiB |"
           " longest silence ms | target (stretch) | TigerBeetle |")
    yield "| --- |" + " --- |" * 13
    results = {}
    for name, flags, target, other in loads(bench):
        if bench.options.only in name:
            results[name] = bench.measure(name, flags)
            yield row(name, results[name], target, other)
    ordered, shuffled, single = (results.get(name) for name in (
        "batches of 8,189", "the same, ids in random order", "1 replica, batches of 8,189"))
    yield ""
    if ordered and shuffled:
        yield (f"- CPU of random ids / of ordered ones, all work done:"
               f" {cost(shuffled) / cost(ordered):.2f}")
    if ordered and single:
        yield (f"- CPU of three replicas / of one, all work done:"
               f" {cost(ordered) / cost(single):.2f}")
    yield "\nThe calls, each `ledgerbench --daemon=ledgerd` and:\n"
    for name, flags in bench.calls.items():
        yield f"- {name}: `{shlex.join(flags)}`"


def main():
    for line in page(run.Bench(run.parse_options())):
        print(line, flush=True)


if __name__ == "__main__":
    main()
