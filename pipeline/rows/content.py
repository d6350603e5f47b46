"""What a file holds: rows, their time range and digest, in all and by session, counted as they pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import SourceError
from pipeline.model.arrays import integers
from pipeline.rows.batches import select_columns
from pipeline.rows.digest import Digest, digest_keys, digest_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa


class Content:
    """Figures of rows; batches are added as they pass.

    Attributes:
        rows: number of rows.
        first_timestamp: earliest time, None without rows or times.
        last_timestamp: latest time.
        rows_by_session: number of rows by session id, in order; empty where the rows have no sessions.
        sequences: first and last sequence by session id, where both columns are written.
    """

    # One is kept of each file, of which a package may have very many.
    __slots__ = (
        "_digest",
        "_digest_by_session",
        "_keys",
        "first_timestamp",
        "last_timestamp",
        "rows",
        "rows_by_session",
        "sequences",
    )

    def __init__(self, *, digested: bool) -> None:
        """Start at nothing.

        Args:
            digested: compute digests.
        """
        self.rows = 0
        self.first_timestamp: int | None = None
        self.last_timestamp: int | None = None
        self.rows_by_session: dict[str, int] = {}
        self.sequences: dict[str, tuple[int, int]] = {}
        self._digest = Digest() if digested else None
        self._digest_by_session: dict[str, Digest] = {}
        self._keys: Sequence[int] | None = None

    @property
    def digest(self) -> str | None:
        """Digest of all rows, None where it is not computed."""
        return self._digest.text if self._digest else None

    @property
    def session_digests(self) -> Mapping[str, Digest]:
        """Digests of the rows of each session, by its id; none where they are not computed."""
        return self._digest_by_session

    def describe_sessions(self) -> list[dict[str, Any]]:
        """Rows, sequences and digest of each session, as JSON values."""
        described: list[dict[str, Any]] = []
        for session_id, rows in self.rows_by_session.items():
            one: dict[str, Any] = {"session_id": session_id, "rowCount": rows}
            if session_id in self.sequences:
                one["firstSequence"], one["lastSequence"] = self.sequences[session_id]
            if self._digest:
                one["contentDigest"] = self._digest_by_session.get(session_id, Digest()).text
            described.append(one)
        return described

    def record(self) -> dict[str, Any]:
        """Give all that it knows as JSON values, for `restored`."""
        return {
            "rows": self.rows,
            "times": [self.first_timestamp, self.last_timestamp],
            "digest": self.digest,
            "sessions": self.describe_sessions(),
        }

    @classmethod
    def restored(cls, record: Mapping[str, Any]) -> Self:
        """Make it again of what `record` gave."""
        content = cls(digested=record["digest"] is not None)
        content.rows = record["rows"]
        content.first_timestamp, content.last_timestamp = record["times"]
        if record["digest"] is not None:
            content._digest = Digest.parse(record["digest"])
        for one in record["sessions"]:
            session_id = one["session_id"]
            content.rows_by_session[session_id] = one["rowCount"]
            if "firstSequence" in one:
                content.sequences[session_id] = one["firstSequence"], one["lastSequence"]
            if "contentDigest" in one:
                content._digest_by_session[session_id] = Digest.parse(one["contentDigest"])
        return content

    def add_times(self, first: int, last: int) -> None:
        """Widen the time range."""
        self.first_timestamp = first if self.first_timestamp is None else min(first, self.first_timestamp)
        self.last_timestamp = last if self.last_timestamp is None else max(last, self.last_timestamp)

    def add(self, batch: pa.RecordBatch, columns: Sequence[str]) -> None:
        """Add a batch of measurements of one session.

        Args:
            batch: the rows, with session_id and timestamp.
            columns: what of them is written, and so enters the digest; the same for all batches, as their types are.
        """
        session_id = batch.column("session_id")[0].as_py()
        self.rows += batch.num_rows
        self.rows_by_session[session_id] = self.rows_by_session.get(session_id, 0) + batch.num_rows
        if "sequence" in columns and "session_id" in columns:
            sequence = integers(batch.column("sequence"))
            first, _ = self.sequences.get(session_id, (int(sequence[0]), 0))
            self.sequences[session_id] = first, int(sequence[-1])
        ticks = integers(batch.column("timestamp"))
        self.add_times(int(ticks.min()), int(ticks.max()))
        if self._digest:
            rows = select_columns(batch, columns)
            self._keys = self._keys or digest_keys(tuple(rows.schema))
            lanes = digest_rows(rows, self._keys)
            self._digest.add(lanes)
            self._digest_by_session.setdefault(session_id, Digest()).add(lanes)

    def add_plain(self, batch: pa.RecordBatch) -> None:
        """Add a batch of rows that are no measurements: they count and enter the digest."""
        self.rows += batch.num_rows
        if self._digest:
            self._digest.add(digest_rows(batch))

    def include(self, other: Content) -> None:
        """Add what another knows of rows of further sessions."""
        self.rows += other.rows
        self.rows_by_session |= other.rows_by_session
        self.sequences |= other.sequences
        if other.first_timestamp is not None and other.last_timestamp is not None:
            self.add_times(other.first_timestamp, other.last_timestamp)
        if self._digest and other._digest:
            self._digest.add(other._digest.lanes)
            self._digest_by_session |= other._digest_by_session

    def pass_over(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Read rows that have been added already, by the run that wrote their file.

        Raises:
            SourceError: they are not as many.
        """
        passed = sum(batch.num_rows for batch in batches)
        if passed != self.rows:
            raise SourceError(f"{passed} rows stand where {self.rows} were; the source changed while it was read")


def observed(
    batches: Iterable[pa.RecordBatch],
    columns: Sequence[str],
    seen: Iterable[Callable[[pa.RecordBatch], None]],
) -> Iterator[pa.RecordBatch]:
    """Pass batches on, cut down to the columns that are written, after each observer has seen them."""
    observers = list(seen)
    for batch in batches:
        for observe in observers:
            observe(batch)
        yield select_columns(batch, columns)


def digests_of_sessions(contents: Iterable[Content]) -> dict[str, str]:
    """Sum up the digests of each session's rows over files, by its id."""
    sums: dict[str, Digest] = {}
    for content in contents:
        for session_id, digest in content.session_digests.items():
            sums.setdefault(session_id, Digest()).add(digest.lanes)
    return {session_id: digest.text for session_id, digest in sums.items()}


def package_range(contents: Sequence[Content], into: Content) -> Content:
    """Unite the time ranges of files."""
    for content in contents:
        if content.first_timestamp is not None and content.last_timestamp is not None:
            into.add_times(content.first_timestamp, content.last_timestamp)
    return into
