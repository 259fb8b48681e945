#!/usr/bin/python3
"""Compares ledgerd with PostgreSQL 15 on the same debit-credit work.

    bazel build --config=release //server:ledgerd //tests/bench:ledgerbench
    tests/bench/postgres/setup.sh
    tests/bench/compare.py --rounds=5 --seconds=10

The two take turns in one run on one machine, on the same disk; each figure is the
median of all rounds, each ratio the median of the ratios within a round. PostgreSQL
is a cluster of its own in a temporary directory, durable as it is by default: fsync
with fdatasync, synchronous_commit on, full_page_writes on. Its client is pgbench over
a Unix socket; ledgerd's is ledgerbench over TCP. Everything that was sent is checked.

With --replicas=3 ledgerd is a group of three, which acknowledges what is on two disks,
and PostgreSQL has a second server, a synchronous standby: two disks as well, and one
server fewer to pay for.
"""
import argparse
import json
import os
import pwd
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PG_BIN = "/usr/lib/postgresql/15/bin"
PG_USER = "postgres"
PG_BATCH = 8000
PG_BATCH_FILES = 8

# Durable as by default; more memory and fewer checkpoints than by default, which a
# user with this much load would set.
PG_CONFIG = """
listen_addresses = ''
fsync = on
wal_sync_method = fdatasync
synchronous_commit = on
full_page_writes = on
shared_buffers = 1GB
max_wal_size = 8GB
max_connections = 100
"""


def percentile(values, percent):
    """The least value that `percent` of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def cpu_seconds(pid):
    """User and kernel time of a process and of its children that have ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(child) for child in file.read().split()]


# Its socket is beside the primary's, and has another port in its name.
PG_STANDBY = "standby"
PG_STANDBY_PORT = 5433


class Postgres:
    """A PostgreSQL of our own; it and its files go when it is closed."""

    def __init__(self, accounts, standby=False):
        self.accounts = accounts
        self.directory = tempfile.mkdtemp(prefix="ledgerbench-pg.")
        # Data directories and processes, the primary's first.
        self.servers = []
        if os.getuid() == 0:
            user = pwd.getpwnam(PG_USER)
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        try:
            self._start()
            if standby:
                self._add_standby()
        except BaseException:
            self.close()
            raise

    def close(self):
        for data, server in self.servers:
            # Fast shutdown; the postmaster waits for its children.
            self.run("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
            server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def _command(program, arguments):
        """PostgreSQL does not run as root."""
        command = [os.path.join(PG_BIN, program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", f"--reuid={PG_USER}", f"--regid={PG_USER}",
                       "--init-groups", *command]
        return command

    def run(self, program, *arguments):
        done = subprocess.run(self._command(program, arguments), check=False,
                              cwd=self.directory, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def _start(self):
        data = os.path.join(self.directory, "data")
        self.run("initdb", "-D", data, "--auth=trust", "--no-locale",
                 "--encoding=UTF8", f"--username={PG_USER}")
        self._configure(data, PG_CONFIG + f"unix_socket_directories = '{self.directory}'")
        self._launch(data)
        with open(os.path.join(HERE, "postgres", "schema.sql"), encoding="utf-8") as file:
            self.sql(file.read())
        self.sql(f"INSERT INTO accounts (id) SELECT generate_series(1, {self.accounts})")
        self.sql("VACUUM ANALYZE")

    def _add_standby(self):
        """A commit is answered once it is on the disks of both."""
        data = os.path.join(self.directory, PG_STANDBY)
        self.run("pg_basebackup", "-D", data, "--checkpoint=fast", "--wal-method=stream",
                 "--write-recovery-conf",
                 f"--dbname=host={self.directory} user={PG_USER} application_name={PG_STANDBY}")
        self._configure(data, f"port = {PG_STANDBY_PORT}")
        self._launch(data, f"--port={PG_STANDBY_PORT}")
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{PG_STANDBY}'")
        self.sql("SELECT pg_reload_conf()")
        while self.sql("SELECT sync_state FROM pg_stat_replication") != "sync":
            self._check_alive()

    @staticmethod
    def _configure(data, text):
        with open(os.path.join(data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def _launch(self, data, *question):
        with open(data + ".log", "w", encoding="utf-8") as log:
            self.servers.append((data, subprocess.Popen(
                self._command("postgres", ["-D", data]), stdout=log, stderr=log,
                cwd=self.directory)))
        # Until it answers; pg_isready itself gives it time to.
        question = self._command("pg_isready", ["-q", "-h", self.directory, "-t", "1", *question])
        while subprocess.run(question, check=False).returncode != 0:
            self._check_alive()

    def _check_alive(self):
        for data, server in self.servers:
            if server.poll() is not None:
                with open(data + ".log", encoding="utf-8") as log:
                    raise RuntimeError(f"postgres has ended: {log.read()[-2000:]}")

    def sql(self, text, *flags):
        return self.run("psql", "-h", self.directory, "-d", PG_USER, "-q", "-t", "-A",
                        "-v", "ON_ERROR_STOP=1", *flags, "-c", text).strip()

    def cpu(self):
        """Of the servers with all their processes, also of those that have ended."""
        return sum(cpu_seconds(server.pid) + sum(
            cpu_seconds(pid) for pid in children(server.pid)) for _, server in self.servers)

    def write_script(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)
        return path

    def wal_bytes(self):
        return int(self.sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))

    def check(self):
        """That the books balance, hold exactly what the transfers say, and are the
        standby's as well."""
        question = ("SELECT (SELECT sum(debits_posted) FROM accounts),"
                    " (SELECT sum(credits_posted) FROM accounts),"
                    " (SELECT sum(amount) FROM transfers)")
        row = self.sql(question).split("|")
        if len(set(row)) != 1:
            raise RuntimeError(f"PostgreSQL's books do not balance: {row}")
        if len(self.servers) == 1:
            return
        while self.sql("SELECT replay_lsn = pg_current_wal_lsn() FROM pg_stat_replication") != "t":
            self._check_alive()
        if self.sql(question, f"--port={PG_STANDBY_PORT}").split("|") != row:
            raise RuntimeError("PostgreSQL's standby holds something else")

    def count(self):
        return int(self.sql("SELECT count(*) FROM transfers"))

    def measure(self, scripts, clients, seconds, *flags):
        """Runs pgbench; the figures in the names of ledgerbench's."""
        prefix = os.path.join(self.directory, "latencies")
        before, cpu, wal = self.count(), self.cpu(), self.wal_bytes()
        children_before = os.times()
        arguments = ["-h", self.directory, "-n", "-T", str(seconds), "-c", str(clients),
                     "-j", str(min(clients, 2)), "--log", f"--log-prefix={prefix}",
                     "-D", f"accounts={self.accounts}", *flags]
        for script in scripts:
            arguments += ["-f", script]
        output = self.run("pgbench", *arguments, PG_USER)
        children_after = os.times()
        cpu = self.cpu() - cpu
        client = (children_after.children_user - children_before.children_user +
                  children_after.children_system - children_before.children_system)
        transfers = self.count() - before
        latencies = self._latencies()
        took = len(latencies) / float(re.search(r"^tps = (\S+)", output, re.M)[1])
        return figures(transfers, took, latencies, cpu, client,
                       (self.wal_bytes() - wal) / max(1, transfers))

    def _latencies(self):
        latencies = []
        for name in os.listdir(self.directory):
            if not name.startswith("latencies."):
                continue
            path = os.path.join(self.directory, name)
            with open(path, encoding="utf-8") as file:
                latencies += [int(line.split()[2]) for line in file]
            os.remove(path)
        return latencies

    def batches(self, function, seconds):
        """The better of one session and two: two may wait for each other's accounts."""
        scripts = self._batch_scripts(function)
        rounds = [self.measure(scripts, sessions, seconds, "-M", "simple")
                  for sessions in (1, 2)]
        best = max(rounds, key=lambda one: one["rate_per_second"])
        if best["latency_us_p99"] > seconds * 1e6:
            raise RuntimeError(f"PostgreSQL hung, and there is nothing to compare: {best}")
        return best

    def _batch_scripts(self, function):
        """Batches with literal arrays: pgbench sends what a program would send."""
        scripts = []
        chance = random.Random(1)
        offsets = ",".join(str(i) for i in range(PG_BATCH))
        for number in range(PG_BATCH_FILES):
            columns = self._columns(chance)
            arrays = ", ".join("'{" + ",".join(map(str, column)) + "}'" for column in columns)
            scripts.append(self.write_script(
                f"batch{number}.sql",
                f"SELECT {function}(nextval('batches') * {PG_BATCH} + (1::bigint << 60),"
                f" '{{{offsets}}}', {arrays});\n"))
        return scripts

    def _columns(self, chance):
        debits = [chance.randint(1, self.accounts) for _ in range(PG_BATCH)]
        credits = [(debit + chance.randint(0, self.accounts - 2)) % self.accounts + 1
                   for debit in debits]
        return debits, credits, [chance.randint(1, 1000) for _ in range(PG_BATCH)]

    def single(self, clients, seconds):
        script = self.write_script(
            "single.sql",
            "\\set debit random(1, :accounts)\n"
            "\\set credit (:debit + random(0, :accounts - 2)) % :accounts + 1\n"
            "\\set amount random(1, 1000)\n"
            "SELECT create_transfer(nextval('transfer_ids'), :debit, :credit, :amount);\n")
        return self.measure([script], clients, seconds, "-M", "prepared")


def figures(transfers, seconds, latencies, cpu, client_cpu, written):
    per_transfer = 1e6 / max(1, transfers)
    return {
        "rate_per_second": transfers / seconds,
        "latency_us_p50": percentile(latencies, 50),
        "latency_us_p99": percentile(latencies, 99),
        "daemon_cpu_us_a_transfer": cpu * per_transfer,
        "cpu_us_a_transfer": (cpu + client_cpu) * per_transfer,
        "written_bytes_a_transfer": written,
    }


class Ledgerd:
    """A new ledgerd for each measurement, by ledgerbench, which checks the books."""

    def __init__(self, options):
        self.options = options

    def measure(self, seconds, *flags):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "figures.json")
            done = subprocess.run(
                [self.options.ledgerbench, f"--daemon={self.options.ledgerd}",
                 f"--replicas={self.options.replicas}",
                 f"--accounts={self.options.accounts}", f"--seconds={seconds}",
                 f"--json={path}", *flags], check=False, text=True, capture_output=True)
            if done.returncode != 0:
                raise RuntimeError(f"ledgerbench: {done.stdout}{done.stderr}")
            with open(path, encoding="utf-8") as file:
                return json.load(file)


def works(options, postgres, ledgerd):
    """Name of the work, PostgreSQL's way to do it, ours."""
    seconds = options.seconds
    batch = f"--batch={PG_BATCH}"
    return [
        ("batches of 8,000, each transfer judged by itself",
         lambda: postgres.batches("create_transfers_in_order", seconds),
         lambda: ledgerd.measure(seconds, "--mode=batches", batch)),
        ("batches of 8,000, against PostgreSQL's set of weaker rules",
         lambda: postgres.batches("create_transfers_as_set", seconds),
         lambda: ledgerd.measure(seconds, "--mode=batches", batch)),
        ("64 clients, one transfer a call",
         lambda: postgres.single(64, seconds),
         lambda: ledgerd.measure(seconds, "--mode=unary", "--clients=64", "--in-flight=1")),
        ("2,000 single transfers of one process, against 64 clients",
         lambda: postgres.single(64, seconds),
         lambda: ledgerd.measure(seconds, "--mode=coalesced", "--clients=1",
                                 "--in-flight=2000")),
        ("one client, one transfer at a time",
         lambda: postgres.single(1, seconds),
         lambda: ledgerd.measure(seconds, "--mode=one")),
    ]


NAMES = ("rate_per_second", "latency_us_p50", "latency_us_p99", "cpu_us_a_transfer",
         "daemon_cpu_us_a_transfer", "written_bytes_a_transfer")


def median(rounds, name):
    return statistics.median(one[name] for one in rounds)


def table(results):
    lines = ["| work | system | transfers/s | p50 ms | p99 ms | CPU us a transfer"
             " | server's | bytes written |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for work, rounds in results.items():
        for system in ("postgresql", "ledgerd"):
            rate, p50, p99, cpu, server, written = (
                median(rounds[system], name) for name in NAMES)
            lines.append(f"| {work} | {system} | {rate:,.0f} | {p50 / 1000:.2f} |"
                         f" {p99 / 1000:.2f} | {cpu:.2f} | {server:.2f} | {written:.0f} |")
    lines += ["", "| work | ledgerd's rate / PostgreSQL's | CPU, PostgreSQL's / ledgerd's"
              " | p50, ledgerd's / PostgreSQL's |", "| --- | --- | --- | --- |"]
    for work, rounds in results.items():
        pairs = list(zip(rounds["ledgerd"], rounds["postgresql"]))
        rate = statistics.median(a["rate_per_second"] / b["rate_per_second"] for a, b in pairs)
        cpu = statistics.median(b["cpu_us_a_transfer"] / a["cpu_us_a_transfer"]
                                for a, b in pairs)
        p50 = statistics.median(a["latency_us_p50"] / b["latency_us_p50"] for a, b in pairs)
        lines.append(f"| {work} | {rate:.2f} | {cpu:.2f} | {p50:.2f} |")
    return "\n".join(lines)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ledgerd", default="bazel-bin/server/ledgerd")
    parser.add_argument("--ledgerbench", default="bazel-bin/tests/bench/ledgerbench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--replicas", type=int, default=1, help="of ledgerd; from 2 on"
                        " PostgreSQL has a synchronous standby")
    parser.add_argument("--only", default="", help="works with these words in their names")
    parser.add_argument("--json", help="write every round's figures to this file")
    return parser.parse_args()


def main():
    options = parse_options()
    ledgerd = Ledgerd(options)
    postgres = Postgres(options.accounts, standby=options.replicas > 1)
    results = {}
    try:
        chosen = [work for work in works(options, postgres, ledgerd) if options.only in work[0]]
        for number in range(options.rounds):
            for name, theirs, ours in chosen:
                print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
                rounds = results.setdefault(name, {"postgresql": [], "ledgerd": []})
                rounds["postgresql"].append(theirs())
                rounds["ledgerd"].append(ours())
            postgres.check()
    finally:
        postgres.close()
    print(table(results))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
