"""Imports one harness file as one session: its rows go to the store as they are read."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.disk.safe_names import in_unicode
from pipeline.errors import SourceError
from pipeline.importers.connection import WholeFileError, one_line, open_connection
from pipeline.importers.csv_rows import plain_csv
from pipeline.importers.csv_shape import MAX_LINE_BYTES, find_shape, may_be_cut_off
from pipeline.importers.decoded import Decoded, Told
from pipeline.importers.definition import BY_RECORDS
from pipeline.importers.documents import json_fault
from pipeline.importers.emptiness import no_samples
from pipeline.importers.facts import (
    choose_id,
    read_facts,
    read_metric_facts,
    read_unused,
    read_warnings,
    revision_warning,
    version_warning,
)
from pipeline.importers.fields import UnreadKeys
from pipeline.importers.ignored import Ignored
from pipeline.importers.measurements import Measurements
from pipeline.importers.metrics import facts_of_metrics
from pipeline.importers.plain_text import of_one_name
from pipeline.importers.samples import CutDocument
from pipeline.importers.sifting import Sifter
from pipeline.importers.start import Start
from pipeline.importers.unused import Unused
from pipeline.model.arrays import integers
from pipeline.model.metric_facts import facts_of
from pipeline.model.session import Session
from pipeline.model.session_record import SessionRecord
from pipeline.model.timestamps import MAX_SECOND, TICKS_PER_SECOND
from pipeline.rows.summary import SessionSummary
from pipeline.sources.sidecar import read_sidecar

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from pipeline.importers.connection import Engines
    from pipeline.importers.csv_rows import PlainCsv
    from pipeline.importers.csv_shape import CsvShape
    from pipeline.importers.definition import Definition
    from pipeline.importers.documents import Document
    from pipeline.importers.options import ImportOptions
    from pipeline.importers.plain_text import PlainText
    from pipeline.model.columns import TimestampUnit
    from pipeline.model.metric_facts import MetricFacts

_LINE_BYTES = 1 << 20
_FROM_TIMES = {
    "timestamp": "the file",
    "epoch_ns": "the file",
    "offset_ns": "the file, relative to the session's start",
    "": "the session's start",
}


class HarnessFile:
    """A harness file that is being imported; use `read` to the end, then `session`.

    Attributes:
        path: the file.
        where: the file, and the document in it, for messages.
        document: what of it is read.
        content: its content.
        skipped: records that were left out.
        warnings: what the reader of its measurements should know.
        ignored: what its importer did not use of it, once it was read.
        tells_unused: whether the importer tells that.
    """

    def __init__(
        self,
        content: PlainText,
        document: Document,
        definition: Definition,
        directory: Path,
        options: ImportOptions,
        unit: TimestampUnit,
        engines: Engines,
    ) -> None:
        """Open the file.

        Args:
            content: the file.
            document: what of it is read.
            definition: its importer.
            directory: an empty directory for temporary files.
            options: how to import it.
            unit: timestamp unit of the store.
            engines: has the engine.

        Raises:
            SourceError: it cannot be read.
        """
        path = content.path
        self.path = path
        self.where = f"{path}: document {document.number}" if document.is_run else str(path)
        self.document = document
        self._start = Start(path, unit, options.zone, options.started_at)
        self.content = content
        self.skipped = 0
        self.warnings: list[str] = []
        self.ignored = Ignored({})
        self.tells_unused = definition.tells_unused
        self._unread = UnreadKeys()
        self._definition = definition
        self._directory = directory
        self._options = options
        self._engines = engines
        self._unit: TimestampUnit = unit
        companion = next((path.parent / name for name in definition.companions if (path.parent / name).is_file()), None)
        linked = directory / "companion"
        if companion is not None:
            linked.symlink_to(companion.resolve())
        self._variables = {
            "extract": str(self.content.extract) if self.content.extract else None,
            "companion": str(linked) if companion is not None else None,
            "name": in_unicode(path.name),
            "folder": in_unicode(path.absolute().parent.name),
            **{name: options.assumed.get(name) for name in definition.choices},
        }
        self._plain = of_one_name(document.plain, directory)
        self._object_limit = max(content.plain_size + 1, _LINE_BYTES) if definition.format == "json" else _LINE_BYTES
        self._shape: CsvShape | None = None
        self._rows: PlainCsv | None = None
        self._may_be_plain = True  # as CSV
        self._cut = document.cut
        self._decoded: Decoded | None = None
        self._record = SessionRecord()
        self._said: dict[str, MetricFacts] = {}
        self._summary = SessionSummary()
        self._measurements: Measurements | None = None
        self._with_all_keys = False
        self._lacks_earliest = False

    @property
    def session_id(self) -> str:
        """The id of the session; `read` has been called."""
        return self._record.session_id or ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Type name by attribute column; `read` has been called."""
        return {} if self._measurements is None else self._measurements.attributes

    def outdated(self, session: Session) -> str | None:
        """Say that a session of the same file was imported by another revision; None where it was not."""
        return revision_warning(self._definition, session.origin)

    def sift(self, problem: Exception) -> None:
        """Find what cannot be read after reading has failed, and leave it out if that is wanted; then read again.

        Args:
            problem: what reading raised.

        Raises:
            SourceError: the line that cannot be read and why, or the problem, where no single line is at fault.
        """
        if self._definition.format == "csv" and self._may_be_plain:
            self._may_be_plain = False  # the engine says what is wrong, or nothing is
            return
        if self._definition.format == "csv" and self._object_limit < MAX_LINE_BYTES:
            # A line is longer than most are, or the engine was wrong about the border of a small block.
            self._object_limit = MAX_LINE_BYTES
            return
        if self._definition.format not in BY_RECORDS or self.skipped:
            raise self._failure(problem)
        good = self._directory / "good"
        sifter = Sifter(
            self._definition.format,
            self._try,
            self._directory / "block",
            has_header=self._shape is not None and self._shape.has_header,
            stand_alone=self._definition.records_stand_alone,
        )
        sifter.sift(self._plain, good if self._options.skip_bad else None)
        if not sifter.bad:
            raise self._failure(problem)
        line, reason = sifter.bad[0]
        if not self._options.skip_bad:
            line += self.document.lines_before
            raise SourceError(f"{self.path}: line {line}: {reason}; --skip-bad leaves such records out")
        if not sifter.good_count:
            raise SourceError(f"{self.path}: no record can be read; line {line}: {reason}")
        self.skipped = len(sifter.bad)
        self._plain = good

    def _failure(self, problem: Exception) -> SourceError:
        if self._definition.format == "json":
            fault = json_fault(self._plain.read_text(encoding="utf-8", errors="replace"))
            if fault is not None:
                return SourceError(f"{self.where}: {fault}")
        if isinstance(problem, SourceError):
            problem.args = (f"{self.where}: {problem}",)
            return problem
        if self._definition.reader:
            return SourceError(f"{self.where}: {one_line(problem)}")
        return SourceError(f"{self.where}: cannot be read as a file of {self._definition.name} ({one_line(problem)})")

    def _try(self, block: Path) -> None:
        with self._open(block) as connection:
            measurements = self._measurements_of(connection, with_all_keys=True)
            for _ in measurements.batches("x", self._start.ticks or 0):
                pass
            if self._definition.format == "csv":
                # What is counted of columns that are not read has to be text, too.
                connection.sql("SELECT count(COLUMNS(*)) FROM records").fetchall()

    def _open(self, plain: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        if self._definition.format == "csv" and self._shape is None:
            try:
                self._shape = find_shape(
                    self._plain, self._definition.columns, self._definition.layouts, self._options.header
                )
            except SourceError as error:
                raise WholeFileError(str(error)) from error
        if self._definition.samples and self._cut is None:
            self._cut = CutDocument(plain, self._definition.samples, self._directory / "document")
        if self._cut is not None:
            self._object_limit = max(self._cut.path.stat().st_size + 1, _LINE_BYTES)
        self._decoded = Decoded(self._definition.reader, plain) if self._definition.reader else None
        self._rows = None
        if self._shape is not None and self._may_be_plain:
            left = self._definition.reads.left_columns(self._shape.names) if self._definition.reads else ()
            self._rows = plain_csv(plain, self._shape, self._definition.column_types, left)
        of_file = (self._object_limit, self._shape, self._cut, self._unread, self._decoded, self._engines, self._rows)
        return open_connection(self._definition, plain, self._variables, *of_file)

    def read(self) -> tuple[pa.Schema, Generator[pa.RecordBatch]]:
        """Open the rows: their schema, and the batches, which come in order.

        Raises:
            SourceError, duckdb.Error: the file cannot be read; so does the iterator.
        """
        if self._lacks_earliest:
            # Here, since a record that cannot be read may be met now.
            self._find_earliest()
        self._summary = SessionSummary()
        opening = self._open(self._plain)
        connection = opening.__enter__()
        try:
            facts = read_facts(connection, self._definition)
            self._record = self._complete(facts)
            self._said = read_metric_facts(connection, self._definition)
            self.warnings = read_warnings(connection, self._definition)
            if (warning := version_warning(self._definition, facts.harness_version)) is not None:
                self.warnings.append(warning)
            if self._definition.format in {"csv", "lines"} and may_be_cut_off(self._plain):
                self.warnings.append("its last record has no line end; the file may be cut off")
            constants = self._record.scalar_attributes
            measurements = self._measurements_of(connection, constants, with_all_keys=self._with_all_keys)
            self._measurements = measurements
            self._start.find(self._record, measurements.times.columns)
            measurements.times.suppose_none = self._start.suppose_none
        except BaseException as error:
            opening.__exit__(type(error), error, error.__traceback__)
            raise
        return measurements.schema, self._batches(measurements, opening, connection)

    def _measurements_of(
        self,
        connection: duckdb.DuckDBPyConnection,
        constants: Mapping[str, str | int | float | bool] | None = None,
        *,
        with_all_keys: bool,
    ) -> Measurements:
        of_file = (self._definition, self._unit, self._options.zone, constants, self._cut, self._decoded)
        is_large = self.content.plain_size > _LINE_BYTES
        return Measurements(connection, *of_file, with_all_keys=with_all_keys, ahead=is_large)

    def _batches(
        self,
        measurements: Measurements,
        opening: AbstractContextManager[object],
        connection: duckdb.DuckDBPyConnection,
    ) -> Generator[pa.RecordBatch]:
        of_file = (self._definition, self._plain, self._shape, self._cut, self._unread, self._rows)
        try:
            with Unused(*of_file) as unused:
                with closing(measurements.batches(self.session_id, self._start.ticks)) as batches:
                    for batch in batches:
                        if batch.num_rows:
                            self._summary.add(batch, measurements.attributes)
                        yield batch
                if not self._summary.measurement_count:
                    if self._definition.lacking:
                        raise WholeFileError(self._definition.lacking)
                    if not self._options.allow_empty:
                        raise WholeFileError(no_samples(connection, self._definition))
                told = self._decoded.told if self._decoded else Told()
                names = [*read_unused(connection, self._definition), *told.unused.items()]
                self.ignored = unused.find(connection, measurements.given, told).and_also(names)
            self.warnings += [*self.ignored.warnings(), *told.notes]
            self._said |= told.facts
        finally:
            opening.__exit__(None, None, None)

    def _complete(self, record: SessionRecord) -> SessionRecord:
        """Let the record beside the file, which a person wrote, win over what the file says."""
        beside = read_sidecar(self.path)
        if len(beside) > 1:
            raise SourceError("the record beside it is of several sessions; a harness file is one")
        given = beside[0] if beside else SessionRecord()
        run = self.document.number if self.document.is_run else None
        return SessionRecord(
            session_id=choose_id(self.path, self._options.session_id or given.session_id, record.session_id, run),
            started_at=given.started_at or record.started_at,
            ended_at=given.ended_at or record.ended_at,
            harness_name=given.harness_name or record.harness_name,
            harness_version=given.harness_version or record.harness_version,
            configuration=given.configuration or record.configuration or self._options.configuration or {},
            attributes={**record.attributes, **given.attributes},
            metric_facts=given.metric_facts,
        )

    def find_all_keys(self) -> None:
        """Look at all rows for keys of their attributes when they are read again."""
        self._with_all_keys = True

    def find_earliest(self) -> None:
        """Find the earliest time of a row when all are read again: it is that of rows without one."""
        self._lacks_earliest = True

    def _find_earliest(self) -> None:
        latest = MAX_SECOND * TICKS_PER_SECOND["us"] if self._unit == "us" else 2**63 - 1
        with self._open(self._plain) as connection:
            measurements = self._measurements_of(connection, with_all_keys=True)
            # Relative times wait for the start, too.
            measurements.times.columns = tuple(name for name in measurements.times.columns if name != "offset_ns")
            earliest = latest
            for batch in measurements.batches("x", latest):
                if batch.num_rows:
                    earliest = min(earliest, int(integers(batch.column("timestamp")).min()))
        self._start.note_earliest(earliest if earliest != latest else None)
        self._lacks_earliest = False

    def session(self) -> Session:
        """Describe the session after its rows were read."""
        assert self._measurements is not None, "rows are read first"  # noqa: S101 - the order of calls
        rows = self._summary
        start = self._start.settled(rows.first_timestamp)
        end = self._record.ticks("ended_at", self._unit, self._options.zone)
        if end is None:
            end = rows.end_after(start)
        warnings = [*self.warnings, *self._start.warnings]
        used = [text for name, text in _FROM_TIMES.items() if self._measurements.times.sources.get(name)]
        return Session(
            session_id=self.session_id,
            timestamp_unit=self._unit,
            started_at=start,
            ended_at=end,
            harness_name=self._record.harness_name,
            harness_version=self._record.harness_version,
            configuration=self._record.configuration,
            attributes=self._record.attributes,
            **rows.figures(),
            metric_facts=facts_of_metrics(rows.metrics, self._said, self._definition.metrics)
            | facts_of(rows.metrics, self._record.metric_facts),
            dropped_digit_count=self._measurements.times.dropped_digits,
            columns=dict(self._measurements.attributes),
            origin={
                "file": in_unicode(self.path.name),
                "bytes": self.content.size,
                "sha256": self.content.sha256,
                **({} if self.document.number is None else {"document": self.document.number}),
                "importer": self._definition.revision,
                "importer_name": self._definition.name,
                "start_from": self._start.source,
                "times_from": list(dict.fromkeys(used)),
                "skipped_records": self.skipped,
                **({"warnings": warnings} if warnings else {}),
                **self.ignored.origin(),
            },
        )
