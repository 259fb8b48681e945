#!/usr/bin/python3
"""A rule that finds nothing proves nothing: each is shown what it must find."""
import unittest

import style

HEADER = "// Says what it is for.\n#ifndef LEDGERD_PROTO_X_H_\n#define LEDGERD_PROTO_X_H_\n#endif\n"


def rules(path, text):
    return {rule for _, rule, _ in style.findings(path, text)}


class StyleTest(unittest.TestCase):
    # rule, file, a text that breaks it, a text that does not
    TABLE = (
        ("file_size", "proto/x.cc", "int x;\n" * 601, "int x;\n" * 600),
        ("header_comment", "proto/x.h", HEADER.split("\n", 1)[1], HEADER),
        ("include_guard", "proto/x.h", HEADER.replace("_X_", "_Y_"), HEADER),
        ("no_marks", "proto/x.cc", "// TODO(me): more\n", "// All done.\n"),
        ("no_marks", "deploy/x.sh", "# FIXME\n", "# Fixed.\n"),
        ("no_sleep", "proto/x_test.cc", "std::this_thread::sleep_for(1s);\n", "// no sleep_for here\n"),
        ("no_sleep", "tests/x.sh", "sleep 1\n", "echo sleep\n"),
        ("no_sleep", "tests/chaos/kill.cc", "absl::SleepFor(d);\n", "ready.WaitFor(mutex, d);\n"),
        ("no_disabled_test", "proto/x_test.cc", "TEST(X, DISABLED_Y) {}\n", "TEST(X, Y) {}\n"),
        ("no_param_tags", "proto/x.cc", "// @param x the x\n", "// The x is x.\n"),
        ("comment_width", "proto/x.cc", "// " + "x" * 78 + "\n", "// " + "x" * 77 + "\n"),
        ("layers", "proto/x.cc", '#include "storage/journal.h"\n', '#include "proto/types.h"\n'),
        ("layers", "storage/x.cc", '#include "replication/replica.h"\n', '#include "proto/types.h"\n'),
        ("layers", "server/ledger/x.cc", '#include "storage/journal.h"\n', '#include "storage/state_view.h"\n'),
        ("layers", "client/x.cc", '#include "server/daemon.h"\n', '#include "ledger/v1/ledger.pb.h"\n'),
        ("layers", "server/x.cc", '#include "rocksdb/db.h"\n', '#include "grpcpp/server.h"\n'),
        ("layers", "replication/x.cc", '#include "grpcpp/server.h"\n', '#include "storage/journal.h"\n'),
        ("pure", "server/ledger/x.cc", "#include <chrono>\n", "#include <vector>\n"),
        ("pure", "replication/core/x.h", "double ratio = 0;\n", "// a double entry\n"),
        ("pure", "server/ledger/x.cc", '#include "proto/base/mutex.h"\n', '#include "proto/base/check.h"\n'),
        ("one_header_a_target", "proto/BUILD.bazel", 'cc_library(name = "a", hdrs = ["a.h", "b.h"])\n',
         'cc_library(name = "a", hdrs = ["a.h"])\n'),
    )

    def test_each_rule_finds_what_breaks_it_and_only_that(self):
        for rule, path, bad, good in self.TABLE:
            with self.subTest(rule=rule, path=path, bad=bad[:60]):
                self.assertIn(rule, rules(path, bad))
                self.assertNotIn(rule, rules(path, good))

    def test_every_rule_of_a_file_is_in_the_table(self):
        self.assertEqual({row[0] for row in self.TABLE}, {f.__name__ for f in style.FILE_RULES})

    def test_folders_need_a_readme(self):
        self.assertEqual(list(style.folder_readme({"proto/x.h"})), [("proto", 1, "no README.md")])
        self.assertEqual(list(style.folder_readme({"proto/README.md", "x"})), [])


if __name__ == "__main__":
    unittest.main()
