"""What is known of a metric beside its rows: what it counts, which way is better, whether it is an aggregate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pipeline.errors import SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["gauge", "counter", "duration", "event"]
Better = Literal["lower", "higher"]


@dataclass(frozen=True, kw_only=True)
class MetricFacts:
    """What is known of a metric.

    Attributes:
        kind: a `gauge` goes up and down, a `counter` only up, a `duration` is how long something took, an `event` is
            something that happened, or its amount.
        better: which way is better; None where neither is, or nobody knows.
        is_aggregate: whether a value stands for many samples, as a mean or a percentile does.
    """

    kind: Kind
    better: Better | None = None
    is_aggregate: bool = False

    def describe(self) -> dict[str, Any]:
        """Give them as JSON values."""
        return asdict(self)


def parse_metric_facts(value: object) -> dict[str, MetricFacts]:
    """Read the facts of metrics by name, as a record of a session has them.

    Raises:
        SourceError: a fact is unknown or of another type.
    """
    if not isinstance(value, dict):
        raise SourceError("'metric_facts' must be an object with the facts of each metric")
    return {name: _parse_facts(name, facts) for name, facts in value.items()}


def _parse_facts(name: str, facts: object) -> MetricFacts:
    known = ("kind", "better", "is_aggregate")
    if not isinstance(facts, dict) or not facts.keys() <= set(known) or "kind" not in facts:
        raise SourceError(f"'metric_facts' of {name!r} must be an object with {', '.join(known)}, and no more")
    kind, better, is_aggregate = facts["kind"], facts.get("better"), facts.get("is_aggregate", False)
    if kind not in get_args(Kind):
        raise SourceError(f"'metric_facts' of {name!r}: kind {suggest(str(kind), get_args(Kind), noun='kinds')}")
    if better is not None and better not in get_args(Better):
        raise SourceError(f"'metric_facts' of {name!r}: better must be lower, higher or null, not {better!r}")
    if not isinstance(is_aggregate, bool):
        raise SourceError(f"'metric_facts' of {name!r}: is_aggregate must be true or false")
    return MetricFacts(kind=kind, better=better, is_aggregate=is_aggregate)


def facts_of(names: tuple[str, ...], facts: Mapping[str, MetricFacts]) -> dict[str, MetricFacts]:
    """Keep the facts of some metrics, in their order."""
    return {name: facts[name] for name in names if name in facts}
