"""Lists the harnesses whose files are known, as their importers tell of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.arguments import check_arguments
from pipeline.errors import UsageError, suggest
from pipeline.importers.definition import built_in, harness_names

if TYPE_CHECKING:
    from pipeline.importers.definition import Definition


def list_harnesses(harness: str | None = None) -> list[dict[str, Any]]:
    """List the importers that come with this package, by harness and name.

    Args:
        harness: only those of this one, or the importer of this name.

    Returns:
        for each: `harness`, `importer` (its name), `about` (which files it reads, and how), `format`, `versions` (the
        oldest and the newest version of the harness that were tried, or None), `revision`, `options` (values by what
        `--assume` may say), `samples` and `aggregates` (patterns of metrics, each with what is known of them).

    Raises:
        UsageError: no such harness is known.
    """
    check_arguments(locals())
    known = sorted(built_in(), key=lambda one: (one.harness or "", one.name))
    if harness is not None:
        known = [one for one in known if one.harness == harness] or [one for one in known if one.name == harness]
        if not known:
            raise UsageError(f"{harness!r}: {suggest(harness, harness_names(), noun='harnesses')}")
    return [_describe(one) for one in known]


def _describe(one: Definition) -> dict[str, Any]:
    metrics: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for pattern in one.metrics:
        facts = pattern.facts.describe()
        is_aggregate = facts.pop("is_aggregate")
        metrics[is_aggregate] += [{"metric": name, **facts} for name in pattern.names]
    return {
        "harness": one.harness,
        "importer": one.name,
        "about": one.about,
        "format": one.format,
        "versions": list(one.versions) if one.versions else None,
        "revision": one.revision,
        "options": {name: list(values) for name, values in one.choices.items()},
        "samples": metrics[False],
        "aggregates": metrics[True],
    }
