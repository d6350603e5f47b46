"""JUnit XML, read by Python's parser: a case for each target and group, with what it is of."""

from __future__ import annotations

from math import inf
from xml.etree import ElementTree as ET

from targets import check, rows_at, write_session, write_targets, write_values

import pipeline
from pipeline.targets.junit import junit_lines

OF_VERDICT = {"pass": None, "fail": "failure", "no-data": "error", "cannot-tell": "error"}
HOSTILE = "a<b>&\"'\n\u00e4\u0001]]>"


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - the program wrote it


def report(commands, directory, tmp, source, *targets):
    file = write_targets(directory, *targets)
    arguments = ["check", *map(str, source), "--targets", str(file), "--format", "junit"]
    result = commands.run(arguments, cwd=directory, tmp=tmp)
    return result, parsed(result.out)


def test_each_group_of_a_target_is_a_case_with_value_limit_and_n(commands, tmp_path, tmp_path_factory):
    write_values(tmp_path, [0.02] * 90 + [None] * 10, session_id="a", unit="s")
    write_values(tmp_path, [0.06] * 100, session_id="b", unit="s")
    write_values(tmp_path, [0.01] * 4, session_id="c", unit="s")
    write_values(tmp_path, [1.0], session_id="d", metric="other")
    source = [tmp_path / f"{one}.ndjson" for one in "abcd"]
    targets = [{"name": "one"}, {"name": "two", "sessions": "false"}, {"name": "three", "figure": "p95", "per": "50s"}]
    result, root = report(commands, tmp_path, tmp_path_factory.mktemp("t"), source, *targets)
    assert result.status == 6
    verdicts = check(source, tmp_path, *targets)
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["one", "two", "three"]
    for suite, target in zip(suites, verdicts, strict=True):
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases) == (len(target.groups) or 1)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors")) == len(suite.findall("testcase/error"))
        for case, group in zip(cases, target.groups, strict=bool(target.groups)):
            properties = {one.get("name"): one.get("value") for one in case.iter("property")}
            assert (case.get("classname"), case.get("name")) == (target.name, group.name)
            assert int(properties["n"]) == group.count
            assert int(properties["lost"]) == group.lost_count
            assert float(properties.get("value", inf)) == (inf if group.value is None else group.value)
            assert [one.tag for one in case][1:] == list(filter(None, [OF_VERDICT[group.verdict]]))
    first = {one.get("name"): one.get("value") for one in suites[0][1].iter("property")}
    assert {"metric": "control_rtt", "figure": "p50", "limit": "< 0.05", "value": "0.06"}.items() <= first.items()
    assert {"unit": "s", "n": "100", "lost": "0"}.items() <= first.items()
    (problem,) = suites[0][1].iter("failure")
    assert problem.get("message") == "p50 of control_rtt is to be < 50 ms, and is 0.06 s of 100 samples"
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in suites)
    (case,) = suites[1]
    assert (case.get("name"), case.find("error").get("type")) == ("two", "no-data")


def test_names_that_xml_cannot_write_leave_it_well_formed(tmp_path):
    source = write_session(tmp_path, rows_at(range(5), [1.0] * 5, HOSTILE, metric=HOSTILE), lasts=5)
    (tmp_path / "s1.session.json").unlink()
    file = write_targets(tmp_path, {"name": HOSTILE, "metric": HOSTILE, "limit": "< 1 us"})
    root = parsed("\n".join(junit_lines(pipeline.check_targets(source, file))))
    (case,) = root.iter("testcase")
    assert case.get("name") == case.get("classname") == HOSTILE.replace("\u0001", "\ufffd")
