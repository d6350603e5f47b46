"""Very many sessions in little memory: as columns, of which a session is made when it is asked for."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from pipeline.model.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NUMBERS = (
    "started_at",
    "ended_at",
    "measurement_count",
    "first_timestamp",
    "last_timestamp",
    "null_count",
    "backward_timestamp_count",
    "dropped_digit_count",
)
_COUNT, _DROPPED = _NUMBERS.index("measurement_count"), _NUMBERS.index("dropped_digit_count")
_SHARED = (
    "timestamp_unit",
    "harness_name",
    "harness_version",
    "configuration",
    "attributes",
    "metrics",
    "metric_facts",
    "columns",
    "origin",
)
_COLUMNS = _SHARED.index("columns")
_ABSENT = -(2**63)  # no time is so early
_DIGEST = re.compile("rows1:[0-9a-f]{32}")
_DIGEST_START, _DIGEST_BYTES = "rows1:", 16


class CompactSessions(Sequence[Session]):
    """Sessions, each of which is made anew whenever it is asked for.

    What many of them share, as metrics and columns, is held once, where they have the same object.
    """

    def __init__(self, sessions: Iterable[Session]) -> None:
        """Take sessions, in their order."""
        self._held = _Columns()
        for session in sessions:
            self._held.add(session)
        self._rows: Sequence[int] = range(len(self._held.ids))

    def in_order(self) -> CompactSessions:
        """Give them in the order of the model."""
        starts = self._held.numbers[:: len(_NUMBERS)]
        rows = sorted(self._rows, key=lambda row: (starts[row], self._held.ids[row]))
        return self if all(map(int.__eq__, rows, self._rows)) else self._of(rows)

    def _of(self, rows: Sequence[int]) -> CompactSessions:
        chosen = CompactSessions(())
        chosen._held, chosen._rows = self._held, rows
        return chosen

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Session: ...

    @overload
    def __getitem__(self, at: slice) -> CompactSessions: ...

    def __getitem__(self, at: int | slice) -> Session | CompactSessions:
        """Give one of them, or some."""
        return self._of(self._rows[at]) if isinstance(at, slice) else self._held.session(self._rows[at])

    @property
    def session_ids(self) -> list[str]:
        """The id of each."""
        return [self._held.ids[row] for row in self._rows]

    def numbers(self, which: int) -> list[int]:
        """Give one of the numbers of each."""
        values = self._held.numbers[which :: len(_NUMBERS)]
        return [values[row] for row in self._rows]

    @property
    def columns(self) -> list[Mapping[str, str]]:
        """Type name by attribute column of each; equal ones are mostly one object."""
        return [self._held.shared[self._held.parts[row]][_COLUMNS] for row in self._rows]


class _Columns:
    """What is held.

    Attributes:
        ids: of each session.
        numbers: those of a session after those of the one before.
        parts: which of the shared parts each has.
        shared: values by `_SHARED`.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.numbers = array("q")
        self.parts = array("q")
        self.shared: list[tuple[Any, ...]] = []
        self._places: dict[tuple[int, ...], int] = {}
        self._digests = bytearray()
        self._other_digests: dict[int, str | None] = {}

    def add(self, session: Session) -> None:
        shared = tuple(getattr(session, name) for name in _SHARED)
        place = self._places.setdefault(tuple(map(id, shared)), len(self.shared))
        if place == len(self.shared):
            self.shared.append(shared)
        self.parts.append(place)
        self.numbers.extend(_ABSENT if (value := getattr(session, name)) is None else value for name in _NUMBERS)
        digest = session.content_digest
        if digest is not None and _DIGEST.fullmatch(digest):
            self._digests += bytes.fromhex(digest[len(_DIGEST_START) :])
        else:
            self._other_digests[len(self.ids)] = digest
            self._digests += bytes(_DIGEST_BYTES)
        self.ids.append(session.session_id)

    def session(self, row: int) -> Session:
        at = row * len(_NUMBERS)
        numbers = [None if value == _ABSENT else value for value in self.numbers[at : at + len(_NUMBERS)]]
        fields: dict[str, Any] = dict(zip(_SHARED, self.shared[self.parts[row]], strict=True))
        fields.update(zip(_NUMBERS, numbers, strict=True))
        digest = self._digests[row * _DIGEST_BYTES : (row + 1) * _DIGEST_BYTES].hex()
        return Session(
            session_id=self.ids[row],
            content_digest=self._other_digests[row] if row in self._other_digests else _DIGEST_START + digest,
            **fields,
        )


def ids_of(sessions: Sequence[Session]) -> list[str]:
    """List the ids of sessions."""
    if isinstance(sessions, CompactSessions):
        return sessions.session_ids
    return [session.session_id for session in sessions]


def counts_of(sessions: Sequence[Session]) -> list[int]:
    """List how many rows sessions have."""
    if isinstance(sessions, CompactSessions):
        return sessions.numbers(_COUNT)
    return [session.measurement_count for session in sessions]


def dropped_digits_of(sessions: Sequence[Session]) -> int:
    """Count the rows of sessions whose times lost digits."""
    if isinstance(sessions, CompactSessions):
        return sum(sessions.numbers(_DROPPED))
    return sum(session.dropped_digit_count for session in sessions)


def shapes_of(sessions: Sequence[Session]) -> list[tuple[int, Mapping[str, str]]]:
    """List which attribute columns sessions have, in the order in which they come.

    Returns:
        the place of a session, and type name by its attribute columns; of equal ones mostly the first.
    """
    columns = sessions.columns if isinstance(sessions, CompactSessions) else [one.columns for one in sessions]
    found: dict[int, tuple[int, Mapping[str, str]]] = {}
    for at, held in enumerate(columns):
        found.setdefault(id(held), (at, held))
    return list(found.values())
