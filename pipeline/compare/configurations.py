"""What the records of two sides have otherwise: configuration, attributes, harness."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.compare.comparison import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.model.session import Session


def configuration_differences(baseline: Sequence[Session], candidate: Sequence[Session]) -> tuple[Difference, ...]:
    """List what two sides do not have in common.

    Returns:
        the values under each path whose values are not the same ones on both sides, what no session has in common with
        one of the other side first, then in the order of their paths.
    """
    before, after = _values(baseline), _values(candidate)
    found = []
    for path in sorted(before.keys() | after.keys()):
        # A session that lacks it has null.
        first, second = (_all(side.get(path, {}), len(of)) for side, of in ((before, baseline), (after, candidate)))
        if set(first) != set(second):
            apart = not set(first) & set(second)
            found.append(Difference(path=path, baseline=first, candidate=second, is_apart=apart))
    return tuple(sorted(found, key=lambda one: not one.is_apart))


def _values(sessions: Sequence[Session]) -> dict[str, dict[str, int]]:
    """Count the values of sessions, as JSON texts, by path."""
    found: dict[str, dict[str, int]] = {}
    for session in sessions:
        record = {
            "harness": {"name": session.harness_name, "version": session.harness_version},
            "attributes": session.attributes,
            "configuration": session.configuration,
        }
        for path, value in _leaves(record, ""):
            text = json.dumps(value, ensure_ascii=False)
            values = found.setdefault(path, {})
            values[text] = values.get(text, 0) + 1
    return found


def _all(values: Mapping[str, int], sessions: int) -> tuple[str, ...]:
    lacking = sum(values.values()) < sessions
    return tuple(dict.fromkeys([*values, *(["null"] if lacking else [])]))


def _leaves(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        below = f"{path}.{key}" if path else key
        if isinstance(item, dict) or (not path and item):
            yield from _leaves(item, below)
        else:
            yield below, item
