"""Opens files and databases as a scan: Parquet in order is read where it lies, all else through a spool."""

from __future__ import annotations

import itertools
import shutil
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.disk.safe_names import in_unicode
from pipeline.disk.temporary import temporary_errors
from pipeline.errors import SourceError
from pipeline.model.columns import UNTYPED, TimestampUnit, measurements_schema, with_repeated
from pipeline.model.compact_sessions import CompactSessions
from pipeline.model.session_record import SessionRecord, parse_records
from pipeline.rows.attributes import attributes_of, check_column_names, merge_attributes
from pipeline.rows.normalise import Normaliser, conform_to
from pipeline.rows.rules import RowChecker, require_short_rows
from pipeline.rows.summaries import SummaryOfSessions
from pipeline.runtime.progress import expect, phase
from pipeline.scan.data_file import DataFile
from pipeline.scan.parquet import may_swell, open_parquet, read_parquet, repeated_texts
from pipeline.scan.reading import Reading, reading_errors
from pipeline.scan.scan import Scan
from pipeline.sources.early_spool import EarlySpool
from pipeline.sources.formats import file_format
from pipeline.sources.kept_records import is_of_package, records_that_came_along
from pipeline.sources.passing_rows import PassingRows
from pipeline.sources.sessions import RecordedSessions
from pipeline.sources.sidecar import read_sidecar
from pipeline.sources.spool import SORTED, Spool, sort_files
from pipeline.sources.staying import StayingFiles, ids_of, read_where_it_lies, rows_in
from pipeline.sources.text_files import FractionsFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.disk.held import HeldFiles
    from pipeline.model.session import Session
    from pipeline.runtime.progress import Phase
    from pipeline.scan.passing import PassingSessions
    from pipeline.sources.options import PlainOptions
    from pipeline.store.early_files import EarlyFiles

_BATCH_ROWS = 16_384  # rows of text are Python objects for a while


@dataclass(frozen=True)
class Plain:
    """What was opened.

    Attributes:
        scan: the rows.
        skipped: how many bad rows were left out.
        warnings: what is lost, a sentence each.
    """

    scan: Scan
    skipped: int
    warnings: Sequence[str] = ()


class _FinerTimesError(Exception):
    """Microseconds would drop digits."""


def open_plain(
    paths: Sequence[Path],
    spool_directory: Path,
    options: PlainOptions,
    held: HeldFiles | None = None,
    early: EarlyFiles | None = None,
) -> Plain:
    """Open files as one source.

    Args:
        paths: the files.
        spool_directory: an empty directory for rows that cannot be read where they lie.
        options: how to read them.
        held: what holds files open that are told by their bytes.
        early: where the files of large sessions go that are to be imported.

    Raises:
        SourceError: a file cannot be read or holds bad data.
    """
    unit = options.timestamp_unit or "us"
    number_columns = {name for name, kind in options.attributes.items() if kind == "float64"}
    for attempt in itertools.count():
        directory = spool_directory / str(attempt)
        with temporary_errors(directory):
            directory.mkdir()
        try:
            return _Opening(paths, directory, options, unit, number_columns, held, early).run()
        except _FinerTimesError:
            unit = "ns"
        except FractionsFoundError as found:
            number_columns.add(found.column)
        shutil.rmtree(directory)
    raise AssertionError("the loop ends by returning")


class _Opening:
    def __init__(
        self,
        paths: Sequence[Path],
        spool_directory: Path,
        options: PlainOptions,
        unit: TimestampUnit,
        number_columns: set[str],
        held: HeldFiles | None,
        early: EarlyFiles | None,
    ) -> None:
        self._early = early
        self._formats = {path: file_format(path) for path in paths}
        self._held = held
        self._directory = spool_directory
        self._options = options
        self._unit = unit
        self._number_columns = number_columns
        self._ambiguous_columns: set[str] = set()
        self._widen = all(kind.is_text for kind in self._formats.values())
        self._sessions = RecordedSessions(options, unit)
        self._dropped: dict[str, int] = {}
        self._attributes: dict[str, str] = {}
        self._passing = PassingRows()
        self._sessions_in: Mapping[Path, set[str]] = {}
        self._skipped = 0
        self._warnings: list[str] = []

    def run(self) -> Plain:
        records = {path: self._records_of(path) for path in self._formats}
        staying: StayingFiles | None = None
        is_parquet = all(kind.name == "parquet" for kind in self._formats.values())
        if all(self._can_stay(path, records[path]) for path in self._formats):
            files = self._by_first_row(list(self._formats))
            if self._options.told_by == "bytes":
                staying = StayingFiles(files, records, self._options, self._unit, self._held)
            for path in files:
                with reading_errors(path):
                    self._merge(attributes_of(self._schema_of(path)))
                # What describes rows themselves names their session rightly.
                asks = len(records[path]) == 1 and not records[path][0].is_described
                self._sessions.keep(path, records[path], ids_of(path) if asks else None)
            if staying and self._options.reads_once and (planned := staying.plan(self._sessions, self._attributes)):
                return Plain(self._scan(staying.files, planned.sessions, staying, planned.passing), 0, self._warnings)
        else:
            is_parquet = False
        if not is_parquet:
            files = self._spool(records)
        data = staying.files if staying and is_parquet else [DataFile(path) for path in files]
        summary = self._passing.summary(files, self._sessions_in, self._attributes) or self._summarise(data)
        if summary.disorder is not None or not self._sessions.in_order(summary.by_session):
            if summary.disorder is not None and self._early is not None:
                self._early.distrust()
            files = sort_files(
                [file.opened_as for file in data],
                self._directory / "sorted",
                self._schema,
                self._sessions.starts,
                default_start=self._sessions.default_start,
                memory_limit=self._options.memory_limit,
                threads=self._options.threads,
            )
            data = [DataFile(path) for path in files]
            summary = self._summarise(data)
            if summary.disorder is not None:
                raise summary.disorder
        if staying:
            staying.require_unchanged()
        united = self._sessions.unite(summary.by_session, self._dropped, self._attributes)
        sessions = CompactSessions(united).in_order()
        data = [replace(file, is_temporary=file.path not in self._formats) for file in data]
        return Plain(self._scan(data, sessions, staying), self._skipped, self._warnings)

    def _scan(
        self,
        files: Sequence[DataFile],
        sessions: Sequence[Session],
        staying: StayingFiles | None,
        passing: PassingSessions | None = None,
    ) -> Scan:
        return Scan(
            name=_name_of(list(self._formats)),
            timestamp_unit=self._unit,
            sessions=sessions,
            files=tuple(files),
            attributes={name: "string" if kind == UNTYPED else kind for name, kind in self._attributes.items()},
            files_sha256=staying.sha256 if staying else None,
            passing=passing,
        )

    @property
    def _schema(self) -> pa.Schema:
        return measurements_schema(self._unit, self._attributes)

    def _records_of(self, path: Path) -> list[SessionRecord]:
        if self._options.records is not None:
            return list(self._options.records.get(path, ()))
        records = read_sidecar(path)
        if not records and self._formats[path].name == "duckdb":
            from pipeline.sources.database import read_records  # noqa: PLC0415 - needs duckdb

            with reading_errors(path):
                records = parse_records(read_records(path), where="table 'sessions'")
        if not records and self._formats[path].name in {"parquet", "arrow"}:
            with reading_errors(path):
                records = records_that_came_along(path, self._schema_of(path), self._unit)
        if not records and is_of_package(path):
            self._warnings.append(
                f"{path}: is a file of a package, without the records of its sessions: what is known of their start, "
                "harness, configuration, attributes and metrics is lost; `pipeline import` takes the package itself"
            )
        if not records and self._options.session_id is not None:
            records = [SessionRecord(session_id=self._options.session_id)]
        if len(records) == 1 and records[0].session_id is None and self._options.session_id is not None:
            records = [replace(records[0], session_id=self._options.session_id)]
        return records

    def _can_stay(self, path: Path, records: Sequence[SessionRecord]) -> bool:
        """Whether a file's rows are of the model as they lie there."""
        kinds = {"parquet", "arrow"} if self._options.told_by == "bytes" else {"parquet"}
        if self._formats[path].name not in kinds or self._options.skip_bad or self._options.session_id is not None:
            return False
        if any(record.session_id is None for record in records):
            return False
        with reading_errors(path):
            schema = self._schema_of(path)
            check_column_names(schema.names)
            may_stay = self._formats[path].name != "parquet" or not may_swell(path)
        held = set(schema.names)
        if any(name not in held for r in records for name in r.scalar_attributes):
            return False
        expected = measurements_schema(self._unit, attributes_of(schema))
        return may_stay and [(f.name, f.type) for f in schema] == [(f.name, f.type) for f in expected]

    def _schema_of(self, path: Path) -> pa.Schema:
        if self._formats[path].name == "parquet":
            with open_parquet(path) as file:
                return file.schema_arrow.with_metadata(file.metadata.metadata)
        return next(read_where_it_lies(path)).schema

    def _spool(self, records: Mapping[Path, list[SessionRecord]]) -> list[Path]:
        sizes = {path: path.stat().st_size for path in self._formats if path.exists()}
        with self._new_spool() as spool:
            text_types = self._text_types(sizes)
            with phase("converting", sum(sizes.values()), "bytes") as converting:
                for path in self._formats:
                    with reading_errors(path):
                        self._spool_file(path, records[path], spool, text_types, converting)
        self._sessions_in = spool.sessions
        return self._passing.ordered(spool.sessions, self._sessions.start_of) or self._by_first_row(spool.files)

    def _new_spool(self) -> Spool:
        directory = self._directory / "spool"
        return Spool(directory) if self._early is None else EarlySpool(directory, self._early)

    def _text_types(self, sizes: Mapping[Path, int]) -> dict[str, str]:
        """Find the types that the attributes of all CSV files can have; a column the store has as text stays text."""
        paths = [path for path, kind in self._formats.items() if kind.name == "csv"]
        if not paths:
            return {}
        from pipeline.sources.csv import find_text_types  # noqa: PLC0415 - needs pyarrow.csv

        with phase("finding types", sum(sizes.get(path, 0) for path in paths), "bytes") as finding:
            types = find_text_types(
                paths,
                Reading(_BATCH_ROWS, skip_bad=self._options.skip_bad),
                lambda path: finding.add(sizes.get(path, 0)),
            )
        return {
            name: "string" if self._options.attributes.get(name) == "string" else kind for name, kind in types.items()
        }

    def _spool_file(
        self,
        path: Path,
        records: list[SessionRecord],
        spool: Spool,
        text_types: Mapping[str, str],
        converting: Phase,
    ) -> None:
        reading = Reading(
            _BATCH_ROWS,
            zone=self._options.zone,
            unit=self._unit,
            skip_bad=self._options.skip_bad,
            text_types=text_types,
            number_columns=self._number_columns,
            ambiguous_columns=self._ambiguous_columns,
        )
        only = records[0].session_id if len(records) == 1 else None
        normaliser = Normaliser(
            unit=self._unit,
            zone=self._options.zone,
            session_id=self._options.session_id or only,
            attributes={record.session_id: record.scalar_attributes for record in records},
            skip_bad=self._options.skip_bad,
            keep_repeated=self._formats[path].is_text,
        )
        ids: dict[str, None] = {}
        size = path.stat().st_size
        before, rows, all_rows = converting.passed, 0, rows_in(path) if self._formats[path].name == "parquet" else 0
        for raw in self._formats[path].load()(path, reading):
            batch = normaliser.conform(raw, reading.drops)
            if self._options.timestamp_unit is None and self._unit == "us" and normaliser.dropped_digits:
                raise _FinerTimesError
            self._merge(attributes_of(batch.schema))
            ids.update(dict.fromkeys(batch.column("session_id").unique().to_pylist()))
            spool.write(batch)
            self._passing.add(batch, self._schema, self._attributes)
            rows += raw.num_rows
            if all_rows:
                converting.passed = before + size * rows // all_rows
            if self._passing.is_disordered:
                expect(*SORTED)
        converting.passed = before + size
        if path.exists() and path.stat().st_size < size:
            # A stream of Arrow ends where its file does, without an error.
            raise SourceError("lost its end while it was read; name it again when it is whole")
        for session_id, count in normaliser.dropped_digits.items():
            self._dropped[session_id] = self._dropped.get(session_id, 0) + count
        self._skipped += reading.skipped + normaliser.skipped
        given = self._options.session_id
        if given is not None and any(session_id != given for session_id in ids):
            other = next(session_id for session_id in ids if session_id != given)
            raise SourceError(f"its rows are of session {other!r}, not of {given!r} as --session-id says")
        self._sessions.keep(path, records, list(ids))

    def _merge(self, attributes: Mapping[str, str]) -> None:
        """Unite the attributes of a file with those found before, and with what the store knows of them."""
        found = merge_attributes(self._attributes, attributes, widen=self._widen)
        known = {name: kind for name, kind in self._options.kept_attributes.items() if name in found}
        if self._widen:
            # Text knows only numbers: a column of whole ones may be what is float64 in the store.
            found |= {
                name: "float64" for name, kind in found.items() if kind == "int64" and known.get(name) == "float64"
            }
        merged = merge_attributes(known, found)
        self._attributes = {name: merged[name] for name in found}

    def _first_rows(self, path: Path) -> Iterator[pa.RecordBatch]:
        columns = ["session_id", "sequence", "timestamp"]
        if path in self._formats and self._formats[path].name == "arrow":
            return read_where_it_lies(path, columns)
        return read_parquet(path, Reading(1), columns)

    def _by_first_row(self, files: list[Path]) -> list[Path]:
        """Order files by the session, then the sequence, of their first row: what is sorted stays so."""
        if len(files) == 1:
            return files
        starts = self._sessions.starts

        def key(path: Path) -> tuple[int, str, int]:
            with reading_errors(path):
                for batch in self._first_rows(path):
                    if batch.num_rows:
                        session_id = batch.column("session_id")[0].as_py() or ""
                        start = starts.get(session_id)
                        time = batch.column("timestamp").view(pa.int64())[0].as_py()
                        first = time if start is None else start
                        return first or 0, session_id, batch.column("sequence")[0].as_py() or 0
            return 0, "", 0

        return sorted(files, key=key)

    def _summarise(self, files: Sequence[DataFile]) -> SummaryOfSessions:
        with phase("checking", sum(rows_in(file.opened_as) for file in files)) as checking:
            return self._summary_of(files, checking)

    def _summary_of(self, files: Sequence[DataFile], checking: Phase) -> SummaryOfSessions:
        summary = SummaryOfSessions()
        for file in files:
            # A spooled file has been checked; its name would tell the user nothing.
            with reading_errors(file.path) if file.path in self._formats else nullcontext():
                repeated = repeated_texts(file.opened_as) & set(self._schema.names)
                schema = with_repeated(self._schema, repeated)
                check = RowChecker(schema)
                for raw in read_parquet(file.opened_as, Reading(_BATCH_ROWS), repeated=sorted(repeated)):
                    require_short_rows(raw)
                    batch = conform_to(raw, schema)
                    check(batch)
                    checking.add(batch.num_rows)
                    summary.add(batch, self._attributes)
                    if summary.disorder is not None:
                        return summary
        return summary


def _name_of(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return in_unicode(paths[0].name) + more
