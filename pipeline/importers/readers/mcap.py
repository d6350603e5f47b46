"""MCAP: the times of each message, the gaps of each topic, and the numbers of messages in JSON.

The file is read twice: gaps are those between log times in their order, which the file need not have. The first row
is of the kind `file`, and its `value` is what the file says of itself, as JSON.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from struct import Struct, error
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers import mcap_records as records
from pipeline.model.arrays import from_integers, from_places, from_strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.importers.decoded import Told
    from pipeline.importers.mcap_records import Message, Record

_CODED = ("kind", "metric", "unit", "topic", "schema", "encoding", "element")
_NUMBERS = ("epoch_ns", "publish_ns", "message_sequence")
SCHEMA = pa.schema(
    [
        *((name, pa.dictionary(pa.int32(), pa.string())) for name in _CODED),
        ("value", pa.string()),
        *((name, pa.int64()) for name in _NUMBERS),
    ]
)
_BATCH_ROWS = 16_384
_MOST_MESSAGES = 20_000_000
"""Whose log times are kept, to sort them."""
_MOST_NAMES = 1000
_MOST_TOPICS_TOLD = 5
_MOST_EXACT = 2**53
_IDS = Struct("<HH")
_ATTACHMENT = Struct("<QQ")
_CDR = "; ros2 topic echo --csv TOPIC writes them as text, which --header and --map take"


class _Channel(NamedTuple):
    topic: str
    schema: int
    encoding: str


class _Number(str):
    """A number as the message writes it, which says more than a float holds."""

    __slots__ = ()


def knows(head: bytes) -> bool:
    """Whether a file begins as MCAP does."""
    return head.startswith(records.MAGIC)


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Read a file; of one that is cut off the records that are whole.

    Raises:
        SourceError: it cannot be read; the message names the byte.
    """
    with path.open("rb") as file:
        survey = _Survey()
        survey.read(records.Records(file))
        gaps = survey.gaps()
        rows = _Rows()
        rows.add("file", value=json.dumps(survey.facts(), ensure_ascii=False))
        reading = _Messages(survey, rows)
        for record in records.Records(file):
            if record.kind == records.MESSAGE:
                reading.take(record, gaps)
                if rows.count >= _BATCH_ROWS:
                    yield rows.batch()
        yield rows.batch()
    reading.tell(told)
    survey.tell(told)


class _Survey:
    """What the file holds, found by reading it once: channels, schemas, log times by topic."""

    def __init__(self) -> None:
        self.channels: dict[int, _Channel] = {}
        self.schemas: dict[int, str] = {0: ""}
        self._times: dict[str, array[int]] = {}
        self._messages = 0
        self._said: dict[str, Any] = {}
        self._attachments: list[dict[str, Any]] = []
        self._metadata: dict[str, dict[str, str]] = {}
        self._more: Counter[str] = Counter()
        self._note = ""

    def read(self, found: records.Records) -> None:
        """Read the records.

        Raises:
            SourceError: one cannot be read.
        """
        for record in found:
            if record.kind == records.MESSAGE:
                self._take_time(record)
                continue
            try:
                self._take(record)
            except (error, UnicodeDecodeError) as problem:
                raise SourceError(f"byte {record.place:,}: a record of kind {record.kind} cannot be read") from problem
        if found.end == "cut off":
            self._note = f"is cut off within the record at byte {found.place:,}, which is left out"
        elif found.end == "no end":
            self._note = "has no end of its data: what recorded it was stopped, or goes on"

    def _take_time(self, record: Record) -> None:
        message, _ = records.message_of(record)
        channel = self.channels.get(message.channel)
        if channel is None:
            raise SourceError(f"byte {record.place:,}: a message is of channel {message.channel}, which did not come")
        if max(message.log_time, message.publish_time) >= 2**63:
            raise SourceError(f"byte {record.place:,}: a message is later than nanoseconds in 63 bits count")
        self._messages += 1
        if self._messages > _MOST_MESSAGES:
            raise SourceError(f"has more than {_MOST_MESSAGES:,} messages; split it, with mcap filter")
        self._times.setdefault(channel.topic, array("q")).append(message.log_time)

    def _take(self, record: Record) -> None:
        content = record.content
        if record.kind == records.HEADER:
            profile, at = records.text_at(content, 0)
            self._said = {"profile": profile, "library": records.text_at(content, at)[0]}
        elif record.kind == records.SCHEMA:
            (number,) = Struct("<H").unpack_from(content)
            self.schemas[number] = records.text_at(content, 2)[0]
        elif record.kind == records.CHANNEL:
            number, schema = _IDS.unpack_from(content)
            topic, at = records.text_at(content, _IDS.size)
            channel = _Channel(topic, schema, records.text_at(content, at)[0])
            if self.channels.setdefault(number, channel) != channel:
                raise SourceError(f"byte {record.place:,}: channel {number} is there again, and another")
        elif record.kind == records.ATTACHMENT:
            name, at = records.text_at(content, _ATTACHMENT.size)
            self._note_attachment(name, records.text_at(content, at)[0], record.size)
        elif record.kind == records.METADATA:
            name, at = records.text_at(content, 0)
            if record.size > len(content) or len(self._metadata) >= _MOST_NAMES:
                self._more["metadata"] += 1
            else:
                self._metadata[name] = self._metadata.get(name, {}) | records.texts_at(content, at)
        elif record.kind not in records.INDICES:
            self._more[f"records of kind {record.kind}"] += 1

    def _note_attachment(self, name: str, media_type: str, size: int) -> None:
        if len(self._attachments) < _MOST_NAMES:
            self._attachments.append({"name": name, "media_type": media_type, "record_bytes": size})
        self._more["attachments"] += 1

    def gaps(self) -> dict[str, Iterator[int]]:
        """Give by topic how long each message came after the one before, in the file's order; -1 of the first."""
        found = {}
        while self._times:
            topic, times = self._times.popitem()
            found[topic] = iter(_gaps_of(np.frombuffer(times, np.int64)))
        return found

    def facts(self) -> dict[str, Any]:
        """Say what the file says of itself."""
        more = {"metadata": self._metadata, "attachments": self._attachments}
        return self._said | {name: value for name, value in more.items() if value}

    def tell(self, told: Told) -> None:
        """Tell of what is left out."""
        told.notes += [self._note] if self._note else []
        told.unused |= self._more


def _gaps_of(times: NDArray[np.int64]) -> Iterator[int]:
    order = np.argsort(times, kind="stable")
    gaps = np.full(len(times), -1, np.int64)
    gaps[order[1:]] = np.diff(times[order])
    for start in range(0, len(gaps), _BATCH_ROWS):
        yield from gaps[start : start + _BATCH_ROWS].tolist()


class _Messages:
    """Makes rows of messages."""

    def __init__(self, survey: _Survey, rows: _Rows) -> None:
        self._survey = survey
        self._rows = rows
        self._decoder = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        self._undecoded: Counter[tuple[str, str]] = Counter()
        self._others: Counter[tuple[str, ...]] = Counter()
        self._far = self._late = self._count = 0

    def take(self, record: Record, gaps: dict[str, Iterator[int]]) -> None:
        """Make the rows of a message.

        Raises:
            SourceError: it says that it is JSON, and is none.
        """
        message, data = records.message_of(record)
        channel = self._survey.channels[message.channel]
        schema = self._survey.schemas.get(channel.schema, "")
        of_message = (message, channel.topic, schema, channel.encoding)
        latency = message.log_time - message.publish_time
        is_far = not message.publish_time or abs(latency) > _MOST_EXACT
        self._count += 1
        self._far += is_far
        self._late += latency != 0
        self._rows.of_message("message_latency", "ns", None if is_far else str(latency), *of_message)
        if (gap := next(gaps[channel.topic])) >= 0:
            self._rows.of_message("message_gap", "ns", str(gap), *of_message)
        if channel.encoding != "json":
            self._undecoded[channel.encoding, channel.topic] += 1
            return
        if record.size > records.MOST_MESSAGE_BYTES:
            raise SourceError(f"byte {record.place:,}: a message has {record.size:,} bytes of JSON, too many")
        try:
            value = self._decoder.decode(str(data, "utf-8"))
            for path, element, number in self._numbers(value, (channel.topic,), ""):
                self._rows.of_message(".".join(path), None, number, *of_message, element=element)
        except (ValueError, RecursionError) as problem:
            reason = (
                str(problem) if isinstance(problem, json.JSONDecodeError) else "it is no text, or nested too deeply"
            )
            where = f"byte {record.place:,}: message {message.sequence} of topic {channel.topic!r:.80}"
            raise SourceError(f"{where} is no JSON: {reason:.100}") from problem

    def _numbers(self, value: Any, path: tuple[str, ...], element: str) -> Iterator[tuple[tuple[str, ...], str, str]]:  # noqa: ANN401 - any JSON
        """Give the numbers of a value: the keys that lead there, the places in arrays, the number; count all else."""
        if isinstance(value, _Number):
            yield path, element, value
        elif isinstance(value, dict):
            for key, one in value.items():
                yield from self._numbers(one, (*path, key), element)
        elif isinstance(value, list):
            inner = (*path[:-1], f"{path[-1]}[]")
            for place, one in enumerate(value):
                yield from self._numbers(one, inner, f"{element},{place}" if element else str(place))
        elif value is not None:
            self._others[path if path in self._others or len(self._others) < _MOST_NAMES else ("...",)] += 1

    def tell(self, told: Told) -> None:
        """Tell what of the messages was not read."""
        told.unused |= {".".join(path): count for path, count in self._others.items()}
        for encoding in sorted({encoding for encoding, _ in self._undecoded}):
            topics = sorted(topic for one, topic in self._undecoded if one == encoding)
            count = sum(held for (one, _), held in self._undecoded.items() if one == encoding)
            named = ", ".join(topics[:_MOST_TOPICS_TOLD]) + (" and more" if len(topics) > _MOST_TOPICS_TOLD else "")
            told.unused[f"messages in {encoding or 'no encoding'}"] = count
            told.notes.append(
                f"has {count:,} messages in {encoding or 'no encoding'}, of which the times were read and not the "
                f"contents: {named:.400}{_CDR if encoding == 'cdr' else ''}"
            )
        if self._far:
            told.notes.append(
                f"has {self._far:,} messages without a publish time near their log time, which have no latency"
            )
        if self._count and not self._late:
            told.notes.append("has the log time as the publish time of all messages, so that latencies are 0")


class _Rows:
    """Gathers rows.

    Attributes:
        count: of those since the last batch.
    """

    def __init__(self) -> None:
        self._begin()

    def of_message(
        self,
        metric: str,
        unit: str | None,
        value: str | None,
        message: Message,
        topic: str,
        schema: str,
        encoding: str,
        *,
        element: str = "",
    ) -> None:
        """Add a row of a message."""
        texts = ("message", metric, unit, topic, schema or None, encoding or None, element or None, value)
        for column, text in zip(self._texts.values(), texts, strict=True):
            column.append(text)
        numbers = (message.log_time, message.publish_time, message.sequence)
        for column_of_numbers, number in zip(self._numbers.values(), numbers, strict=True):
            column_of_numbers.append(number)
        self.count += 1

    def add(self, kind: str, value: str) -> None:
        """Add a row of the file itself."""
        for name, column in self._texts.items():
            column.append({"kind": kind, "value": value}.get(name))
        for column_of_numbers in self._numbers.values():
            column_of_numbers.append(None)
        self.count += 1

    def batch(self) -> pa.RecordBatch:
        """Give the rows since the last one, and begin anew."""
        columns = [_coded(self._texts[name]) for name in _CODED]
        columns.append(from_strings(self._texts["value"]))
        columns += [from_integers(held, pa.int64()) for held in self._numbers.values()]
        self._begin()
        return pa.record_batch(columns, schema=SCHEMA)

    def _begin(self) -> None:
        self.count = 0
        self._texts: dict[str, list[str | None]] = {name: [] for name in (*_CODED, "value")}
        self._numbers: dict[str, list[int | None]] = {name: [] for name in _NUMBERS}


def _coded(texts: Sequence[str | None]) -> pa.Array:
    """Make a dictionary of texts."""
    found: dict[str | None, int] = {}
    codes = np.array([found.setdefault(text, len(found)) for text in texts], np.int32)
    absent = np.equal(codes, found[None]) if None in found else None
    return from_places(codes, from_strings([text or "" for text in found]), absent)
