"""What an import did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pipeline.display import html_table, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.model.session import Session

MAX_TOLD = 20
"""Files that are told of one by one."""


@dataclass(frozen=True, kw_only=True)
class IgnoredNames:
    """Names in a file that its importer did not use.

    Attributes:
        names: how many values each had, by name; at most 100, sorted.
        more: how many other names there were.
    """

    names: Mapping[str, int]
    more: int = 0

    @property
    def count(self) -> int:
        """How many names there were."""
        return len(self.names) + self.more

    def __str__(self) -> str:
        """Say how many there were, and where they stand."""
        return f"{quantity(self.count, 'name')} not used (origin.ignored of its session has them)"


@dataclass(frozen=True, kw_only=True)
class ImportedFile:
    """What a harness file, or a document in it, became.

    Attributes:
        file: the file, and the document in it.
        session_id: of its session.
        harness: what wrote it, None where nobody knows.
        harness_version: its version, None where the file does not say it.
        importer: name of the importer.
        rows: how many.
        samples: how many metrics are of samples.
        aggregates: how many metrics are figures that stand for many samples.
        start_from: what says when the session started.
        times_from: what the times of rows come from.
        ignored: names in it that were not used, None where all was.
        tells_unused: whether names that were not used are known: an own importer may not say what it reads.
    """

    file: str
    session_id: str
    harness: str | None
    harness_version: str | None
    importer: str
    rows: int
    samples: int
    aggregates: int
    start_from: str
    times_from: tuple[str, ...]
    ignored: IgnoredNames | None = None
    tells_unused: bool = True

    @classmethod
    def of(cls, file: str, session: Session, ignored: IgnoredNames | None, *, tells_unused: bool = True) -> Self:
        """Tell of a session that came from a file."""
        aggregates = sum(facts.is_aggregate for facts in session.metric_facts.values())
        return cls(
            file=file,
            session_id=session.session_id,
            harness=session.harness_name,
            harness_version=session.harness_version,
            importer=session.origin["importer_name"],
            rows=session.measurement_count,
            samples=len(session.metrics) - aggregates,
            aggregates=aggregates,
            start_from=session.origin["start_from"],
            times_from=tuple(session.origin["times_from"]),
            ignored=ignored,
            tells_unused=tells_unused,
        )

    def __str__(self) -> str:
        """Tell of it in a line."""
        tool = " ".join(text for text in (self.harness or "harness unknown", self.harness_version) if text)
        metrics = [f"{quantity(self.samples, 'metric')} of samples"] if self.samples else []
        metrics += [quantity(self.aggregates, "aggregate")] if self.aggregates else []
        times = f", times from {' and '.join(self.times_from)}" if self.times_from else ""
        unused = f"; {self.ignored}" if self.ignored else ""
        if not self.tells_unused:
            unused += "; what it does not use is not counted: its importer has no line -- reads:"
        return (
            f"{self.file}: {tool}, {quantity(self.rows, 'row')} of {' and '.join(metrics) or 'no metric'}; "
            f"start from {self.start_from}{times}{unused}"
        )


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did.

    Attributes:
        to: the store.
        imported: ids of the sessions that were written, in order.
        unchanged: ids of the sessions that were in the store already and were skipped.
        empty: ids of those of the imported that have no rows.
        rows: rows written.
        skipped_rows: bad rows that were left out.
        dropped_digits: rows whose time had digits below the store's unit.
        seconds: how long it took.
        warnings: what the reader of the measurements should know, each with its file.
        unknown: what is told of each file that nobody knows and that was left out.
        files: what each harness file became, in order.
        ignored: by file, the names in it that were not used: keys and columns; a file of which all was has none.
    """

    to: str
    imported: tuple[str, ...]
    unchanged: tuple[str, ...]
    empty: tuple[str, ...]
    rows: int
    skipped_rows: int
    dropped_digits: int
    seconds: float
    warnings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    files: tuple[ImportedFile, ...] = ()
    ignored: Mapping[str, IgnoredNames] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        notes = [f"{quantity(self.skipped_rows, 'bad row')} left out"] if self.skipped_rows else []
        if self.empty:
            notes.append(f"{quantity(len(self.empty), 'session')} without rows")
        if self.dropped_digits:
            notes.append(f"digits of {quantity(self.dropped_digits, 'time')} dropped")
        notes += self.warnings
        notes += left_out(self)
        notes += map(str, self.files[:MAX_TOLD])
        notes += [more_files(self)] if len(self.files) > MAX_TOLD else []
        return html_table(
            f"{self.to}: {quantity(len(self.imported), 'session')}, {quantity(self.rows, 'row')} imported in "
            f"{self.seconds:.2f} s",
            ("session_id", "is"),
            [*((one, "imported") for one in self.imported), *((one, "unchanged") for one in self.unchanged)],
            notes,
        )


def left_out(result: ImportResult) -> list[str]:
    """Say which files were left out because nobody knows them, the first of them one by one."""
    if not result.unknown:
        return []
    more = len(result.unknown) - MAX_TOLD
    rest = [f"and {quantity(more, 'unknown file')} more; --json tells of all"] if more > 0 else []
    return [*(f"left out: {told}" for told in result.unknown[:MAX_TOLD]), *rest]


def more_files(result: ImportResult) -> str:
    """Say how many files are not told of one by one."""
    return f"and {quantity(len(result.files) - MAX_TOLD, 'file')} more; --json tells of all"
