#!/usr/bin/python3
"""Alerts and dashboard name metrics that ledgerd has, and every alert is tried.

    deploy/monitoring/names_test.py

What the alerts do is promtool's business (alerts_test.yaml); here is what it cannot
know: a metric that nobody exports is never wrong, it only never fires.
"""
import json
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ALARM_SOURCES = ("../../server/grpc/status_message.cc", "../../server/damage_alarms.cc")
EXPORTERS = ("../../server/http/metrics_text.cc", "../../server/http/traffic_metrics.cc")


def read(path):
    with open(os.path.join(HERE, path), encoding="utf-8") as file:
        return file.read()


def exported():
    """The names in the sources; those of a rate and of a distribution are made of its own."""
    text = "".join(read(path) for path in EXPORTERS)
    names = set(re.findall(r'"(ledgerd_\w+[a-z])"', text))
    for distribution in re.findall(r'Distribution\(\s*"(ledgerd_\w+)"', text):
        names.remove(distribution)
        names.update(distribution + end for end in ("_bucket", "_sum", "_count"))
    for rate in re.findall(r'AddRate\("(\w+)"', text):
        for end in ("successful_total", "total", "in_progress"):
            names.add("ledgerd_%s_%s" % (rate, end))
    return names


def named(text):
    """The metrics in PromQL, those of recording rules ("a:b:c") left out."""
    return set(re.findall(r"(?<![:\w])ledgerd_\w+(?![:\w])", text))


def queries(value):
    """All PromQL of a dashboard, as deep as it is."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("expr", "query") and isinstance(inner, str):
                yield inner
            else:
                yield from queries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from queries(inner)


def alarms():
    """The names of all alarms that a replica raises."""
    names = {"DISK_FULL"}  # A Reason's.
    for path in ALARM_SOURCES:
        names.update(re.findall(r'(?:set_name\(|return \{|[?:] |return )"([A-Z_]+)"', read(path)))
    return names - {"UNKNOWN"}


def anchor(title):
    """As GitHub and others make it of a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


class NamesTest(unittest.TestCase):
    def setUp(self):
        self.alerts = read("alerts.yaml")
        self.tests = read("alerts_test.yaml")

    def test_the_exporter_is_understood(self):
        names = exported()
        self.assertLess(30, len(names))
        for name in ("ledgerd_is_primary", "ledgerd_recovery_successful_total",
                     "ledgerd_replication_lag_entries", "ledgerd_request_seconds_bucket",
                     "ledgerd_journal_group_entries_sum", "ledgerd_transfers_total"):
            self.assertIn(name, names)

    def test_the_alarms_are_found(self):
        self.assertLessEqual({"REPLICA_HALTED", "FORKED_OFF", "DISK_ERROR", "FAILOVER_PAUSED"},
                             alarms())

    def test_what_is_named_is_exported(self):
        dashboard = " ".join(queries(json.loads(read("dashboard.json"))))
        for where, text in (("alerts.yaml", self.alerts), ("alerts_test.yaml", self.tests),
                            ("dashboard.json", dashboard)):
            # A pattern for several names is no name.
            unknown = {name for name in named(text) - exported() if not name.endswith("_")}
            self.assertEqual(unknown, set(), where)
            self.assertLess(10, len(named(text)), where)

    def test_every_alert_is_seen_to_fire_and_not_to(self):
        alerts = re.findall(r"- alert: (\w+)", self.alerts)
        self.assertEqual(len(alerts), len(set(alerts)))
        checks = re.findall(r"alertname: (\w+)\n +exp_alerts:(.*)", self.tests)
        for alert in alerts:
            quiet = {end.strip() == "[]" for name, end in checks if name == alert}
            self.assertEqual(quiet, {True, False}, alert)
        self.assertEqual({name for name, _ in checks}, set(alerts))

    def test_every_alert_says_how_bad_it_is_and_what_to_do(self):
        for rule in self.alerts.split("- alert: ")[1:]:
            name = rule.split("\n", 1)[0]
            self.assertRegex(rule, r"severity: (critical|warning)}", name)
            self.assertRegex(rule, r"\n +summary: ", name)
            self.assertRegex(rule, r"\n +do: ", name)
            self.assertIn("\n          runbook: deploy/RUNBOOK.md#%s\n" % name.lower(), rule)

    def test_the_runbook_has_every_alert_and_every_alarm(self):
        titles = re.findall(r"^### (.*)$", read("../RUNBOOK.md"), re.MULTILINE)
        self.assertEqual(len(titles), len(set(titles)))
        alerts = re.findall(r"- alert: (\w+)", self.alerts)
        self.assertEqual({title for title in titles if title.startswith("Ledgerd")}, set(alerts))
        self.assertEqual({title for title in titles if title.isupper()}, alarms())

    def test_links_of_the_runbook_lead_somewhere(self):
        text = read("../RUNBOOK.md")
        anchors = {anchor(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        links = re.findall(r"\]\(#([^)]*)\)", text)
        self.assertLess(10, len(links))
        self.assertEqual(set(links) - anchors, set())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-q"])
