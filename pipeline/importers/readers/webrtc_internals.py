"""Series of chrome://webrtc-internals, each an array within a text: they are taken apart one at a time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.samples import in_vectors
from pipeline.model.arrays import from_numbers, from_strings, is_null
from pipeline.native import ElementTexts, float_texts
from pipeline.rows.distinct import taken_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.importers.decoded import Told

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("place", pa.int64()),
        ("length", pa.int64()),
        ("value", pa.string()),
        ("time", pa.float64()),
    ]
)
_ROWS = 8192
_NAME = re.compile(r"(.*)-(\[.*\]|[^-\]]*)")
_CLOCK = "timestamp"
_NO_SAMPLES = {_CLOCK, "[lastPacketReceivedTimestamp]", "[lastPacketSentTimestamp]"}
_NUMBERS = np.isin(np.arange(256), list(b"-0123456789tfNI"))
_TEXT = ord('"')


class _Pairs(list[tuple[str, Any]]):
    """An object, in which a key may stand twice."""

    def first(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        return next((value for name, value in self if name == key), None)


class _Clock:
    """The times of a report, in milliseconds since 1970; mostly all are read at once, for all of its series."""

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts
        numbers = float_texts(texts)
        self._times = None if numbers is None else from_numbers(numbers, pa.float64(), is_null(texts))

    def __len__(self) -> int:
        return len(self._texts)

    def at(self, places: NDArray[np.int64]) -> pa.Array:
        """Give the times at some places.

        Raises:
            SourceError: one is no number.
        """
        if self._times is not None:
            return taken_rows(self._times, places)
        texts = [self._texts[place].as_py() for place in places.tolist()]
        try:
            times = np.array([0.0 if text is None else float(text) for text in texts])
        except ValueError as error:
            raise SourceError(f"a time of a report is no number: {str(error).partition(': ')[2]:.60}") from error
        return from_numbers(times, pa.float64(), np.array([text is None for text in texts]))


def knows(head: bytes) -> bool:  # noqa: ARG001 - of a reader of text nobody asks
    """Is asked of binaries alone."""
    return False


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Give the numbers of all series: of each the number of its series, its place in it, and what the clock says there.

    Raises:
        SourceError: it is no JSON, or a series is none.
    """
    return in_vectors(_points(path, told))


def _points(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    series = list(_series(path))
    clocks: dict[tuple[int, str], _Clock] = {}
    for connection, name, points in series:
        report, stat = _parts(name)
        if stat == _CLOCK and (connection, report) not in clocks:
            clocks[connection, report] = _Clock(_elements(points))
    for number, (connection, name, points) in enumerate(series, start=1):
        report, stat = _parts(name)
        elements = _elements(points)
        first = _first_bytes(elements)
        if texts := int(np.count_nonzero(first == _TEXT)):
            key = f"PeerConnections.*.stats.*-{stat}"
            told.unused[key] = told.unused.get(key, 0) + texts
        if stat not in _NO_SAMPLES:
            clock = clocks.get((connection, report))
            places = np.flatnonzero(_NUMBERS[first])
            has_times = clock is not None and len(clock) == len(elements)
            yield from _rows(number, elements, places, clock if has_times else None)


def _rows(number: int, elements: pa.Array, places: NDArray[np.int64], clock: _Clock | None) -> Iterator[pa.RecordBatch]:
    for at in range(0, len(places), _ROWS):
        some = places[at : at + _ROWS]
        wanted = from_numbers(some, pa.int64())
        are_all = some[-1] - some[0] == len(some) - 1
        length = from_numbers(np.full(len(some), len(elements)), pa.int64(), np.full(len(some), clock is not None))
        yield pa.record_batch(
            [
                from_numbers(np.full(len(some), number), pa.int64()),
                wanted,
                length,
                elements.slice(some[0], len(some)) if are_all else elements.take(wanted),
                pa.nulls(len(some), pa.float64()) if clock is None else clock.at(some),
            ],
            schema=SCHEMA,
        )


def _series(path: Path) -> Iterator[tuple[int, str, Any]]:
    """List the series: the number of their connection, their name, what they hold."""
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise SourceError("is no JSON") from error
    connections = document.first("PeerConnections") if isinstance(document, _Pairs) else None
    for connection, (_, held) in enumerate(connections if isinstance(connections, _Pairs) else []):
        stats = held.first("stats") if isinstance(held, _Pairs) else None
        for name, one in stats if isinstance(stats, _Pairs) else []:
            yield connection, name, one.first("values") if isinstance(one, _Pairs) else None


def _parts(name: str) -> tuple[str, str]:
    """Give the report and the figure of a series, by its name."""
    found = _NAME.fullmatch(name)
    return ("", name) if found is None else (found[1], found[2] or name)


def _elements(points: Any) -> pa.Array:  # noqa: ANN401 - any JSON value
    """Take a series apart; what is no array has no elements.

    Raises:
        SourceError: it is no JSON.
    """
    text = points if isinstance(points, str) else json.dumps(points, separators=(",", ":"))
    text = text.strip(" \t\r\n")
    try:
        if not text.startswith("["):
            json.loads(text)
            return from_strings([])
        if text.endswith("]"):
            return ElementTexts().read(text[1:].encode(), is_last=True)
    except (ValueError, RecursionError):  # and what the compiled part says is wrong
        pass
    raise SourceError(f"a series is no JSON: {text[:60]!r}")


def _first_bytes(texts: pa.Array) -> NDArray[np.uint8]:
    """Give the first byte of each text, 0 of nulls."""
    starts = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts)]
    data = np.frombuffer(texts.buffers()[2] or b"\0", np.uint8)
    return np.where(is_null(texts), 0, data[np.minimum(starts, len(data) - 1)])
