#!/usr/bin/python3
"""What tests/tally.py counts: above all, that no failure goes uncounted."""
import os
import tempfile
import unittest

import tally

GTEST = """<testsuites tests="4" failures="%d"><testsuite name="S">
<testcase name="A" status="run" result="completed"/>
<testcase name="B" status="run" result="completed">%s</testcase>
<testcase name="C" status="notrun" result="suppressed"/>
<testcase name="D" status="run" result="skipped"><skipped/></testcase>
</testsuite></testsuites>"""
PASSED = GTEST % (0, "")
FAILED = GTEST % (1, '<failure message="1 != 2"/>')


def built(label, success=True):
    return {"id": {"targetCompleted": {"label": label}}, "completed": {"success": success}}


def finished(code):
    return {"id": {"buildFinished": {}}, "finished": {"exitCode": {"code": code}}}


class TallyTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def result(self, status, xml=None):
        outputs = []
        if xml is not None:
            path = os.path.join(self.directory, "test%20a.xml".replace("%20", " "))
            with open(path, "w", encoding="utf-8") as f:
                f.write(xml)
            outputs = [{"name": "test.log", "uri": "file:///dev/null"},
                       {"name": "test.xml", "uri": "file://" + path.replace(" ", "%20")}]
        return {"id": {"testResult": {"label": "//a:t"}},
                "testResult": {"status": status, "testActionOutput": outputs}}

    def counts(self, *events):
        return tally.tally(events)[0]

    def test_cases_count_and_those_not_run_do_not(self):
        self.assertEqual(self.counts(built("//a:t"), self.result("PASSED", PASSED), finished(0)), [2, 0, 1])

    def test_a_failed_case(self):
        total, bad = tally.tally([built("//a:t"), self.result("FAILED", FAILED), finished(3)])
        self.assertEqual(total, [1, 1, 1])
        self.assertEqual(bad, ["//a:t FAILED"])

    def test_a_test_without_a_report_is_one(self):
        self.assertEqual(self.counts(self.result("PASSED"), finished(0)), [1, 0, 0])
        self.assertEqual(self.counts(self.result("FAILED"), finished(3)), [0, 1, 0])

    def test_a_crash_after_passed_cases_is_a_failure(self):
        self.assertEqual(self.counts(self.result("TIMEOUT", PASSED), finished(3)), [2, 1, 1])

    def test_a_damaged_report_is_a_failure_of_a_failed_test(self):
        self.assertEqual(self.counts(self.result("FAILED", "<testsuites"), finished(3)), [0, 1, 0])

    def test_a_target_that_was_not_built(self):
        self.assertEqual(self.counts(built("//a:t", False), finished(1)), [0, 1, 0])

    def test_a_run_that_did_not_finish(self):
        self.assertEqual(self.counts(), [0, 1, 0])
        self.assertEqual(self.counts(self.result("PASSED"), finished(8)), [1, 1, 0])
        self.assertEqual(self.counts(finished(2)), [0, 1, 0])


if __name__ == "__main__":
    unittest.main()
