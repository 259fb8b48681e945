#!/usr/bin/python3
"""Counts the test cases of a Bazel run from its build events.

    bazel test --build_event_json_file=EVENTS //...
    tests/tally.py EVENTS        prints: PASSED FAILED SKIPPED

A GoogleTest binary counts as its test cases, any other test as one. A test that
crashed, timed out or did not build counts as one failure more than its report
tells; a run that ended before its last event as one failure.
"""
import json
import sys
import urllib.parse
import xml.etree.ElementTree


def cases(path):
    """(passed, failed, skipped) of one test.xml; zeros if it is damaged."""
    passed = failed = skipped = 0
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 0, 0
    for case in root.iter("testcase"):
        if case.get("status") == "notrun" or case.get("result") == "suppressed":
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def xml_path(result):
    for output in result.get("testActionOutput", []):
        if output.get("name") == "test.xml":
            return urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
    return None


def tally(events):
    """Sums (passed, failed, skipped) and names what failed."""
    total = [0, 0, 0]
    bad = []
    not_built = set()
    finished = False
    for event in events:
        kind = event["id"]
        if "testResult" in kind and "testResult" in event:
            result = event["testResult"]
            ok = result.get("status") in ("PASSED", "FLAKY")
            path = xml_path(result)
            counts = list(cases(path)) if path else [0, 0, 0]
            if ok and sum(counts) == 0:
                counts[0] = 1
            if not ok and counts[1] == 0:
                counts[1] = 1
            total = [a + b for a, b in zip(total, counts)]
            if not ok:
                bad.append("%s %s" % (kind["testResult"]["label"], result.get("status")))
        elif "targetCompleted" in kind and not event.get("completed", {}).get("success"):
            not_built.add(kind["targetCompleted"]["label"])
        elif "buildFinished" in kind:
            # 3: everything was built, some tests failed; 4: no tests were found.
            code = event.get("finished", {}).get("exitCode", {}).get("code", 0)
            finished = code in (0, 3, 4) or bool(not_built)
    total[1] += len(not_built)
    bad += ["%s NOT BUILT" % label for label in sorted(not_built)]
    if not finished and total[1] == 0:
        total[1] += 1
        bad.append("the run itself FAILED")
    return total, bad


def main():
    try:
        with open(sys.argv[1], encoding="utf-8") as f:
            events = [json.loads(line) for line in f if line.strip()]
    except (OSError, json.JSONDecodeError) as e:
        print("tally: %s" % e, file=sys.stderr)
        events = []
    total, bad = tally(events)
    for line in bad:
        print("FAILED: %s" % line, file=sys.stderr)
    print("%d %d %d" % tuple(total))


if __name__ == "__main__":
    main()
