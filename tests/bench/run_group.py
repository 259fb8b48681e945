#!/usr/bin/python3
"""Measures what a group of replicas on this machine can do, as a page of Markdown.

    tests/bench/run_group.py [--quick] [--only=WORDS] [--ledgerd=...] [--ledgerbench=...]

Each line is one call of ledgerbench on a new group. All replicas and the clients share
the machine, so rates say less than CPU does. ledgerbench checks the books on the
primary, that all replicas hold the same in the end, and that the primary of the
beginning led all the time; a line of which that is not so is told as failed.
"""
import datetime
import os
import shlex
import shutil
import sys
import tempfile

import run

THREE = ["--replicas=3"]
STORED = run.stored(1)
ONE_AT_A_TIME = ["--clients=1", "--in-flight=1"]


# Of performance.md, the same machine at another time: TigerBeetle 0.17.8, PostgreSQL 15
# with a synchronous standby, etcd 3.4 with three members.
OTHERS = {
    "batches of 8,189": ("136k - 149k/s; 12 us; p50 44 ms, p99 125 ms",
                         "one call for 8,000: 61k - 80k/s; 13.5 - 16 us", ""),
    "the same, ids in random order": ("62k/s; 26 us", "", ""),
    "2 replicas, batches of 8,189": ("161k/s; 8.2 us", "", ""),
    "1 replica, batches of 8,189": ("262k - 293k/s; 4.1 us", "", ""),
    "batches of 100, one at a time": ("29k/s; 43 us; p99 58 ms", "28k/s; 36 us", ""),
    "64 clients, one transfer a call": ("0.24k/s",
                                        "4.4k - 5.6k/s; 334 us; p50 3 - 11 ms",
                                        "2k - 3.7k puts/s; 256 clients: 5.8k"),
    "LedgerClient, 2,000 single transfers outstanding": ("45k/s", "", ""),
    "one client, one transfer at a time": ("1.1k/s; p50 0.9 ms", "1.14k/s; p50 0.8 ms",
                                           "0.7k puts/s; p50 1.35 ms"),
}
OTHERS_MEMORY = ("3.1 GB", "0.2 GB", "0.15 GB")
OTHERS_WRITTEN = ("1.2 KB, growing to 1.9 KB at 5M", "0.5 KB of WAL and more", "")
OTHERS_GAP = ("310 ms idle, 320 - 330 ms (once 616) under load",
              "120 ms when something promotes at once; 30 s by Patroni's defaults", "1,015 ms")
FULL_LOAD = "full load"
# Of what is free where replicas keep their data.
DISK_SHARE = 0.6


def loads(bench):
    """Name, flags, target (stretch)."""
    long = f"--seconds={bench.seconds(30)}"
    short = f"--seconds={bench.seconds(15)}"
    batches = [*run.BATCHES, *STORED, long, "--settle"]
    return [
        ("batches of 8,189", [*THREE, *batches], "150k/s, <= 10 us (220k/s, 7 us)"),
        ("the same, ids in random order", [*THREE, *batches, *run.RANDOM],
         "<= 1.3 x the cost of ordered ids (1.1 x)"),
        ("2 replicas, batches of 8,189", ["--replicas=2", *batches], ""),
        ("1 replica, batches of 8,189", batches, "300k/s, <= 3.8 us (400k/s, 3 us)"),
        ("batches of 100, one at a time",
         [*THREE, *run.BATCHES, "--batch=100", *ONE_AT_A_TIME, short],
         "30k/s, p99 <= 10 ms (50k/s)"),
        ("batches of 100, 8 in flight",
         [*THREE, *run.BATCHES, "--batch=100", "--clients=1", "--in-flight=8", short],
         "60k/s (120k/s)"),
        ("64 clients, one transfer a call",
         [*THREE, "--mode=unary", "--clients=64", "--in-flight=1", short],
         "2.5 x PostgreSQL (3 x)"),
        ("LedgerClient, 2,000 single transfers outstanding",
         [*THREE, "--mode=coalesced", "--clients=1", "--in-flight=2000", short],
         "10 x PostgreSQL's 64 clients (100k/s)"),
        ("one stream, one transfer a message, window 1,000",
         [*THREE, "--mode=stream", "--clients=1", "--in-flight=1000", short],
         "20k/s (30k/s)"),
        ("one client, one transfer at a time", [*THREE, "--mode=one", short],
         "p50 <= PostgreSQL's (0.4 ms)"),
    ]


def full_load(bench, results):
    """Ten minutes of it, or as many seconds as there is disk for what they store."""
    seconds = bench.seconds(600)
    batches = results.get("batches of 8,189")
    if batches:
        free = shutil.disk_usage(tempfile.gettempdir()).free
        a_second = (batches["rate_per_second"] * batches["stored_bytes_a_transfer"] *
                    batches["replicas"])
        seconds = min(seconds, int(DISK_SHARE * free / a_second))
    return (f"{FULL_LOAD} for {seconds} s",
            [*THREE, *run.BATCHES, f"--seconds={seconds}"], "no promotion")


def row(name, figures, target):
    if figures is None:
        return f"| {name} | failed |" + " |" * 10 + f" {target} |" + " |" * 3

    def settled(figure):
        """With checkpoints, merges and what a standby was behind, if it was waited for."""
        return figures.get(f"settled_{figure}", figures.get(figure))

    rate, p50, p99, p999, _, _, memory = (figures[column] for column in run.COLUMNS)
    client = figures["client_cpu_us_a_transfer"]
    daemons = settled("daemon_cpu_us_a_transfer")
    primary = settled("primary_cpu_us_a_transfer") or daemons
    standbys = " + ".join(f"{settled(f'standby{n}_cpu_us_a_transfer'):.2f}"
                          for n in range(1, figures["replicas"]))
    others = " | ".join(OTHERS.get(name, ("", "", "")))
    return (f"| {name} | {rate:,.0f} | {p50 / 1000:.2f} | {p99 / 1000:.2f} |"
            f" {p999 / 1000:.2f} | {client + daemons:.2f} | {primary:.2f} | {standbys} |"
            f" {client:.2f} | {settled('written_bytes_a_transfer'):.0f} | {memory:.0f} |"
            f" {figures.get('silence_ms_max', 0):.0f} | {target} | {others} |")


def beside(batches):
    """What of the design's table is of no line."""
    yield "\n| of three replicas | here | TigerBeetle | PostgreSQL | etcd |"
    yield "| --- | --- | --- | --- | --- |"
    if batches:
        memory = batches["resident_mib_max"]
        written = (batches["written_bytes_a_transfer"], batches["settled_written_bytes_a_transfer"])
        yield (f"| memory of a replica | {memory / 1024:.2f} GB |"
               f" {' | '.join(OTHERS_MEMORY)} |")
        yield (f"| written to disk a transfer and replica | {written[0]:.0f} B; with all that"
               f" comes after it {written[1]:.0f} B | {' | '.join(OTHERS_WRITTEN)} |")
    yield ("| gap after kill -9 of the primary | `tests/long.sh group`:"
           f" ../integration/RESULTS.md | {' | '.join(OTHERS_GAP)} |")


def cost(figures):
    """All CPU of the transfers, with checkpoints and merges that came after them."""
    return figures["client_cpu_us_a_transfer"] + figures["settled_daemon_cpu_us_a_transfer"]


def page(bench):
    yield "# Results: a group of replicas\n"
    yield f"- Date: {datetime.date.today()}; commit {run.commit()}; `--config=release`"
    yield (f"- Machine: {run.machine()}; all replicas and the clients share it; load before:"
           f" {os.getloadavg()[0]:.1f}")
    yield ("- Made by `tests/bench/run.sh --group`; how to read it: README.md. Three replicas"
           " where a line does not say another number; targets and the figures of others"
           " (TigerBeetle 0.17.8, PostgreSQL 15 with a synchronous standby, etcd 3.4 with three"
           " members): performance.md of the design, the same machine at another time\n")
    yield ("| work | transfers/s | p50 ms | p99 ms | p99.9 ms | CPU us a transfer | the primary's"
           " | the standbys' | the client's | bytes written a transfer and replica | memory MiB |"
           " longest silence ms | target (stretch) | TigerBeetle | PostgreSQL | etcd |")
    yield "| --- |" + " --- |" * 15
    results = {}
    for name, flags, target in loads(bench):
        if bench.options.only in name:
            results[name] = bench.try_measure(name, flags)
            yield row(name, results[name], target)
    if bench.options.only in FULL_LOAD:
        name, flags, target = full_load(bench, results)
        results[name] = bench.try_measure(name, flags)
        yield row(name, results[name], target)
    ordered, shuffled, single = (results.get(name) for name in (
        "batches of 8,189", "the same, ids in random order", "1 replica, batches of 8,189"))
    yield from beside(ordered)
    yield ""
    if bench.failed:
        yield f"- Failed: {'; '.join(bench.failed)}"
    else:
        yield "- No line had a promotion; of each the books and all states were right"
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
    bench = run.Bench(run.parse_options())
    for line in page(bench):
        print(line, flush=True)
    sys.exit(1 if bench.failed else 0)


if __name__ == "__main__":
    main()
