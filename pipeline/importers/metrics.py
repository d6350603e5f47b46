"""What an importer says of its metrics in the lines of its head."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import SourceError, UsageError
from pipeline.model.metric_facts import MetricFacts, parse_metric_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_AGGREGATE = "aggregate"


class MetricPattern(NamedTuple):
    """What is known of metrics of some names.

    Attributes:
        names: patterns of names, in which `*` stands for any text.
        facts: of each of them.
    """

    names: tuple[str, ...]
    facts: MetricFacts

    def fits(self, name: str) -> bool:
        """Whether it is about a metric."""
        return any(re.fullmatch(re.escape(text).replace(r"\*", ".*"), name) for text in self.names)


def parse_metrics(text: str, *, where: str) -> MetricPattern:
    """Read a line `-- metrics:` of an importer, such as `lat_p*, lat_mean = duration lower aggregate`.

    Raises:
        UsageError: it cannot be read.
    """
    names, _, facts = text.partition("=")
    kind, *others = facts.split() or [""]
    is_aggregate = others[-1:] == [_AGGREGATE]
    better = others[: len(others) - is_aggregate]
    given = {"kind": kind, "better": better[0] if len(better) == 1 else None, "is_aggregate": is_aggregate}
    try:
        parsed = parse_metric_facts({text: given})[text]
    except SourceError as error:
        raise UsageError(f"{where}: '-- metrics: {text}': {str(error).partition(': ')[2]}") from error
    if len(better) > 1 or not names.strip():
        raise UsageError(f"{where}: '-- metrics: {text}' cannot be read; write NAMES = KIND [lower|higher] [aggregate]")
    return MetricPattern(tuple(name.strip() for name in names.split(",")), parsed)


def facts_of_metrics(
    names: Sequence[str], said: Mapping[str, MetricFacts], patterns: Sequence[MetricPattern]
) -> dict[str, MetricFacts]:
    """Give what is known of metrics.

    Args:
        names: of the metrics.
        said: what the file says.
        patterns: what the importer says, which counts first: the first that fits.
    """
    found = ((name, next((one.facts for one in patterns if one.fits(name)), said.get(name))) for name in names)
    return {name: facts for name, facts in found if facts is not None}
