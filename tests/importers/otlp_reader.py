"""OTLP as JSON, read by plain Python: a row of each span and number, and of each figure of a histogram or a summary."""

from __future__ import annotations

import json

KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
TEMPORALITIES = {1: "delta", 2: "cumulative"}


def documents(text):
    """Read documents one behind the other."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


def plain(value):
    ((kind, held),) = value.items()
    if kind == "arrayValue":
        return [plain(one) for one in held.get("values", [])]
    if kind == "kvlistValue":
        return {one["key"]: plain(one["value"]) for one in held["values"]}
    return str(held) if kind in {"intValue", "doubleValue"} else held


def attributes(prefix, pairs):
    held = {prefix + pair["key"]: plain(pair["value"]) for pair in pairs}
    nested = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in held.items()
    }
    return {name: value for name, value in nested.items() if name != "resource.service.name"}


def rows(text):
    """Rows of (metric, value, unit, ns, service, temporality, lower end of a bin, how many it has, attributes)."""
    found = []
    for document in documents(text):
        for signal in ("Spans", "Metrics"):
            for resource in document.get(f"resource{signal}", []):
                of_resource = resource.get("resource", {}).get("attributes", [])
                service = {pair["key"]: pair["value"] for pair in of_resource}.get("service.name", {}).get(
                    "stringValue"
                )
                for scopes in resource[f"scope{signal}"]:
                    outer = attributes("resource.", of_resource)
                    outer |= attributes("scope.", scopes.get("scope", {}).get("attributes", []))
                    for span in scopes.get("spans", []):
                        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                        own = outer | attributes("", span.get("attributes", []))
                        found.append(("span_duration", float(end - start), "ns", start, service, None, None, None, own))
                    for metric in scopes.get("metrics", []):
                        found += of_metric(metric, service, outer)
    return found


def of_metric(metric, service, outer):
    found = []
    (kind,) = [kind for kind in KINDS if kind in metric]
    temporality = TEMPORALITIES.get(metric[kind].get("aggregationTemporality"))
    for point in metric[kind]["dataPoints"]:
        own = outer | attributes("", point.get("attributes", []))
        for suffix, value, is_count, lower, count in figures(kind, point):
            unit = "1" if is_count else metric.get("unit") or None
            row = (metric["name"] + suffix, value, unit, int(point["timeUnixNano"]), service, temporality)
            found.append((*row, lower, count, own))
    return found


def figures(kind, point):
    """Give suffix, value, whether it is a count, and of bins the lower end and how many there are."""
    if kind in {"gauge", "sum"}:
        yield "", float(point.get("asInt", point.get("asDouble"))), False, None, None
        return
    yield "_count", float(point.get("count", 0)), True, None, None
    for name in ("sum", "min", "max"):
        if name in point:
            yield f"_{name}", float(point[name]), False, None, None
    if kind != "summary":
        yield from (explicit if kind == "histogram" else exponential)(point)
    for one in point.get("quantileValues", []):
        quantile = one.get("quantile", 0)
        name = {0: "_min", 1: "_max"}.get(quantile, f"_p{quantile * 100:.10g}".replace(".", "_"))
        yield name, float(one.get("value", 0)), False, None, None


def explicit(point):
    bounds = point.get("explicitBounds", [])
    for place, count in enumerate(map(int, point.get("bucketCounts", []) if bounds else [])):
        lower = bounds[place - 1] if place else None
        if count and place == len(bounds):
            yield "_beyond_bins", float(count), True, lower, None
        elif count:
            yield "_bins", float(bounds[place]), False, lower, count


def exponential(point):
    base = 2 ** (2 ** -point.get("scale", 0))
    for sign, buckets in ((-1, point.get("negative", {})), (1, point.get("positive", {}))):
        counts = list(enumerate(map(int, buckets.get("bucketCounts", [])), buckets.get("offset", 0)))
        ends = [sorted((sign * base**place, sign * base ** (place + 1))) for place, _ in counts]
        for (lower, upper), (_, count) in list(zip(ends, counts, strict=True))[::sign]:
            if count:
                yield "_bins", upper, False, lower, count
        if sign < 0 and int(point.get("zeroCount", 0)):
            zero = point.get("zeroThreshold", 0)
            yield "_bins", float(zero), False, float(-zero), int(point["zeroCount"])
