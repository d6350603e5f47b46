"""Packages of measurements: verified, and opened with the records of their sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.disk.strict_json import parse_json, read_json
from pipeline.disk.temporary import temporary_errors
from pipeline.errors import SourceError
from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.session_record import SessionRecord
from pipeline.package.described import Described, parse_descriptor
from pipeline.package.layout import DESCRIPTOR
from pipeline.rows.digest import Digest
from pipeline.sources.json_document import read_lines
from pipeline.sources.options import PlainOptions
from pipeline.sources.plain import open_plain
from pipeline.verify.verification import verify_package

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan

_VERSION = "pipeline:formatVersion"
_RECORDS = "pipeline:records"
_OF_ROWS = ("metrics", "since", "until", "where")
_OF_COLUMNS = ("columns", "exclude")
_NUMBERS = ("measurement_count", "dropped_digit_count")


@dataclass(frozen=True)
class OpenedPackage:
    """A package that was read and is what its descriptor says.

    Attributes:
        scan: its rows.
        warnings: what they lack.
    """

    scan: Scan
    warnings: Sequence[str]


@dataclass(frozen=True)
class _Package:
    """What a descriptor says.

    Attributes:
        path: the package.
        unit: of its times.
        files: of measurements.
        sessions: the file of sessions.
        further: what is known of sessions beside the columns of that file, by id.
        selection: what of the source was taken.
        is_hashed: it has SHA-256 sums and digests.
    """

    path: Path
    unit: TimestampUnit
    files: Sequence[Described]
    sessions: Described
    further: Mapping[str, Any]
    selection: Mapping[str, Any]
    is_hashed: bool

    def asks(self, names: Sequence[str]) -> list[str]:
        """Say which options of the selection were given."""
        return [name for name in names if self.selection.get(name)]


def is_package(path: Path) -> bool:
    """Whether a directory is a package of ours, sound or not."""
    try:
        found = read_json(path / DESCRIPTOR) if (path / DESCRIPTOR).is_file() else {}
    except SourceError:
        return True
    return isinstance(found, dict) and _VERSION in found


def package_unit(path: Path) -> TimestampUnit:
    """Give the unit of the times of a package.

    Raises:
        SourceError: its descriptor does not say it.
    """
    value = read_json(path / DESCRIPTOR)
    unit: TimestampUnit | None = value.get("pipeline:timestampUnit") if isinstance(value, dict) else None
    if unit not in {"us", "ns"}:
        raise SourceError(f"{path / DESCRIPTOR}: pipeline:timestampUnit is {unit!r}; it must be us or ns")
    return unit


def open_package(path: Path, directory: Path) -> OpenedPackage:
    """Verify a package, and open its measurements.

    Args:
        path: the package.
        directory: an empty one for rows that cannot be read where they lie.

    Raises:
        SourceError: it is damaged, or holds no measurements that are whole.
    """
    for problem in verify_package(path, quick=True).problems:
        raise SourceError(f"{path / problem.file}: {problem.problem}; the package is damaged")
    package = _describe(path)
    records = _read_records(package)
    paths: dict[Path, list[SessionRecord]] = {}
    for at, file in enumerate(package.files):
        # Sessions without a row come with the first file.
        ids = [one for one, record in records.items() if at == 0 and not record.described_count]
        ids += [one for one, said in file.sessions.items() if one in records and said.rows and one not in ids]
        paths[_readable(path / file.path, file, directory)] = [records[one] for one in ids]
    rows = directory / "rows"
    with temporary_errors(directory):
        rows.mkdir()
    columns = {name: kind for file in package.files for name, kind in file.columns if name not in CORE_COLUMNS}
    opened = open_plain(list(paths), rows, PlainOptions(timestamp_unit=package.unit, attributes=columns, records=paths))
    _compare(package, records, opened.scan.sessions)
    return OpenedPackage(replace(opened.scan, name=path.name), _warnings(package))


def _describe(path: Path) -> _Package:
    descriptor = read_json(path / DESCRIPTOR)
    try:
        described = parse_descriptor(descriptor)
    except ValueError as error:
        raise SourceError(f"{path / DESCRIPTOR}: {error}") from error
    files = [one for one in described if one.table == "measurements"]
    if not files:
        held = " and ".join(sorted({one.table for one in described if not one.is_attached} - {"sessions"}))
        raise SourceError(f"{path}: is a package of {held}, and holds no measurements that could be imported")
    for one in files:
        reason = _refusal(one)
        if reason is not None:
            raise SourceError(
                f"{path / one.path}: {reason}, so it is not imported; import the store, or a package of it as NDJSON"
            )
    (sessions,) = (one for one in described if one.table == "sessions" and not one.is_attached)
    resource = next(one for one in descriptor["resources"] if one["path"] == sessions.path)
    selection = descriptor["pipeline:options"].get("selection", {})
    return _Package(
        path,
        package_unit(path),
        files,
        sessions,
        resource.get(_RECORDS, {}),
        selection if isinstance(selection, dict) else {},
        bool(descriptor["pipeline:options"]["hashed"]),
    )


def _refusal(file: Described) -> str | None:
    """Say why the rows of a file are not those that were exported."""
    if file.is_spreadsheet:
        return "is of the variant for spreadsheet programs, whose texts may be others"
    if file.format in {"influx", "xlsx"}:
        name = {"influx": "line protocol", "xlsx": "a workbook"}[file.format]
        return f"is {name}, which does not hold all that rows hold"
    lacks = [name for name in CORE_COLUMNS if name not in dict(file.columns)]
    if lacks:
        return f"was exported without the column {lacks[0]!r}"
    return None


def _read_records(package: _Package) -> dict[str, SessionRecord]:
    """Read the table of sessions; gives their records by id."""
    import pyarrow as pa  # noqa: PLC0415 - slow to load
    import pyarrow.csv as arrow_csv  # noqa: PLC0415 - the same

    file = package.path / package.sessions.path
    names = [name for name, _ in package.sessions.columns]
    is_whole = not package.asks(_OF_ROWS) and not package.asks(_OF_COLUMNS)
    try:
        rows = arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(block_size=file.stat().st_size + 1, use_threads=False),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ).to_pylist()
        return {
            str(row["session_id"]): _record(row, package.further.get(row["session_id"], {}), is_whole=is_whole)
            for row in rows
        }
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror or error})") from error
    except (pa.ArrowException, LookupError, TypeError, ValueError, AttributeError, SourceError) as error:
        raise SourceError(f"{file}: holds no records of sessions ({error})") from error


def _record(row: dict[str, str], further: Mapping[str, Any], *, is_whole: bool) -> SessionRecord:
    record = SessionRecord.described(
        {
            "session_id": row["session_id"],
            "started_at": row["started_at"],
            "ended_at": row["ended_at"],
            "harness": {"name": row["harness_name"], "version": row["harness_version"]},
            **{name: parse_json(row[name].encode()) for name in ("configuration", "attributes")},
            **{name: int(row[name]) for name in _NUMBERS},
            "content_digest": row["content_digest"],
            **{name: further[name] for name in ("metric_facts", "origin") if name in further},
        },
        is_whole=is_whole,
    )
    if record.started_at is None or record.ended_at is None:
        raise ValueError("a session starts and ends")
    return record


def _readable(path: Path, file: Described, directory: Path) -> Path:
    """Give a file of the rows of a file that can be read: a JSON document becomes lines."""
    if file.format != "json":
        return path
    lines = directory / f"{file.path}.ndjson"
    with temporary_errors(directory), lines.open("wb") as out:
        out.writelines(read_lines(path))
    return lines


def _compare(package: _Package, records: Mapping[str, SessionRecord], sessions: Sequence[Session]) -> None:
    """Compare what was read with what the descriptor says of it.

    Raises:
        SourceError: it is something else.
    """
    counts: dict[str, int] = {}
    digests: dict[str, Digest] = {}
    for file in package.files:
        for session_id, said in file.sessions.items():
            counts[session_id] = counts.get(session_id, 0) + said.rows
            digest = digests.setdefault(session_id, Digest())
            if said.digest is not None:
                digest.add(Digest.parse(said.digest).lanes)
    for session_id in sorted({one for one, count in counts.items() if count} - {one.session_id for one in sessions}):
        raise SourceError(f"{package.path}: has no row of session {session_id!r}, of which its descriptor tells")
    for session in sessions:
        session_id = session.session_id
        if session_id not in records:
            raise SourceError(f"{package.path / package.sessions.path}: does not list session {session_id!r}")
        if session.measurement_count != counts.get(session_id, 0):
            raise SourceError(
                f"{package.path}: session {session_id!r} has {session.measurement_count} rows, its descriptor says "
                f"{counts.get(session_id, 0)}"
            )
        expected = digests.get(session_id, Digest()).text
        if package.is_hashed and session.content_digest != expected:
            raise SourceError(
                f"{package.path}: the digest of session {session_id!r} is {session.content_digest}, its descriptor "
                f"says {expected}"
            )


def _warnings(package: _Package) -> list[str]:
    found = []
    redacted = package.selection.get("redact") or []
    if redacted:
        found.append(f"{package.path}: its records were redacted, and are imported so: {', '.join(redacted)}")
    chosen = package.asks([*_OF_ROWS, *_OF_COLUMNS])
    if chosen:
        options = ", ".join(f"--{ {'metrics': 'metric'}.get(name, name) }" for name in chosen)
        found.append(f"{package.path}: holds a part of its sessions ({options}), which is imported as it is")
    if not any(file.rows for file in package.files):
        found.append(f"{package.path}: holds no row")
    if not package.is_hashed:
        found.append(f"{package.path}: was written without hashes, so damage may go unnoticed")
    return found
