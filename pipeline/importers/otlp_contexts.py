"""What stands around spans and data points of OTLP: their resource, scope and metric, and attributes as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.model.metric_facts import MetricFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SPAN = "span"
_KINDS = {
    "gauge": "gauge",
    "sum": "sum",
    "histogram": "histogram",
    "exponentialHistogram": "exponential_histogram",
    "summary": "summary",
}
"""Of data, by the key that it has in a metric."""
_SCOPES = {
    "resourceSpans": ("scopeSpans", "instrumentationLibrarySpans"),
    "resourceMetrics": ("scopeMetrics", "instrumentationLibraryMetrics"),
}
"""Keys of scopes; the second of each is that of OTLP before 0.15."""
# protobuf's own JSON writes names where OTLP's has numbers.
_TEMPORALITIES = {1: "delta", 2: "cumulative"} | {
    f"AGGREGATION_TEMPORALITY_{name.upper()}": name for name in ("delta", "cumulative")
}
_TIME_UNITS = {"ns", "us", "ms", "s", "min", "h", "d"}
_SERVICE = "service.name"


class Context(NamedTuple):
    """What all elements of an array have in common.

    Attributes:
        kind: `span`, or of data points that of their metric: `gauge`, `sum`, `histogram`, `exponential_histogram`,
            `summary`.
        service: `service.name` of the resource.
        attributes: of the resource and the scope, by the names of their columns.
        metric: its name.
        temporality: `delta` or `cumulative`, where the metric says it.
        is_monotonic: whether a sum only grows.
    """

    kind: str
    service: str | None
    scope_name: str | None
    scope_version: str | None
    attributes: Mapping[str, Any]
    metric: str = ""
    unit: str | None = None
    temporality: str | None = None
    is_monotonic: bool = False

    def facts(self, suffix: str = "") -> MetricFacts:
        """Say what is known of the metric, or of what an aggregate holds under its name with a suffix."""
        if self.kind == "gauge":
            return MetricFacts(kind="gauge")
        counted = "event" if self.temporality == "delta" else "counter"
        if self.kind == "sum":
            is_counted = self.is_monotonic or self.temporality == "delta"
            return MetricFacts(kind=counted if is_counted else "gauge", is_aggregate=True)  # type: ignore[arg-type]
        if suffix in {"_count", "_sum", "_beyond_bins"}:
            return MetricFacts(kind=counted, is_aggregate=True)  # type: ignore[arg-type]
        return MetricFacts(kind="duration" if self.unit in _TIME_UNITS else "gauge", is_aggregate=True)


def contexts_of(document: object) -> Iterator[tuple[int, Context]]:
    """List what stands around the arrays that were cut out of a document, by their numbers.

    Args:
        document: with numbers in the place of arrays of spans and of data points.
    """
    for signal, names in _SCOPES.items():
        for resource in _objects(_object(document).get(signal)):
            held = attributes_of(_object(resource.get("resource")).get("attributes"))
            service = _text(held.pop(_SERVICE, None))
            of_resource = {f"resource.{name}": value for name, value in held.items()}
            for scopes in _objects([one for name in names for one in _objects(resource.get(name))]):
                scope = _object(scopes.get("scope", scopes.get("instrumentationLibrary")))
                of_scope = {f"scope.{name}": value for name, value in attributes_of(scope.get("attributes")).items()}
                named = (_text(scope.get("name")), _text(scope.get("version")))
                yield from _of_scope(scopes, Context(SPAN, service, *named, of_resource | of_scope))


def _of_scope(scopes: dict[str, Any], context: Context) -> Iterator[tuple[int, Context]]:
    if isinstance(number := scopes.get("spans"), int):
        yield number, context
    for metric in _objects(scopes.get("metrics")):
        for key, kind in _KINDS.items():
            data = _object(metric.get(key))
            if isinstance(number := data.get("dataPoints"), int):
                temporality = data.get("aggregationTemporality")
                yield (
                    number,
                    context._replace(
                        kind=kind,
                        metric=str(metric.get("name", "")),
                        unit=_text(metric.get("unit")),
                        temporality=_TEMPORALITIES.get(temporality) if isinstance(temporality, int | str) else None,
                        is_monotonic=data.get("isMonotonic") is True,
                    ),
                )


def attributes_of(pairs: object) -> dict[str, Any]:
    """Make an object of a list of keys and values, which are strings, or true and false, or JSON of what is nested.

    Raises:
        ValueError: a key is there twice.
    """
    found: dict[str, Any] = {}
    for pair in _objects(pairs):
        key, value = str(pair.get("key", "")), plain_value(pair.get("value"))
        if key in found:
            raise ValueError(f"has the attribute {key!r:.60} twice")
        if value is not None:
            found[key] = value
    return found


def plain_value(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Give what a value of OTLP stands for: integers of 64 bits, which are texts, as they are."""
    for kind, held in _object(value).items():
        if kind == "arrayValue":
            return [plain_value(one) for one in _objects(_object(held).get("values"))]
        if kind == "kvlistValue":
            return attributes_of(_object(held).get("values"))
        if kind == "intValue":
            return str(held)
        if kind == "doubleValue":
            return held if isinstance(held, str) else repr(held)
        if kind in {"stringValue", "boolValue", "bytesValue"}:
            return held
    return None


def json_text(value: object) -> str:
    """Write a value as JSON without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
