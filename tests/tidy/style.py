#!/usr/bin/python3
"""Checks the rules of style that no other tool checks; see RULES.

    tests/tidy/style.py          all files that git knows or would add
    tests/tidy/style.py --list   the rules

Prints FILE:LINE: RULE: what is wrong, for each finding; then one line a rule,
"ok RULE" or "FAILED RULE". Exits 1 when there was a finding.
"""
import ast
import os
import re
import subprocess
import sys

MAX_LINES = 600
MAX_COLUMNS = 80

# Who may include whom, by the longest prefix of the including file's path. What
# is not listed here (std, system and library headers) is DEEP's business.
MAY_INCLUDE = {
    "proto/base/": ("proto/base/",),
    "proto/": ("proto/",),
    "replication/core/": ("proto/", "replication/core/"),
    "storage/": ("proto/", "storage/"),
    "server/ledger/": ("proto/", "storage/state_", "server/ledger/"),
    "replication/": ("proto/", "storage/", "replication/"),
    "client/": ("proto/", "client/"),
    # It makes data directories of backups.
    "client/ledgerctl/backup_": ("proto/", "storage/", "client/"),
    "server/": ("proto/", "storage/", "replication/", "server/"),
    "tests/": ("proto/", "storage/", "replication/", "server/", "client/", "tests/"),
}
OURS = ("proto/", "storage/", "replication/", "server/", "client/", "tests/", "deploy/")

# Libraries that stay in the files whose path begins so (tests are free).
DEEP = {
    r"rocksdb/": (
        "storage/disk_cursor",
        "storage/disk_state",
        "storage/event_rows",
        "storage/history_reader",
        "storage/fail_stop_files",
        "storage/faulty_state_files",
        "storage/hooked_files",
        "storage/id_run",
        "storage/ingest_files",
        "storage/packed_row",
        "storage/rocksdb_",
        "storage/run_",
        "storage/state_database",
        "storage/state_directories",
        "storage/state_exporter",
        "storage/state_keys",
        "storage/state_receiver",
    ),
    r"grpc(pp|\+\+)?/": ("proto/", "server/", "client/", "tests/"),
}

# The pure machines: a function of (state, event), and nothing else.
PURE = ("replication/core/", "server/ledger/")
IMPURE_INCLUDE = re.compile(
    r"<(thread|mutex|shared_mutex|condition_variable|atomic|future|chrono|ctime|time\.h|random"
    r"|fstream|filesystem|iostream|cstdio|stdio\.h|unistd\.h|fcntl\.h|sys/.*)>"
    r"|\"(absl/(time|synchronization|random)/.*|rocksdb/.*|grpc.*|proto/base/mutex\.h)\"")
FLOATING = re.compile(r"\b(float|double)\b")

MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|SleepFor|usleep|nanosleep)\b|\bsleep\s*\(|^\s*sleep\s+[0-9.]")
INCLUDE = re.compile(r'^\s*#include\s+([<"][^>"]+[>"])')


def is_cpp(path):
    return path.endswith((".cc", ".h"))


def is_test(path):
    return path.startswith("tests/") or re.search(r"_test(ing|_\w+)?\.(cc|h|py|sh)$", path) is not None


def is_ours(path):
    """Whether the file holds our words: this checker's own samples do not count."""
    return not path.startswith("tests/tidy/")


def without_comments(lines):
    """The lines with // comments and string literals cut out."""
    return [re.sub(r'"(\\.|[^"\\])*"|//.*', "", line) for line in lines]


def file_size(path, lines):
    """no source file is longer than 600 lines"""
    if path.endswith((".cc", ".h", ".py", ".sh", ".bzl")) and len(lines) > MAX_LINES:
        yield len(lines), "%d lines" % len(lines)


def header_comment(path, lines):
    """a header opens with what it is for"""
    if path.endswith(".h") and not (lines and lines[0].startswith("// ")):
        yield 1, "line 1 is no comment that says what the header is for"


def include_guard(path, lines):
    """a header's guard is LEDGERD_PATH_FILE_H_"""
    if not path.endswith(".h"):
        return
    guard = "LEDGERD_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper() + "_"
    if "#ifndef " + guard not in lines or "#define " + guard not in lines:
        yield 1, "the guard must be " + guard


def no_marks(path, lines):
    """nothing is marked as unfinished"""
    for i, line in enumerate(lines, 1):
        m = MARK.search(line)
        if m:
            yield i, m.group(0)


def no_sleep(path, lines):
    """tests wait for a condition, never for time"""
    if is_test(path) and path.endswith((".cc", ".h", ".sh", ".py")):
        for i, line in enumerate(without_comments(lines) if is_cpp(path) else lines, 1):
            m = SLEEP.search(line)
            if m:
                yield i, m.group(0).strip()


def no_disabled_test(path, lines):
    """no test is switched off"""
    if path.endswith(".cc"):
        for i, line in enumerate(lines, 1):
            if re.search(r"^TEST\w*\(.*\bDISABLED_", line):
                yield i, "DISABLED_"


def no_param_tags(path, lines):
    """comments are prose, without @param"""
    if is_cpp(path):
        for i, line in enumerate(lines, 1):
            if re.search(r"//.*[@\\](param|return|brief)\b", line):
                yield i, "a tag"


def comment_width(path, lines):
    """a line of comment has at most 80 columns (clang-format leaves comments alone)"""
    if is_cpp(path):
        for i, line in enumerate(lines, 1):
            if re.match(r"\s*//", line) and len(line) > MAX_COLUMNS:
                yield i, "%d columns" % len(line)


def layers(path, lines):
    """includes go downward, and RocksDB and gRPC end where they should"""
    if not is_cpp(path):
        return
    owner = max((p for p in MAY_INCLUDE if path.startswith(p)), key=len, default=None)
    for i, line in enumerate(lines, 1):
        m = INCLUDE.match(line)
        if not m:
            continue
        name = m.group(1)[1:-1]
        if name.endswith(".pb.h"):
            continue
        if name.startswith(OURS) and owner and not is_test(path) and not name.startswith(MAY_INCLUDE[owner]):
            yield i, "%s may not include %s" % (owner, name)
        for library, homes in DEEP.items():
            if re.match(library, name) and not is_test(path) and not path.startswith(homes):
                yield i, "%s is for %s" % (name, ", ".join(homes))


def pure(path, lines):
    """the pure machines know no thread, clock, chance, file or fraction"""
    if not is_cpp(path) or not path.startswith(PURE) or is_test(path):
        return
    for i, line in enumerate(lines, 1):
        if INCLUDE.match(line) and IMPURE_INCLUDE.search(line):
            yield i, line.strip()
    for i, line in enumerate(without_comments(lines), 1):
        m = FLOATING.search(line)
        if m:
            yield i, m.group(0)


def one_header_a_target(path, lines):
    """a cc_library has one header"""
    if os.path.basename(path) not in ("BUILD", "BUILD.bazel"):
        return
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "cc_library"):
            continue
        for keyword in node.keywords:
            if keyword.arg == "hdrs" and isinstance(keyword.value, ast.List) and len(keyword.value.elts) > 1:
                yield node.lineno, "%d headers in one target" % len(keyword.value.elts)


def folder_readme(paths):
    """each top-level folder has a README.md"""
    for folder in sorted({p.split("/")[0] for p in paths if "/" in p and not p.startswith(".")}):
        if folder + "/README.md" not in paths:
            yield folder, 1, "no README.md"


FILE_RULES = (file_size, header_comment, include_guard, no_marks, no_sleep, no_disabled_test,
              no_param_tags, comment_width, layers, pure, one_header_a_target)
TREE_RULES = (folder_readme,)
RULES = {f.__name__: f.__doc__ for f in FILE_RULES + TREE_RULES}


def findings(path, text):
    """(line, rule, words) for one file."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    for rule in FILE_RULES:
        for line, words in rule(path, lines):
            yield line, rule.__name__, words


def tree_files():
    out = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], text=True)
    return [p for p in sorted(set(out.split("\0"))) if p and os.path.isfile(p)]


def main():
    if sys.argv[1:] == ["--list"]:
        for name, words in RULES.items():
            print("%-20s %s" % (name, words))
        return 0
    broken = set()
    paths = tree_files()
    for path in filter(is_ours, paths):
        try:
            with open(path, encoding="utf-8") as f:
                text = f.read()
        except UnicodeDecodeError:
            continue
        for line, rule, words in findings(path, text):
            print("%s:%d: %s: %s" % (path, line, rule, words))
            broken.add(rule)
    for rule in TREE_RULES:
        for path, line, words in rule(set(paths)):
            print("%s:%d: %s: %s" % (path, line, rule.__name__, words))
            broken.add(rule.__name__)
    for name, words in RULES.items():
        print("%-7s %s (%s)" % ("FAILED" if name in broken else "ok", name, words))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
