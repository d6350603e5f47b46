"""Verdicts as JUnit XML, which CI systems show: a suite for each target, a test case for each of its groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.targets.verdicts import Check, GroupVerdict, TargetVerdict, Verdict

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {"fail": "failure", "no-data": "error", "cannot-tell": "error"}
"""What no pass is in JUnit; all of them are red."""


def junit_lines(check: Check) -> Iterator[str]:
    """Write verdicts as the lines of an XML document.

    A test case has the value, the limit in its unit, the number of samples and of lost ones as properties. What fails
    has a `failure`, what has no data or cannot be told an `error`. A target without any group has one test case, of
    its own name.
    """
    verdicts = [one for target in check.targets for one in _verdicts(target)]
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites{_attributes(name='pipeline check', **_counts(verdicts))}>"
    for target in check.targets:
        yield from _suite(target)
    yield "</testsuites>"


def _suite(target: TargetVerdict) -> Iterator[str]:
    yield f"  <testsuite{_attributes(name=target.name, **_counts(_verdicts(target)), skipped=0)}>"
    for group in target.groups or (None,):
        yield from _case(target, group)
    yield "  </testsuite>"


def _verdicts(target: TargetVerdict) -> list[Verdict]:
    return [group.verdict for group in target.groups] or [target.verdict]


def _counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    elements = [_ELEMENTS.get(one) for one in verdicts]
    return {"tests": len(verdicts), "failures": elements.count("failure"), "errors": elements.count("error")}


def _case(target: TargetVerdict, group: GroupVerdict | None) -> Iterator[str]:
    name = target.name if group is None else group.name
    yield f"    <testcase{_attributes(classname=target.name, name=name, time=0)}>"
    properties: dict[str, object] = {
        "metric": target.metric,
        "figure": target.figure,
        "limit": target.limit if group is None or group.limit is None else f"{target.limit.split()[0]} {group.limit!r}",
        "value": None if group is None or group.value is None else repr(group.value),
        "bound": None if group is None or group.bound is None else repr(group.bound),
        "unit": None if group is None else group.unit,
        "n": 0 if group is None else group.count,
        "lost": 0 if group is None else group.lost_count,
    }
    yield "      <properties>"
    for key, value in properties.items():
        if value is not None:
            yield f"        <property{_attributes(name=key, value=value)}/>"
    yield "      </properties>"
    verdict = target.verdict if group is None else group.verdict
    if verdict in _ELEMENTS:
        yield f"      <{_ELEMENTS[verdict]}{_attributes(type=verdict, message=_message(target, group))}/>"
    yield "    </testcase>"


def _message(target: TargetVerdict, group: GroupVerdict | None) -> str:
    reason = target.reason if group is None else group.reason
    compared = f"{target.figure} of {target.metric} is to be {target.limit}"
    if group is not None and group.shown:
        compared = f"{compared}, and is {group.shown} of {group.count:,} samples"
    return "; ".join(filter(None, [compared, reason]))


def _attributes(**values: object) -> str:
    # Ids may hold what XML has no way to write.
    return "".join(f" {name}={quoteattr(_NOT_IN_XML.sub(chr(0xFFFD), str(value)))}" for name, value in values.items())
