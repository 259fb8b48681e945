#!/usr/bin/python3
"""Measures what one replica can do, and prints it as a page of Markdown.

    tests/bench/run.py [--quick] [--only=WORDS] [--ledgerd=...] [--ledgerbench=...]

Each line is one call of ledgerbench on a new ledgerd, printed with the page, so that
every figure can be measured again by itself. ledgerbench checks the books of each.
"""
import argparse
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile

BATCHES = ["--mode=batches"]
RANDOM = ["--random-ids"]
UNARY = ["--mode=unary", "--clients=64", "--in-flight=1"]
COALESCED = ["--mode=coalesced", "--clients=1", "--in-flight=2000"]
STREAM = ["--mode=stream", "--clients=1", "--in-flight=1000"]
MILLION = 1_000_000
# More than this much work is in flight at a time when ledgerd is overloaded.
OVERLOADED_LANES = ["--clients=2", "--in-flight=64"]
PINNED = ["--daemon-processor=0", "--client-processor=1"]
# Nothing is checkpointed, so that a restart replays all of it.
NO_CHECKPOINT = ["--daemon-flag=--state-delta-bytes=8GiB",
                 "--daemon-flag=--state-replay-events=1000000000"]


class Bench:
    """Calls ledgerbench, and remembers how."""

    def __init__(self, options):
        self.options = options
        self.calls = {}
        # Names of those that did not end well.
        self.failed = []

    def seconds(self, full):
        return max(2, full // 5) if self.options.quick else full

    def measure(self, name, flags):
        print(f"{name} ...", file=sys.stderr, flush=True)
        self.calls[name] = flags
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "figures.json")
            done = subprocess.run(
                [self.options.ledgerbench, f"--daemon={self.options.ledgerd}", *flags,
                 f"--json={path}"], check=False, text=True, capture_output=True)
            if done.returncode != 0:
                raise RuntimeError(f"{name}: {done.stdout}{done.stderr}")
            with open(path, encoding="utf-8") as file:
                return json.load(file)


    def try_measure(self, name, flags):
        """None where that fails: the other lines are worth having, and it is told."""
        try:
            return self.measure(name, flags)
        except RuntimeError as error:
            print(error, file=sys.stderr, flush=True)
            self.failed.append(name)
            return None


def stored(millions, accounts=10_000):
    return [f"--prefill={millions * MILLION}", f"--accounts={accounts}"]


def loads(bench):
    """Name, flags, and what performance.md asks for."""
    long = f"--seconds={bench.seconds(30)}"
    short = f"--seconds={bench.seconds(15)}"
    return [
        ("batches of 8,189, 1M stored", [*BATCHES, *stored(1), long, "--settle"],
         "300k/s; CPU <= 3.8 us; <= 700 B"),
        ("the same, ids in random order", [*BATCHES, *RANDOM, *stored(1), long, "--settle"],
         "cost <= 1.3 x ordered"),
        ("the same, user data set", [*BATCHES, "--full", *stored(1), short], ""),
        ("the same, 30 % in two phases", [*BATCHES, "--two-phase=30", *stored(1), short], ""),
        ("the same, Zipf", [*BATCHES, "--distribution=zipf", *stored(1), short], ""),
        ("the same, half of the credits to one account",
         [*BATCHES, "--distribution=hot", *stored(1), short], ""),
        ("batches of 8,189, 10M stored", [*BATCHES, *stored(10), long, "--settle", "--restart"],
         "restart <= 5 s; <= 700 B"),
        ("10M stored, 1M accounts, random order",
         [*BATCHES, *RANDOM, *stored(10, MILLION), long, "--settle", "--restart"],
         "memory <= 512 MB; <= 700 B"),
        ("batches of 100, one at a time",
         [*BATCHES, "--batch=100", "--clients=1", "--in-flight=1", short],
         "30k/s; p99 <= 10 ms"),
        ("batches of 100, 8 in flight",
         [*BATCHES, "--batch=100", "--clients=1", "--in-flight=8", short], "60k/s"),
        ("64 clients, one transfer a call", [*UNARY, short], "2.5 x PostgreSQL"),
        ("64 clients, 1M stored", [*UNARY, *stored(1), short], ""),
        ("64 clients, 10M stored, 1M accounts", [*UNARY, *stored(10, MILLION), short], ""),
        ("64 callers on one connection",
         ["--mode=unary", "--clients=1", "--in-flight=64", short], ""),
        ("64 clients, an empty call (GetServerInfo)",
         ["--mode=ping", "--clients=64", "--in-flight=1", short], "what gRPC leaves"),
        ("LedgerClient, 2,000 single transfers outstanding",
         [*COALESCED, short], "10 x PostgreSQL's 64 clients"),
        ("LedgerClient, 1M stored", [*COALESCED, *stored(1), short], ""),
        ("LedgerClient, 10M stored, 1M accounts", [*COALESCED, *stored(10, MILLION), short], ""),
        ("one stream, one transfer a message, window 1,000", [*STREAM, short], "20k/s"),
        ("one stream, 1M stored", [*STREAM, *stored(1), short], ""),
        ("one client, one transfer at a time", ["--mode=one", short],
         "p50 <= PostgreSQL's"),
        ("one client, 1M stored", ["--mode=one", *stored(1), short], ""),
        ("one client, an empty call (GetServerInfo)",
         ["--mode=ping", "--clients=1", "--in-flight=1", short], "what gRPC leaves"),
    ]


COLUMNS = ("rate_per_second", "latency_us_p50", "latency_us_p99", "latency_us_p999",
           "cpu_us_a_transfer", "daemon_cpu_us_a_transfer", "resident_mib_max")


def load_row(name, figures, target):
    rate, p50, p99, p999, cpu, daemon, memory = (figures[column] for column in COLUMNS)
    written = figures.get("settled_written_bytes_a_transfer",
                          figures["written_bytes_a_transfer"])
    return (f"| {name} | {rate:,.0f} | {p50 / 1000:.2f} | {p99 / 1000:.2f} |"
            f" {p999 / 1000:.2f} | {cpu:.2f} | {daemon:.2f} | {written:.0f} |"
            f" {memory:.0f} | {target} |")


def load_table(bench, results):
    yield ("| work | transfers/s | p50 ms | p99 ms | p99.9 ms | CPU us a transfer | the"
           " daemon's | bytes written a transfer | memory MiB | target |")
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, flags, target in loads(bench):
        if bench.options.only in name:
            results[name] = bench.measure(name, flags)
            yield load_row(name, results[name], target)


def all_work(figures):
    """CPU a transfer, with what the daemon still does after the last one."""
    return figures["client_cpu_us_a_transfer"] + figures["settled_daemon_cpu_us_a_transfer"]


def tail(figures):
    return figures["latency_us_p999"] / figures["latency_us_p50"]


def compared_rows(bench, results):
    """Ratios of single runs move with the machine: the median of three, in turn."""
    names = ("batches of 8,189, 1M stored", "the same, ids in random order",
             "batches of 8,189, 10M stored")
    calls = {name: flags for name, flags, _ in loads(bench)}
    runs = [tuple(results.get(name) or bench.measure(name, calls[name]) for name in names)]
    runs += [tuple(bench.measure(name, calls[name]) for name in names) for _ in (2, 3)]
    for words, ratios, target in (
        ("CPU of random ids / of ordered ones, all work done",
         [all_work(shuffled) / all_work(ordered) for ordered, shuffled, _ in runs], "<= 1.3"),
        ("p99.9 / p50 of batches, with checkpoints and merges, 1M stored",
         [tail(ordered) for ordered, _, _ in runs], "<= 4"),
        ("the same, 10M stored", [tail(large) for _, _, large in runs], "<= 4")):
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"| {words}: the median of {each} | {statistics.median(ratios):.2f} | {target} |"


def restart_rows(results):
    for name, figures in results.items():
        if "restart_ms" in figures:
            yield (f"| restart after kill -9, {name}; {figures['replayed_transfers_about']:,.0f}"
                   f" replayed | {figures['restart_ms']:,.0f} ms | <= 5 s |")


def replay_rows(bench, results):
    count = MILLION if bench.options.quick else 4 * MILLION
    figures = bench.measure("replay", [*BATCHES, *NO_CHECKPOINT, f"--count={count}",
                                       "--restart"])
    replay = figures["replay_rate_per_second"]
    ratios = f"{replay / figures['rate_per_second']:.2f} x the same work live"
    live = results.get("batches of 8,189, 1M stored")
    if live:
        ratios += f", {replay / live['rate_per_second']:.2f} x live with checkpoints"
    yield (f"| replay of {figures['replayed_transfers_about']:,.0f} at a start |"
           f" {replay:,.0f}/s, {ratios} | >= 2 x live |")


def growth_rows(bench, _results):
    flags = [*BATCHES, f"--seconds={bench.seconds(30)}"]
    small = bench.measure("1M stored", [*flags, *stored(1)])["rate_per_second"]
    large = bench.measure("50M stored", [*flags, *stored(50)])["rate_per_second"]
    yield f"| rate with 50M stored / with 1M | {large / small:.2f} | >= 0.8 |"


def third(samples, number):
    size = max(1, len(samples) // 3)
    return samples[number * size:(number + 1) * size]


def memory_in_thirds(figures):
    samples = figures["samples"]
    return " / ".join(f"{max(s['resident_bytes'] for s in third(samples, n)) / 2**20:.0f}"
                      for n in (0, 1, 2)) + " MiB"


def overload_rows(bench, _results):
    """One processor for ledgerd, one for its clients, so that these take none of its.

    Measured before and after, too, since the machine is not always as fast.
    """
    flags = [*BATCHES, *PINNED, *stored(10), f"--seconds={bench.seconds(60)}"]
    before = bench.measure("capacity", flags)
    figures = bench.measure("overload", [*flags, *OVERLOADED_LANES,
                                         f"--rate={2 * before['rate_per_second']:.0f}"])
    after = bench.measure("capacity", flags)
    rates = [run["rate_per_second"] for run in (before, after)]
    capacity = sum(rates) / 2
    yield (f"| served at twice the load / at what it can serve ({rates[0]:,.0f}/s before,"
           f" {rates[1]:,.0f}/s after) |"
           f" {figures['rate_per_second'] / capacity:.2f} | does not fall |")
    yield (f"| refused with RESOURCE_EXHAUSTED | {figures['refused']:,.0f} of"
           f" {figures['refused'] + figures['transfers']:,.0f} | |")
    yield (f"| a refusal takes, p50 / p99 | {figures.get('refusal_us_p50', 0) / 1000:.1f} /"
           f" {figures.get('refusal_us_p99', 0) / 1000:.1f} ms | at once |")
    for words, run in (("at twice the load", figures), ("before", before), ("after", after)):
        yield (f"| memory in the first, second, last third, at most, {words} |"
               f" {memory_in_thirds(run)} | flat |")


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}"


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], check=False, text=True,
                          capture_output=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    return done.stdout.strip() or "unknown"


def page(bench):
    yield "# Results: one replica\n"
    yield f"- Date: {datetime.date.today()}; commit {commit()}; `--config=release`"
    yield f"- Machine: {machine()}; daemon and clients share it; load before: {os.getloadavg()[0]:.1f}"
    yield "- Made by `tests/bench/run.sh`; how to read it: README.md\n"
    results = {}
    yield from load_table(bench, results)
    yield "\n| figure | measured | target |\n| --- | --- | --- |"
    yield from restart_rows(results)
    for words, rows in (("compared", compared_rows), ("replay", replay_rows),
                        ("overload", overload_rows), ("50M", growth_rows)):
        if bench.options.only in words and not (words == "50M" and bench.options.quick):
            yield from rows(bench, results)
    yield "\nThe calls, each `ledgerbench --daemon=ledgerd` and:\n"
    for name, flags in bench.calls.items():
        yield f"- {name}: `{shlex.join(flags)}`"


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ledgerd", default="bazel-bin/server/ledgerd")
    parser.add_argument("--ledgerbench", default="bazel-bin/tests/bench/ledgerbench")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time")
    parser.add_argument("--only", default="", help="lines with these words in their names")
    return parser.parse_args()


def main():
    for line in page(Bench(parse_options())):
        print(line, flush=True)


if __name__ == "__main__":
    main()
