#!/usr/bin/python3
"""The pure machines are a function of (state, event), and nothing else.

    purity_test.py FILE...

Looks at the sources of replication/core and server/ledger, less their tests:

- They include only what is in ALLOWED: no thread, mutex, clock, chance, file,
  RocksDB or gRPC, and nothing that nobody has thought about yet. A header that
  is as pure may be added there.
- They know no float, double, and no function that reads the world.
- They iterate over nothing unordered: replicas would differ.

First each rule is shown what it must find; a rule that finds nothing proves
nothing.
"""
import re
import sys
import unittest

ALLOWED = re.compile(
    r"<(algorithm|array|bitset|compare|cstddef|cstdint|cstring|deque|functional|limits|map|memory|numeric"
    r"|optional|ostream|set|span|sstream|string|tuple|type_traits|utility|variant|vector)>"
    r'|"absl/(container|status|strings|types|numeric|base)/.*"'
    r'|"proto/(base/(check|happens_before|little_endian|status_macros|strong_int|uint128)\.h'
    r'|(entry|membership|results|statuses|system_limits|types)\.h)"'
    r'|"storage/(state_(store|view|hash|event)|watched_event)\.h"'
    r'|"replication/core/.*"|"server/ledger/.*"')
IMPURE = re.compile(
    r"\b(float|double|rand|srand|random_device|mt19937\w*|getenv|clock_gettime|gettimeofday|time\s*\(\s*(0|NULL|nullptr)"
    r"|std::thread|std::async|std::atomic|thread_local|volatile|fopen|std::chrono|absl::Now|absl::Time|system_clock|steady_clock)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])')
UNORDERED = re.compile(r"\b(?:std::unordered_\w+|absl::(?:flat|node)_hash_\w+)\s*<.*?>+\s*&?\s*(\w+)\s*[;={(]")
# A test, or what only tests use.
TEST = re.compile(r"_test(ing|_\w+)?\.(cc|h)$|/(books|ledger)_testing\.|/table(_runner)?\.")


def code(text):
    """The lines without comments and string literals, includes as they are."""
    for number, line in enumerate(text.split("\n"), 1):
        if not INCLUDE.match(line):
            line = re.sub(r'"(\\.|[^"\\])*"|//.*', "", line)
        yield number, line


def unordered_names(texts):
    """What is declared anywhere as an unordered container."""
    return {name for text in texts for _, line in code(text) for name in UNORDERED.findall(line)}


def iterates(line, name):
    return re.search(r"for\s*\(.*:\s*[\w.>-]*\b%s\s*\)|\b%s\s*(\.|->)\s*c?begin\s*\(" % (name, name), line)


def findings(text, unordered):
    for number, line in code(text):
        include = INCLUDE.match(line)
        if include and not ALLOWED.fullmatch(include.group(1)):
            yield number, "may not include " + include.group(1)
        if not include and IMPURE.search(line):
            yield number, "may not use " + IMPURE.search(line).group(0)
        for name in unordered:
            if iterates(line, name):
                yield number, "iterates over %s, which has no order" % name


class PlantedViolationsTest(unittest.TestCase):
    """Each is found; what is like it and pure is not."""

    def found(self, text):
        return list(findings(text, unordered_names([text])))

    def test_includes(self):
        for header in ("<thread>", "<mutex>", "<chrono>", "<random>", "<fstream>", "<filesystem>", "<atomic>",
                       "<unordered_map>", '"rocksdb/db.h"', '"grpcpp/server.h"', '"absl/time/clock.h"',
                       '"absl/synchronization/mutex.h"', '"proto/base/mutex.h"', '"storage/journal.h"', "<unheard_of>"):
            self.assertTrue(self.found("#include " + header), header)
        for header in ("<vector>", '"absl/types/span.h"', '"proto/types.h"', '"storage/state_view.h"'):
            self.assertFalse(self.found("#include " + header), header)

    def test_words(self):
        for line in ("double rate = 0;", "float x;", "auto now = absl::Now();", "int r = rand();",
                     "std::thread worker;", "static thread_local int x;", "auto t = time(nullptr);"):
            self.assertTrue(self.found(line), line)
        for line in ("// double-entry", 'Name("float");', "int doubled = 2;", "Timestamp time(5);"):
            self.assertFalse(self.found(line), line)

    def test_iteration(self):
        declared = "absl::flat_hash_map<AccountId, std::vector<int>> accounts_;\n"
        for line in ("for (const auto& [id, a] : accounts_) Use(a);", "auto it = accounts_.begin();",
                     "for (const auto& a : this->accounts_) Use(a);"):
            self.assertTrue(self.found(declared + line), line)
        for line in ("auto it = accounts_.find(id);", "for (const auto& a : sorted_accounts_) Use(a);"):
            self.assertFalse(self.found(declared + line), line)


def main(paths):
    if not unittest.main(argv=["purity_test"], exit=False).result.wasSuccessful():
        return 1
    texts = {}
    for path in paths:
        if not TEST.search(path):
            with open(path, encoding="utf-8") as f:
                texts[path] = f.read()
    unordered = unordered_names(texts.values())
    failed = False
    for path, text in sorted(texts.items()):
        for number, words in findings(text, unordered):
            print("%s:%d: a pure machine %s" % (path, number, words))
            failed = True
    for folder in ("replication/core/", "server/ledger/"):
        if not any(path.startswith(folder) for path in texts):
            print("no source of %s was given" % folder)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
