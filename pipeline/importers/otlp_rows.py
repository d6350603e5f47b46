"""Spans and data points of OTLP become rows: samples of spans and gauges, figures of all else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.otlp_aggregates import Figure, figures_of
from pipeline.importers.otlp_contexts import attributes_of, json_text
from pipeline.model.arrays import from_integers, from_numbers, from_places, from_strings, integers, is_null, places
from pipeline.model.metric_facts import MetricFacts
from pipeline.native import JSON, BadLineError, JsonLines, distinct_texts
from pipeline.rows.distinct import encode_repeated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.importers.otlp_contexts import Context

_CODED = pa.dictionary(pa.int32(), pa.string())
_OF_CONTEXT = ("temporality", "service", "scope_name", "scope_version")
_OF_SPAN = ("span", "span_kind", "status", "status_message")
_IDS = ("trace_id", "span_id", "parent_span_id")
SCHEMA = pa.schema(
    [
        ("metric", _CODED),
        ("unit", _CODED),
        ("value", pa.string()),
        ("epoch_ns", pa.int64()),
        ("start_ns", pa.int64()),
        *((name, _CODED) for name in (*_OF_CONTEXT, *_OF_SPAN)),
        *((name, pa.string()) for name in _IDS),
        ("bin_lower", pa.float64()),
        ("bin_count", pa.int64()),
        ("attributes", pa.dictionary(pa.int32(), JSON)),
    ]
)
_SPAN_FIELDS = (
    *("name", "kind", "startTimeUnixNano", "endTimeUnixNano", "traceId", "spanId", "parentSpanId"),
    *("status.code", "status.message", "attributes JSON"),
)
_NESTED = ("bucketCounts", "explicitBounds", "quantileValues", "positive", "negative")
_PLAIN = ("count", "sum", "min", "max", "scale", "zeroCount", "zeroThreshold")
_POINT_FIELDS = (
    *("asInt", "asDouble", "timeUnixNano", "startTimeUnixNano", "flags", "attributes JSON"),
    *(*_PLAIN, *(f"{name} JSON" for name in _NESTED)),
)
# By the numbers that OTLP writes; protobuf's own JSON has names, which end so.
_SPAN_KINDS = ("", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")
_NO_VALUE = 1  # the flag of a data point that says so
_KEPT_ATTRIBUTES = 16_384
_KEPT_BYTES = 1 << 20  # of their texts; what is made of them takes as much again, several times
_NUMBERS = {"gauge", "sum"}


def bad_document(number: int, error: Exception) -> SourceError:
    """Say what is wrong with a document."""
    reason = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
    if isinstance(error, UnicodeEncodeError):
        reason = "holds half of a surrogate pair"
    return SourceError(f"document {number}: {reason}")


class Surroundings:
    """What stands around some elements.

    Attributes:
        contexts: that they have.
        codes: places of the elements' own among them.
        documents: the number of each element's document.
    """

    def __init__(
        self, contexts: Sequence[Context | None], arrays: NDArray[np.int64], document_of: NDArray[np.int64]
    ) -> None:
        """Choose them.

        Args:
            contexts: of all arrays; None of those that nobody wants.
            arrays: the array of each element.
            document_of: the number of each array's document.
        """
        first, last = int(arrays[0]), int(arrays[-1]) + 1
        wanted = np.array([one is not None for one in contexts[first:last]])
        self.contexts = [one for one in contexts[first:last] if one is not None]
        self.codes = (np.cumsum(wanted) - 1)[arrays - first]
        self.documents = document_of[arrays]


class OtlpRows:
    """Makes rows of elements.

    Attributes:
        facts: what is known of each metric so far.
        keys: of all attributes so far.
    """

    def __init__(self) -> None:
        self.facts: dict[str, MetricFacts] = {}
        self.keys: set[str] = set()
        self._span_lines, self._point_lines = _lines_of(_SPAN_FIELDS), _lines_of(_POINT_FIELDS)
        self._known: dict[str | None, tuple[str, dict[str, Any]]] = {None: ("", {})}
        self._known_bytes = 0

    def spans(self, lines: bytearray, around: Surroundings) -> pa.RecordBatch:
        """Make a row of each span.

        Args:
            lines: spans, one a line.
            around: what stands around them.

        Raises:
            SourceError: one cannot be read.
        """
        fields = _read(self._span_lines, _SPAN_FIELDS, lines, around)
        rows = len(around.codes)
        starts, no_start = _times(fields["startTimeUnixNano"], around)
        ends, no_end = _times(fields["endTimeUnixNano"], around)
        names = zip(_OF_SPAN, ("name", "kind", "status.code", "status.message"), strict=True)
        columns = {
            "metric": _constant("span_duration", rows),
            "unit": _constant("ns", rows),
            "value": from_numbers(ends - starts, pa.int64(), no_start | no_end).cast(pa.string()),
            "epoch_ns": from_numbers(starts, pa.int64(), no_start),
            **{column: _coded(fields[name]) for column, name in names},
            **dict(zip(_IDS, (fields[name] for name in ("traceId", "spanId", "parentSpanId")), strict=True)),
        }
        columns["span_kind"] = _named(columns["span_kind"], "SPAN_KIND_", _SPAN_KINDS, "")
        columns["status"] = _named(columns["status"], "STATUS_CODE_", _STATUSES, "unset")
        return self._batch(columns, fields["attributes"], around, np.arange(rows))

    def points(self, lines: bytearray, around: Surroundings) -> pa.RecordBatch:
        """Make a row of each number, and one of each figure of a histogram or a summary.

        Args:
            lines: data points, one a line.
            around: what stands around them.

        Raises:
            SourceError: one cannot be read.
        """
        fields = _read(self._point_lines, _POINT_FIELDS, lines, around)
        is_number = np.array([one.kind in _NUMBERS for one in around.contexts])[around.codes]
        is_empty = _has_flag(fields["flags"], around)
        values = _first_of(fields["asInt"], fields["asDouble"], is_empty)
        rows, names = np.flatnonzero(is_number), _Names(around.contexts, self.facts)
        metrics = names.of_contexts("")[around.codes[rows]]
        figures: list[Figure] = []
        if len(rows) < len(is_number):
            owners, metrics_of_figures = [], []
            for row, figure in _figures(np.flatnonzero(~is_number & ~is_empty), fields, around):
                owners.append(row)
                figures.append(figure)
                metrics_of_figures.append(names.of(int(around.codes[row]), figure))
            order = np.argsort(np.append(rows, np.array(owners, np.int64)), kind="stable")
            metrics = np.append(metrics, np.array(metrics_of_figures, np.int64))[order]
            own = from_strings([figure.value for figure in figures])
            values = pa.concat_arrays([values.take(from_numbers(rows, pa.int64())), own])
            values = values.take(from_numbers(order, pa.int64()))
            nothing = [Figure("", None)] * len(rows)
            figures = [(nothing + figures)[place] for place in order.tolist()]
            rows = np.append(rows, np.array(owners, np.int64))[order]
        times, no_time = _times(fields["timeUnixNano"], around)
        starts, no_start = _times(fields["startTimeUnixNano"], around)
        columns = {
            "metric": from_places(metrics, names.metrics()),
            "unit": _with_nulls(metrics, names.units),
            "value": values,
            "epoch_ns": from_numbers(times[rows], pa.int64(), no_time[rows]),
            "start_ns": from_numbers(starts[rows], pa.int64(), no_start[rows]),
        }
        if figures:
            lower = np.array([np.nan if one.lower is None else one.lower for one in figures])
            columns["bin_lower"] = from_numbers(lower, pa.float64(), np.isnan(lower))
            columns["bin_count"] = from_integers([one.held for one in figures], pa.int64())
        return self._batch(columns, fields["attributes"], around, rows)

    def _batch(
        self, columns: dict[str, pa.Array], own: pa.Array, around: Surroundings, rows: NDArray[np.int64]
    ) -> pa.RecordBatch:
        """Add what stands around rows, each of which is of an element."""
        codes = around.codes[rows]
        for name in _OF_CONTEXT:
            columns[name] = _with_nulls(codes, [getattr(one, name) for one in around.contexts])
        columns["attributes"] = self._attributes(own, around, rows)
        missing = {field.name: field.type for field in SCHEMA if field.name not in columns}
        columns |= {name: pa.nulls(len(rows), kind) for name, kind in missing.items()}
        return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)

    def _attributes(self, own: pa.Array, around: Surroundings, rows: NDArray[np.int64]) -> pa.Array:
        """Write all attributes of rows as objects, each that occurs once."""
        texts = own.dictionary.storage
        repeated, firsts_of_texts = distinct_texts(texts)
        nothing = len(firsts_of_texts)
        held = np.where(is_null(own), nothing, np.append(repeated, nothing)[places(own)]).astype(np.int64)
        # Arrays of one scope have one object of attributes.
        outer = list({id(one.attributes): one.attributes for one in around.contexts}.values())
        place_of = {id(attributes): place for place, attributes in enumerate(outer)}
        around_of = np.array([place_of[id(one.attributes)] for one in around.contexts])[around.codes]
        distinct, firsts, codes = np.unique(around_of * (nothing + 1) + held, return_index=True, return_inverse=True)
        chosen = [*(texts[place].as_py() for place in firsts_of_texts.tolist()), None]
        begins = [json_text(attributes)[1:-1] for attributes in outer]
        written = []
        at = 0
        try:
            for at, pair in enumerate(distinct.tolist()):  # noqa: B007 - of what is wrong the place is told
                place, inner = divmod(pair, nothing + 1)
                text = self._own(chosen[inner], outer[place])
                written.append("{" + begins[place] + ("," if text and begins[place] else "") + text + "}")
            made = from_strings(written)
        except (ValueError, RecursionError) as error:
            raise bad_document(int(around.documents[firsts[at]]), error) from error
        return from_places(codes[rows], pa.ExtensionArray.from_storage(JSON, made))

    def _own(self, text: str | None, known: Mapping[str, Any]) -> str:
        """Read attributes of an element: give them as pairs of JSON, under other names where those are known."""
        found = self._known.get(text)
        if found is None:
            self._known_bytes += len(text or "")
            if len(self._known) >= _KEPT_ATTRIBUTES or self._known_bytes > _KEPT_BYTES:
                self._known = {None: ("", {})}
                self._known_bytes = len(text or "")
            attributes = attributes_of(json.loads(text or "[]"))
            found = self._known[text] = json_text(attributes)[1:-1], attributes
            self.keys.update(attributes)
        pairs, attributes = found
        if attributes.keys().isdisjoint(known):
            return pairs
        renamed = {f"attributes.{name}" if name in known else name: one for name, one in attributes.items()}
        self.keys.update(renamed)
        return json_text(renamed)[1:-1]


class _Names:
    """Names and units of metrics, and what is known of them, as far as rows need them.

    Attributes:
        units: by the places of names.
    """

    def __init__(self, contexts: Sequence[Context], facts: dict[str, MetricFacts]) -> None:
        self.units: list[str | None] = []
        self._contexts = contexts
        self._facts = facts
        self._names: list[str] = []
        self._places: dict[tuple[int, str], int] = {}

    def of_contexts(self, suffix: str) -> NDArray[np.int64]:
        """Give the places of the names of all contexts that are numbers; 0 of others."""
        found = [self._place(place, suffix) if one.kind in _NUMBERS else 0 for place, one in enumerate(self._contexts)]
        return np.array(found, np.int64)

    def of(self, context: int, figure: Figure) -> int:
        """Give the place of the name of a figure."""
        return self._place(context, figure.suffix, is_count=figure.is_count)

    def metrics(self) -> pa.Array:
        """Give all names."""
        return from_strings(self._names)

    def _place(self, context: int, suffix: str, *, is_count: bool = False) -> int:
        place = self._places.get((context, suffix))
        if place is None:
            one = self._contexts[context]
            place = self._places[context, suffix] = len(self._names)
            self._names.append(one.metric + suffix)
            self.units.append("1" if is_count else one.unit)
            self._note(one.metric + suffix, one.facts(suffix))
        return place

    def _note(self, name: str, facts: MetricFacts) -> None:
        """Note what is known of a metric; of two metrics of one name what holds of both."""
        before = self._facts.setdefault(name, facts)
        if before != facts:
            is_aggregate = before.is_aggregate or facts.is_aggregate
            kind = facts.kind if facts.kind == before.kind else "gauge"
            self._facts[name] = MetricFacts(kind=kind, is_aggregate=is_aggregate)


def _lines_of(fields: Sequence[str]) -> JsonLines:
    return JsonLines([(name.removesuffix(" JSON").split("."), name.endswith(" JSON")) for name in fields])


def _read(lines: JsonLines, fields: Sequence[str], block: bytearray, around: Surroundings) -> dict[str, pa.Array]:
    """Take the fields out of lines; those of JSON are dictionaries."""
    try:
        found = lines.read(block, len(block))
    except BadLineError as error:
        raise SourceError(f"document {around.documents[error.line]}: a span or data point {error}") from error
    return dict(zip((name.removesuffix(" JSON") for name in fields), found, strict=True))


def _figures(
    rows: NDArray[np.int64], fields: Mapping[str, pa.Array], around: Surroundings
) -> Iterator[tuple[int, Figure]]:
    """Give the figures of the points in some rows."""
    taken = from_numbers(rows, pa.int64())
    columns = {name: fields[name].take(taken).to_pylist() for name in _PLAIN}
    for name in _NESTED:
        texts = fields[name].dictionary.storage.to_pylist()
        coded = fields[name].indices.take(taken).to_pylist()
        columns[name] = [None if place is None else texts[place] for place in coded]
    for at, row in enumerate(rows.tolist()):
        point = {name: column[at] for name, column in columns.items()}
        try:
            for figure in figures_of(around.contexts[int(around.codes[row])].kind, point):
                yield row, figure
        except (ValueError, RecursionError) as error:
            raise bad_document(int(around.documents[row]), error) from error


def _times(texts: pa.Array, around: Surroundings) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read nanoseconds since 1970, and which of them are missing, or 0, which says the same."""
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid as error:
        row = next(row for row, text in enumerate(texts.to_pylist()) if text is not None and not _is_time(text))
        raise _bad_time(texts, row, around) from error
    values = np.where(is_null(numbers), 0, integers(numbers))
    if len(values) and values.min() < 0:
        raise _bad_time(texts, int(values.argmin()), around)
    return values, np.equal(values, 0)


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**63


def _bad_time(texts: pa.Array, row: int, around: Surroundings) -> SourceError:
    text = texts[row].as_py()
    return SourceError(f"document {around.documents[row]}: {text!r:.60} is no time: nanoseconds since 1970 in 63 bits")


def _has_flag(flags: pa.Array, around: Surroundings) -> NDArray[np.bool_]:
    """Tell which data points say that they hold no value."""
    if flags.null_count == len(flags):
        return np.zeros(len(flags), np.bool_)
    texts = flags.to_pylist()
    wrong = [row for row, text in enumerate(texts) if text is not None and not _is_time(text)]
    if wrong:
        raise SourceError(f"document {around.documents[wrong[0]]}: {texts[wrong[0]]!r:.60} are no flags")
    return np.array([text is not None and bool(int(text) & _NO_VALUE) for text in texts])


def _first_of(one: pa.Array, other: pa.Array, is_empty: NDArray[np.bool_]) -> pa.Array:
    """Give the texts of one array, and where it has none those of another; none where it is empty."""
    if one.null_count == len(one) and not is_empty.any():
        return other
    if not one.null_count and not is_empty.any():
        return one
    choices = np.where(is_null(one), np.arange(len(one), 2 * len(one)), np.arange(len(one)))
    return pa.concat_arrays([one, other]).take(from_numbers(choices, pa.int64(), is_empty))


def _constant(text: str, rows: int) -> pa.Array:
    return from_places(np.zeros(rows, np.int32), from_strings([text]))


def _with_nulls(codes: NDArray[np.int64], texts: Sequence[str | None]) -> pa.Array:
    """Make a dictionary of texts, in which none is null."""
    absent = np.array([text is None for text in texts], np.bool_)
    return from_places(codes, from_strings([text or "" for text in texts]), absent[codes] if absent.any() else None)


def _coded(texts: pa.Array) -> pa.Array:
    """Make a dictionary of texts, in which an empty one is none."""
    encoded = encode_repeated(texts)
    found = encoded.dictionary.to_pylist()
    return _with_nulls(
        np.where(is_null(encoded), len(found), places(encoded)), [*(text or None for text in found), None]
    )


def _named(column: pa.Array, prefix: str, names: Sequence[str], default: str) -> pa.Array:
    """Give the names of numbers, or of names as protobuf writes them; others stay."""
    by_number = {str(number): name for number, name in enumerate(names)}
    told = [by_number.get(text, text.removeprefix(prefix).lower()) for text in column.dictionary.to_pylist()]
    named = [*(text or None for text in told), default or None]
    return _with_nulls(np.where(is_null(column), len(told), places(column)), named)
